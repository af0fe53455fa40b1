"""Committed results with commit and hardware."""
