"""Streaming metrics: per-image statistics in, numbers out."""
