"""What networks can be computed with, one a file; `reading.runtime` chooses."""
