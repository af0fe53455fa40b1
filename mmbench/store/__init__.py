"""Files on disk: cells, results, downloads."""
