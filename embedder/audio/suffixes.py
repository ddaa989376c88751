"""The suffixes of audio files."""

# fmt: off
AUDIO_SUFFIXES = frozenset({
    "aac", "ac3", "aif", "aifc", "aiff", "alac", "amr", "ape", "asf", "au", "caf", "dff", "dsf",
    "dts", "eac3", "flac", "m4a", "m4b", "mka", "mp2", "mp3", "mp4", "mpc", "mpga", "oga", "ogg",
    "opus", "ra", "shn", "snd", "spx", "tak", "tta", "voc", "w64", "wav", "weba", "webm", "wma",
    "wv",
})
# fmt: on
"""In lower case, without the dot."""
