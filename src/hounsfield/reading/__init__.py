"""From a bundle to readings."""
