"""Readings and evidence as pages people read."""
