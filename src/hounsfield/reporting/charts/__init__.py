"""Figures drawn as SVG inside the page: they follow its colours in light and dark, and their text stays text."""
