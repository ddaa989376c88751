"""Reading and writing audio files. No other package uses FFmpeg."""
