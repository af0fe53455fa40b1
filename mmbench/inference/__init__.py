"""A trained method on one's own images."""
