"""The names of a projection's files; `kinds.projection` describes them."""

PROJECTION_NAME, BASE_NAME = "projection.safetensors", "base"
