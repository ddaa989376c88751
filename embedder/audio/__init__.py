"""Sound files in and out: the only place that knows FFmpeg."""
