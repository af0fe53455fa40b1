"""Speed: what is timed, against what."""
