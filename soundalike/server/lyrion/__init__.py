"""Mixes for Lyrion Music Server: what its plugin Bliss Mixer asks of the program bliss-mixer."""
