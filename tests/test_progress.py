"""Progress passes things on, and says nothing where nobody looks."""

import pytest

from hounsfield.progress import say, track


def test_everything_is_passed_on_and_nothing_is_drawn_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(track(iter([3, 1, 2]), "counting", total=3)) == [3, 1, 2]
    assert list(track([], "counting")) == []
    assert capsys.readouterr().out == ""
    assert capsys.readouterr().err == ""


def test_the_bar_goes_to_stderr(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich then takes any stream for a terminal
    list(track([1, 2], "reading films"))
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "reading films" in captured.err


def test_information_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    say("half way")
    assert capsys.readouterr() == ("", "half way\n")
