"""The documentation says what the program does: commands, errors, links, and every example that can be tried."""

import ast
import importlib
import importlib.util
import inspect
import re
import shlex
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import pytest

from hounsfield import errors
from hounsfield.cli.main import VERBS, build_parser
from hounsfield.datasets.description import read_description

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md"))]
PAGES += sorted((ROOT / "benchmarks").glob("*.md"))

_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\w*)[^\n]*\n(?P<body>.*?)^(?P=indent)```", re.MULTILINE | re.DOTALL
)
_LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(?P<title>.+?) *$", re.MULTILINE)


def blocks(language: str | None = None) -> Iterator[tuple[str, str]]:
    """(page, body) of each fenced block, of one language if given."""
    for page in PAGES:
        for found in _FENCE.finditer(page.read_text(encoding="utf-8")):
            if language is None or found["language"] == language:
                yield page.relative_to(ROOT).as_posix(), found["body"]


def commands() -> list[tuple[str, str]]:
    """(page, line) of each `hounsfield …` that a reader is told to type; help texts are no such lines."""
    return [
        (page, line.strip())
        for page, body in blocks()
        if page != "docs/commands.md"
        for line in re.sub(r" \\\n *", " ", body).splitlines()
        if re.match(r" *hounsfield( |$)", line) and not line.strip().startswith("hounsfield:") and "error:" not in line
    ]


def links() -> list[tuple[str, str]]:
    """(page, target) of each link that stays inside the project."""
    found = []
    for page in PAGES:
        text = _FENCE.sub("", page.read_text(encoding="utf-8"))
        targets = [link["target"] for link in _LINK.finditer(text)]
        found += [(page.relative_to(ROOT).as_posix(), target) for target in targets if "://" not in target]
    return found


def anchors(page: Path) -> set[str]:
    """Anchors of a page's headings, as the site makes them."""
    titles = [heading["title"] for heading in _HEADING.finditer(_FENCE.sub("", page.read_text(encoding="utf-8")))]
    plain = [re.sub(r"[^\w\s-]", "", title).strip().lower() for title in titles]
    return {re.sub(r"[\s-]+", "-", title) for title in plain}


def generator() -> types.ModuleType:
    """The script that writes docs/commands.md."""
    spec = importlib.util.spec_from_file_location("commands", DOCS / "_scripts" / "commands.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_commands_page_is_what_help_prints() -> None:
    script = generator()
    if sys.version_info[:2] != script.PYTHON:
        pytest.skip(f"argparse words its help differently from that of Python {script.PYTHON}")
    assert script.PAGE.read_text(encoding="utf-8") == script.page(), "run docs/_scripts/commands.py"


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_is_on_the_first_page_and_among_the_commands(verb: str) -> None:
    assert f"`hounsfield {verb}`" in (DOCS / "index.md").read_text(encoding="utf-8")
    assert f"## hounsfield {verb}\n" in (DOCS / "commands.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("page", "line"), commands())
def test_every_command_in_the_documentation_is_understood(page: str, line: str) -> None:
    typed = re.split(r" [>|] ", line)[0]
    words = shlex.split(typed, comments=True)[1:]
    verb = words[0] if words else None
    assert verb is None or verb in VERBS
    build_parser(verb).parse_args(words)


@pytest.mark.parametrize(("page", "target"), links())
def test_every_link_inside_the_project_leads_somewhere(page: str, target: str) -> None:
    path, _, anchor = target.partition("#")
    there = (ROOT / page).parent / path if path else ROOT / page
    assert there.exists()
    if anchor:
        assert anchor in anchors(there)


def test_every_page_can_be_found_from_the_navigation() -> None:
    nav = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:")[2]
    listed = set(re.findall(r"[\w./-]+\.md", nav))
    assert listed == {page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")}


@pytest.mark.parametrize(
    ("page", "body"), [block for block in blocks("toml") if re.search(r"^(table|npz|dicom) =", block[1], re.MULTILINE)]
)
def test_every_description_of_a_data_set_in_the_documentation_is_valid(page: str, body: str, tmp_path: Path) -> None:
    description = tmp_path / "described.toml"
    description.write_text(body, encoding="utf-8")
    read_description(description)


@pytest.mark.parametrize(("page", "body"), list(blocks("python")))
def test_every_import_in_the_documentation_works(page: str, body: str) -> None:
    for node in ast.walk(ast.parse(body)):
        if isinstance(node, ast.ImportFrom):
            module = importlib.import_module(node.module or "")
            missing = [name.name for name in node.names if not hasattr(module, name.name)]
            assert [name for name in missing if importlib.util.find_spec(f"{node.module}.{name}") is None] == []


def test_the_errors_page_has_every_error_with_its_exit_code() -> None:
    rows = set(re.findall(r"^\| `(\w+)` \| (\d) \|", (DOCS / "errors.md").read_text(encoding="utf-8"), re.MULTILINE))
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass)]
    assert rows == {(kind.__name__, "2" if issubclass(kind, errors.UsageError) else "1") for kind in kinds}
