"""Sinks by name: one file each, found by the catalog."""
