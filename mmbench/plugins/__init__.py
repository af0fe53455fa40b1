"""Plug-ins: which there are, and what a result depends on."""
