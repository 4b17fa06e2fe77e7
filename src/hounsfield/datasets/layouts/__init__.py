"""Ways in which data lie on disk."""
