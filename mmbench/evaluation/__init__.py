"""Score one trained method."""
