"""Reports: one file per table or figure, found by name."""
