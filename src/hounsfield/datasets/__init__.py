"""Data sets: cases, layouts, splits, fingerprints and the phantom."""
