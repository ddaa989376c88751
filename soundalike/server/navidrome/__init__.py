"""Songs like a song for Navidrome: what its AudioMuse plugin asks, with Navidrome's own ids."""
