"""Torch modules only, one family a file."""
