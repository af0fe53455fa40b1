"""Profiles: how large and how long; one TOML file each."""
