"""What is given to the program and was not made by it: paths, files, texts."""
