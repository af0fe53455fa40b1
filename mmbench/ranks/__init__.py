"""One cell in several processes, each with a GPU of its own. Nothing here enters a key: it changes no number."""
