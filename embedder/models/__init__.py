"""Model folders: their cards, fingerprints and kinds; finding, importing and exporting them."""
