"""The entry point: the table of verbs, errors as one line and an exit code."""

import json
import os
import re
import subprocess
import sys
import types
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hounsfield import __version__
from hounsfield.cli import main as entry
from hounsfield.errors import FormatError, PlanError, UsageError

CLI = Path(entry.__file__).parent


@pytest.fixture
def verb(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Callable[[], int]], None]]:
    """Put a verb called "probe" into the table, whose run calls the given function."""

    def install(body: Callable[[], int]) -> None:
        module = types.ModuleType("hounsfield.cli.probe")
        module.HELP = "a probe"
        module.add_arguments = lambda parser: parser.add_argument("--json", action="store_true")
        module.run = lambda arguments: body()
        monkeypatch.setitem(sys.modules, "hounsfield.cli.probe", module)
        monkeypatch.setitem(entry.VERBS, "probe", "a probe")

    yield install


def raising(error: BaseException) -> Callable[[], int]:
    """A function that raises `error`."""

    def body() -> int:
        raise error

    return body


def test_the_table_and_the_modules_tell_the_same() -> None:
    assert {name: entry.verb_module(name).HELP for name in entry.VERBS} == entry.VERBS


def test_every_module_that_is_a_verb_is_in_the_table() -> None:
    verbs = {
        path.stem for path in CLI.glob("*.py") if re.search(r"^HELP\b", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert verbs == set(entry.VERBS)


@pytest.mark.parametrize("name", entry.VERBS)
def test_every_verb_takes_json_and_prints_its_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        entry.main([name, "--help"])
    assert stop.value.code == 0
    assert "--json" in capsys.readouterr().out


def test_no_words_print_the_list_of_verbs(capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.main([]) == 0
    printed = capsys.readouterr().out
    assert all(f"  {name} " in printed for name in entry.VERBS)


def test_version_is_the_package_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        entry.main(["--version"])
    assert capsys.readouterr().out == f"hounsfield {__version__}\n"


def test_an_unknown_verb_is_wrong_usage_and_the_nearest_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.main(["trian"]) == 2
    assert "there is no command 'trian'; did you mean 'train'?" in capsys.readouterr().err


def test_an_unknown_option_is_wrong_usage_and_says_which(
    verb: Callable[[Callable[[], int]], None], capsys: pytest.CaptureFixture[str]
) -> None:
    verb(lambda: 0)
    assert entry.main(["probe", "--jsn"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "error: unrecognized arguments: --jsn" in said.err


def test_what_a_verb_returns_is_the_exit_code(verb: Callable[[Callable[[], int]], None]) -> None:
    verb(lambda: 1)
    assert entry.main(["probe"]) == 1


@pytest.mark.parametrize(
    ("error", "code"), [(FormatError("x.dcm: cut short"), 1), (UsageError("no"), 2), (PlanError("no key"), 2)]
)
def test_errors_on_purpose_are_one_line_and_a_code(
    verb: Callable[[Callable[[], int]], None], capsys: pytest.CaptureFixture[str], error: Exception, code: int
) -> None:
    verb(raising(error))
    assert entry.main(["probe"]) == code
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == f"hounsfield probe: error: {error}\n"


def test_with_json_the_error_is_json_on_stdout_too(
    verb: Callable[[Callable[[], int]], None], capsys: pytest.CaptureFixture[str]
) -> None:
    verb(raising(FormatError("x.dcm: cut short")))
    assert entry.main(["probe", "--json"]) == 1
    said = capsys.readouterr()
    assert json.loads(said.out) == {"error": {"type": "FormatError", "message": "x.dcm: cut short"}}
    assert said.err == "hounsfield probe: error: x.dcm: cut short\n"


def test_a_bug_keeps_its_traceback(verb: Callable[[Callable[[], int]], None]) -> None:
    verb(raising(ZeroDivisionError("bug")))
    with pytest.raises(ZeroDivisionError):
        entry.main(["probe"])


def test_ctrl_c_ends_with_a_sentence_and_130(
    verb: Callable[[Callable[[], int]], None], capsys: pytest.CaptureFixture[str]
) -> None:
    verb(raising(KeyboardInterrupt()))
    assert entry.main(["probe"]) == 130
    assert "hounsfield probe: stopped from the keyboard" in capsys.readouterr().err


def test_a_library_warning_is_one_line_on_stderr(
    verb: Callable[[Callable[[], int]], None], capsys: pytest.CaptureFixture[str]
) -> None:
    def body() -> int:
        warnings.simplefilter("default")
        warnings.warn("odd value", UserWarning, stacklevel=1)
        return 0

    verb(body)
    assert entry.main(["probe"]) == 0
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "warning: odd value\n")


def test_a_closed_pipe_is_silent() -> None:
    command = [sys.executable, "-c", "import sys; from hounsfield.cli.main import main; sys.exit(main([]))"]
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=buffered) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141
