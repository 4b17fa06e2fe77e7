"""The trial of each package."""

import sys
import types

import pytest

from hounsfield.cli.checkup.packages import Package, check_packages


def only(requirement: str) -> Package:
    """What is found of one requirement."""
    (package,) = check_packages([requirement])
    return package


def test_all_that_hounsfield_needs_is_here_and_imports() -> None:
    packages = check_packages()
    assert {package.name for package in packages} >= {"torch", "torchvision", "pydicom", "simpleitk"}
    assert [package for package in packages if package.fault and not package.extra] == []


def test_a_package_that_is_not_installed_is_named() -> None:
    package = only("no-such-package-anywhere>=2")
    assert (package.version, package.fault) == ("", "not installed")
    assert package.requirement == "no-such-package-anywhere>=2"


def test_a_version_that_is_too_old_is_named_with_what_is_needed() -> None:
    assert "is installed, >=999 is needed" in only("numpy>=999").fault


def test_a_package_that_cannot_be_imported_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numpy", None)
    assert only("numpy").fault.startswith("installed, but cannot be imported: ")


def test_any_failure_of_an_import_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    class Loader(types.ModuleType):
        pass

    def fail(name: str) -> None:
        raise RuntimeError("operator torchvision::nms does not exist")

    monkeypatch.setattr("importlib.import_module", fail)
    assert "operator torchvision::nms does not exist" in only("numpy").fault


def test_extras_for_developers_are_left_out() -> None:
    assert check_packages(["pytest>=8; extra == 'test'"]) == ()


def test_an_extra_for_users_is_kept_with_its_name() -> None:
    package = only("no-such-package-anywhere>=2; sys_platform == 'linux' and extra == 'pathology'")
    assert (package.extra, package.fault) == ("pathology", "not installed")


def test_a_requirement_for_another_system_is_left_out() -> None:
    assert check_packages(["numpy; sys_platform == 'no-such-system'"]) == ()
