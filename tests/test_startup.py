"""What is not imported before it is needed, so that `--help` answers at once. Times: see benchmarks/startup.py."""

import json
import subprocess
import sys

import pytest

from hounsfield.cli.main import VERBS

HEAVY = {
    "SimpleITK",
    "cv2",
    "jinja2",
    "matplotlib",
    "nibabel",
    "numpy",
    "pydantic",
    "pydicom",
    "rich",
    "scipy",
    "torch",
}


def imported_by(code: str) -> set[str]:
    """The modules a fresh interpreter has imported after `code`, which may end the program."""
    program = (
        f"try:\n    {code}\nexcept SystemExit:\n    pass\nimport json, sys\nprint('\\n' + json.dumps([*sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_importing_the_package_imports_nothing_heavy() -> None:
    assert imported_by("import hounsfield") & HEAVY == set()


def test_the_list_of_verbs_imports_nothing_heavy() -> None:
    assert imported_by("from hounsfield.cli.main import main; main(['--help'])") & HEAVY == set()


@pytest.mark.parametrize("verb", VERBS)
def test_the_help_of_a_verb_imports_nothing_heavy_and_no_other_verb(verb: str) -> None:
    imported = imported_by(f"from hounsfield.cli.main import main; main(['{verb}', '--help'])")
    assert imported & HEAVY == set()
    assert {name for name in VERBS if f"hounsfield.cli.{name}" in imported} == {verb}
