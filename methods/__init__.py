"""Methods: one file each, found by name; see docs/overview.md."""
