"""The structure of the house, read from the imports: a room stands above all that it imports, and never in a circle."""

import ast
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "hounsfield"

FLOORS = (
    {"errors", "arrays", "atomic", "memory", "progress"},
    {"geometry"},
    {"image"},
    {"findings", "formats", "preprocessing", "networks"},
    {"datasets", "evaluation"},
    {"tasks", "likeness"},
    {"plan", "bundle"},
    {"learning", "reading", "exporting", "reporting"},
    {"cli", "__main__"},
)
"""The rooms (modules and folders right below the package) from the ground up. A new room is put on its floor here."""

WINGS = ({"learning"}, {"reading"})
"""Side by side over the same ground: one makes bundles, the other uses them, and neither imports the other."""

LONGEST_MODULE = 600
LONGEST_FUNCTION = 60


@cache
def modules() -> dict[str, ast.Module]:
    """Every module of the package by its dotted name, parsed."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        found[".".join(parts).removesuffix(".__init__")] = ast.parse(path.read_text(encoding="utf-8"), str(path))
    return found


def imports_of(tree: ast.AST) -> Iterator[str]:
    """Dotted names that a module imports from the package, anywhere in it: in functions and for types too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: imports are written out in full here"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if whole in modules() else node.module or ""


@cache
def arrows() -> dict[str, frozenset[str]]:
    """For each module the modules of ours that it imports."""
    return {name: frozenset(set(imports_of(tree)) & set(modules()) - {name}) for name, tree in modules().items()}


def room_of(module: str) -> str:
    """The room a module stands in; empty for the package itself."""
    return module.partition(".")[2].partition(".")[0]


def floor_of(module: str) -> int:
    """The floor of its room; the package's own `__init__` lies below all."""
    room = room_of(module)
    return next((floor for floor, rooms in enumerate(FLOORS) if room in rooms), -1)


def circles(graph: Mapping[str, Collection[str]]) -> list[list[str]]:
    """Groups of modules that import each other in a circle: Tarjan's strongly connected components, of two or more."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    groups: list[list[str]] = []

    def visit(name: str) -> None:
        index[name] = low[name] = len(index)
        stack.append(name)
        for other in graph[name]:
            if other not in index:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], index[other])
        if low[name] == index[name]:
            group = stack[stack.index(name) :]
            del stack[stack.index(name) :]
            if len(group) > 1:
                groups.append(sorted(group))

    for name in graph:
        if name not in index:
            visit(name)
    return groups


def upwards(graph: Mapping[str, Collection[str]]) -> list[str]:
    """Imports that run from a room to one on a higher floor."""
    return [
        f"{name} imports {other}"
        for name, others in graph.items()
        for other in sorted(others)
        if room_of(name) and floor_of(other) > floor_of(name)
    ]


def test_every_room_has_a_floor() -> None:
    rooms = {room_of(name) for name in modules()} - {""}
    known = set().union(*FLOORS)
    assert rooms <= known, f"put these rooms on a floor: {sorted(rooms - known)}"


def test_imports_run_downwards() -> None:
    assert upwards(arrows()) == []


def test_an_import_upwards_would_be_seen() -> None:
    graph = {
        "hounsfield.geometry": ["hounsfield.formats.read", "hounsfield.errors"],
        "hounsfield.cli.x": ["hounsfield.plan"],
    }
    assert upwards(graph) == ["hounsfield.geometry imports hounsfield.formats.read"]


def test_the_package_itself_imports_none_of_its_rooms() -> None:
    assert arrows()["hounsfield"] == frozenset()


def test_nothing_imports_in_a_circle() -> None:
    assert circles(arrows()) == []


def test_a_circle_would_be_seen() -> None:
    assert circles({"a": ["b"], "b": ["c"], "c": ["a", "d"], "d": []}) == [["a", "b", "c"]]


def test_learning_and_reading_do_not_know_each_other() -> None:
    one, other = WINGS
    crossing = [
        f"{name} imports {target}"
        for name, targets in arrows().items()
        for target in targets
        if (room_of(name) in one and room_of(target) in other) or (room_of(name) in other and room_of(target) in one)
    ]
    assert crossing == []


def test_networks_know_nothing_of_ours_but_errors() -> None:
    known = {room_of(target) for name, targets in arrows().items() if room_of(name) == "networks" for target in targets}
    assert known <= {"", "networks", "errors"}


@pytest.mark.parametrize("name", modules())
def test_a_module_and_its_functions_can_be_read_in_a_sitting(name: str) -> None:
    tree = modules()[name]
    last = max((node.end_lineno or 0 for node in tree.body), default=0)
    assert last <= LONGEST_MODULE
    long = [
        f"{node.name}: {length} lines"
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or 0) - node.body[0].lineno + 1) > LONGEST_FUNCTION
    ]
    assert long == []


def test_every_test_stands_where_its_module_stands() -> None:
    """tests/ mirrors src/hounsfield: a folder of tests is a folder of the package."""
    tests = Path(__file__).parent
    folders = {path.parent.relative_to(tests) for path in tests.rglob("test_*.py")}
    own = {Path(), Path("real"), Path("browser")}
    assert {str(folder) for folder in folders - own if not (PACKAGE / folder).is_dir()} == set()
