"""Carry out a plan: one process per cell. Imports no torch."""
