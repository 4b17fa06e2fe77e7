"""Readings and evidence as pages a person can open: one self-contained HTML file each, and the figure of a case."""
