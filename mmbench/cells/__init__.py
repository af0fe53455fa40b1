"""What a cell's process does once it holds the cell's lock. ``mmbench.cell`` is the program around it."""
