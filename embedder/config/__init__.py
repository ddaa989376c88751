"""Settings: frozen dataclasses, read from and written to TOML, with presets."""
