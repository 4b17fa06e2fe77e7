"""The command line: one verb a file; each parses, calls the library and prints."""

from hounsfield.cli.main import main

__all__ = ["main"]
