"""The README's pictures of mmbench itself: its report in a browser, a run in a terminal."""
