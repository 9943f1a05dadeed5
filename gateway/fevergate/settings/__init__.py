"""TOML files as typed settings, refused in one line."""
