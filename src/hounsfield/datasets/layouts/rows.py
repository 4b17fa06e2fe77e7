"""Rows of a CSV table as dictionaries of text, and templates that are filled from them."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hounsfield.datasets.listing import some
from hounsfield.errors import DatasetError

Row = Mapping[str, str]
"""Cells by column name, without surrounding blanks; an empty cell is an empty string."""

_BRACES = re.compile(r"\{([^{}]*)\}")
"""A column's name in a template; it may hold dots and blanks, as names from other programs do."""

_DELIMITERS = ",;\t"


@dataclass(frozen=True)
class Table:
    """A table of text."""

    path: Path
    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    def need(self, column: str, purpose: str) -> str:
        """The column's own name.

        Raises:
            DatasetError: There is no such column; the message lists those there are.
        """
        if column not in self.columns:
            raise DatasetError(f"{self.path}: no column {column!r} for {purpose}; columns: {', '.join(self.columns)}")
        return column


def read_table(path: Path) -> Table:
    """The rows of a CSV file in UTF-8, separated by commas, semicolons or tabs: whichever its first line has most of.

    Raises:
        DatasetError: The file is missing, not text, empty, has two columns of one name, or rows of different lengths.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DatasetError(f"cannot read the table {path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path} is not text in UTF-8; save the table as “CSV UTF-8”") from error
    first_line = text.split("\n", 1)[0]
    delimiter = max(_DELIMITERS, key=first_line.count)
    try:
        lines = [line for line in csv.reader(text.splitlines(keepends=True), delimiter=delimiter, strict=True) if line]
    except csv.Error as error:
        raise DatasetError(f"{path} is not a CSV table: {error}") from error
    if not lines:
        raise DatasetError(f"{path} is empty; a table begins with a line of column names")
    columns = tuple(name.strip() for name in lines[0])
    if len(set(columns)) < len(columns):
        twice = sorted({name for name in columns if columns.count(name) > 1})
        raise DatasetError(f"{path} has more than one column called {', '.join(map(repr, twice))}; rename one")
    for number, cells in enumerate(lines[1:], start=2):
        if len(cells) != len(columns):
            raise DatasetError(f"{path}, row {number}: {len(cells)} cells under {len(columns)} column names")
    rows = tuple(dict(zip(columns, (cell.strip() for cell in cells), strict=True)) for cells in lines[1:])
    if not rows:
        raise DatasetError(f"{path} has column names but no rows")
    return Table(path, columns, rows)


FILE = "file"
"""Column of the path in a table of files."""


def table_of_files(root: Path, pattern: str) -> Table:
    """A row for each file below `root` whose path, with forward slashes, fits a regular expression as a whole, in the
    order of the paths; the columns are "file", the path, and the named groups.

    Raises:
        DatasetError: There is none; the message shows a file that does not fit. Or a group is called "file".
    """
    fits = re.compile(pattern)
    if FILE in fits.groupindex:
        raise DatasetError(f'files = {pattern!r}: a group is called "{FILE}", as the column of the path is; rename it')
    paths = sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
    found = [(path, fits.fullmatch(path)) for path in paths]
    rows = [{FILE: path, **{name: text or "" for name, text in fit.groupdict().items()}} for path, fit in found if fit]
    if not rows:
        shown = f", such as {paths[0]}," if paths else ""
        raise DatasetError(
            f"none of the {len(paths)} files in {root}{shown} fits files = {pattern!r}; the expression must fit the "
            "whole path below the root; if the data lie elsewhere, give root (--root)"
        )
    return Table(root, (FILE, *fits.groupindex), tuple(rows))


def join(left: Table, right: Table, on: str) -> Table:
    """`left` with the columns of `right` added, many to one, by equal cells in the column `on`.

    A column that both have keeps the cells of `left`.

    Raises:
        DatasetError: A table lacks the column, `right` has two rows for one value, or none for a value of `left`.
    """
    left.need(on, f"joining {right.path.name}")
    right.need(on, f"joining it to {left.path.name}")
    partners: dict[str, Row] = {}
    for row in right.rows:
        if row[on] in partners:
            raise DatasetError(f"{right.path}: two rows with {on} = {row[on]!r}; a joined table needs one a value")
        partners[row[on]] = row
    lonely = list(dict.fromkeys(row[on] for row in left.rows if row[on] not in partners))
    if lonely:
        raise DatasetError(
            f"{right.path} has no row for {len(lonely)} of the values of {on} in {left.path.name}: {some(lonely)}"
        )
    columns = left.columns + tuple(name for name in right.columns if name not in left.columns)
    return Table(left.path, columns, tuple({**partners[row[on]], **row} for row in left.rows))


@dataclass(frozen=True)
class Template:
    """Text with columns in braces, as "images/{image}.jpg"; a word without braces stands for the column itself."""

    text: str
    columns: tuple[str, ...]

    def fill(self, row: Row) -> str:
        """The text with the row's cells in place of the braces."""
        return _BRACES.sub(lambda found: row[found[1]], self.text)

    def fill_known(self, row: Row) -> str:
        """As `fill`, but empty when all of the row's cells in it are."""
        return self.fill(row) if any(row[column] for column in self.columns) else ""


def template(text: str, table: Table, purpose: str) -> Template:
    """The template that `text` is, checked against the columns of `table`.

    Raises:
        DatasetError: A column does not exist, or the braces hold more than a column's name.
    """
    if "{" not in text:
        return Template("{" + table.need(text, purpose) + "}", (text,))
    rest = _BRACES.sub("", text)
    if "{" in rest or "}" in rest:
        raise DatasetError(f"{purpose} = {text!r}: a brace stands alone; write columns as {{column}}")
    return Template(text, tuple(table.need(column, purpose) for column in _BRACES.findall(text)))
