"""Metrics of a translation and its truth (contract: ``mmbench/metric.py``), and what other evaluations count with."""
