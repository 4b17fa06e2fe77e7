"""File formats: in and out of `Image`."""

from hounsfield.formats.folder import list_images
from hounsfield.formats.header import Header
from hounsfield.formats.identify import identify
from hounsfield.formats.read import header, read
from hounsfield.formats.write import write_nifti, write_png

__all__ = ["Header", "header", "identify", "list_images", "read", "write_nifti", "write_png"]
