"""How well several runs share one folder's cells, by the clock."""
