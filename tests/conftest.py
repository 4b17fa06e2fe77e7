"""Fixtures every room uses."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of the real data sets: $HOUNSFIELD_DATA, else ../shared/data beside the project."""
    named = os.environ.get("HOUNSFIELD_DATA")
    folder = Path(named) if named else Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}: set HOUNSFIELD_DATA")
    return folder
