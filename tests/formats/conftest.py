"""Lets the tests of this folder import `dicom_files`, which makes the files they read."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
