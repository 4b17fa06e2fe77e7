"""Volumes that the package makes itself, CT or MR, with exact masks and exact distances from tumours to organs."""

from hounsfield.datasets.phantom3d.write import write_phantom3d

__all__ = ["write_phantom3d"]
