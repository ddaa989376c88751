"""The models that come with soundalike: a folder each, with `card.json` and weights."""
