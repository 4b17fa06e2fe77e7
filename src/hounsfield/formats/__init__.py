"""File formats: in and out of `Image`."""
