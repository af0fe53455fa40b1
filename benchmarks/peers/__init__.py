"""Our training steps against plain re-implementations of the reference training loops.

The peers are written from the papers and from what the authors' repositories say of themselves. They have the shapes of
our networks and the same losses, so that the work is equal, and torch's own layers.
"""
