"""Bundles: what was written is read, and what was changed, lost or is too new is refused by name."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from hounsfield.bundle import (
    Bundle,
    OperatingPoint,
    TrainingRecord,
    add_file,
    patient_digest,
    read_bundle,
    require_room,
    unfinished_folder,
    write_bundle,
)
from hounsfield.datasets.case import Dataset
from hounsfield.datasets.split import make_split
from hounsfield.errors import BundleError, SplitError, StorageError
from hounsfield.learning.supervised import setup
from hounsfield.plan import Plan, read_plan

pytestmark = pytest.mark.usefixtures("one_thread")
MakeTinyPlan = Callable[..., Plan]
WriteTiny = Callable[..., Bundle]

OPERATING = OperatingPoint(0.1 + 0.2, "youden on 8 cases", scale=0.7, offset=(0.0, -0.1), calibrated=True)
RECORD = TrainingRecord(
    dataset="tiny",
    cases=36,
    patients=18,
    members=2,
    seconds=1.5,
    created="2026-01-02T03:04:05+00:00",
    machine="a laptop",
    stopped="finished",
    seen_patients=("0123456789abcdef",),
    input_sides=(0.1, 0.2),
    film_side=1024,
    warnings=("2 of 38 cases could not be read and were left out of the training.",),
)


@pytest.fixture
def write_tiny(tiny_dataset: Dataset, make_tiny_plan: MakeTinyPlan, tmp_path: Path) -> WriteTiny:
    """Write a bundle of two fresh networks; words change the plan, the operating point or the record."""

    def write(name: str = "B", *, plan: Plan | None = None, members: Any = None, **changed: Any) -> Bundle:
        plan = plan or make_tiny_plan()
        fresh = [setup(plan, member=number).network.state_dict() for number in range(2)]
        return write_bundle(
            tmp_path / name,
            plan=plan,
            members=members or fresh,
            operating=changed.get("operating", OPERATING),
            training=changed.get("training", RECORD),
            split=make_split(tiny_dataset, seed=0),
        )

    return write


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def manifest(bundle: Bundle) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((bundle.folder / "bundle.json").read_text())
    return found


def test_everything_that_was_written_is_read(write_tiny: WriteTiny, make_tiny_plan: MakeTinyPlan) -> None:
    written = write_tiny()
    bundle = read_bundle(written.folder)
    assert (bundle.plan, bundle.operating, bundle.training) == (make_tiny_plan(), OPERATING, RECORD)
    assert bundle.identity == written.identity
    assert bundle.identity.name == "B"
    assert files(bundle.folder) == ["bundle.json", "plan.toml", "split.json", "weights.safetensors"]
    for number, network in enumerate(bundle.networks()):
        expected = setup(bundle.plan, member=number).network.state_dict()
        assert not network.training
        assert all(torch.equal(value, expected[key]) for key, value in network.state_dict().items())


def test_a_record_of_whole_images_has_no_sides(write_tiny: WriteTiny) -> None:
    record = replace(RECORD, input_sides=None, film_side=None, warnings=())
    assert read_bundle(write_tiny(training=record).folder).training == record


@pytest.mark.parametrize("name", ["bundle.json", "plan.toml", "split.json", "weights.safetensors", "card.md"])
@pytest.mark.parametrize("place", ["first", "middle", "last"])
def test_one_changed_byte_in_any_file_is_found_and_the_file_named(write_tiny: WriteTiny, name: str, place: str) -> None:
    bundle = write_tiny()
    add_file(bundle, "card.md", "# B\n")
    path = bundle.folder / name
    content = bytearray(path.read_bytes())
    content[{"first": 0, "middle": len(content) // 2, "last": -1}[place]] ^= 1
    path.write_bytes(content)
    with pytest.raises(BundleError, match=rf"{re.escape(str(path))} (was changed|is damaged).*copy the bundle again"):
        read_bundle(bundle.folder)


@pytest.mark.parametrize("name", ["plan.toml", "weights.safetensors"])
def test_a_bundle_without_plan_or_weights_is_refused(write_tiny: WriteTiny, name: str) -> None:
    bundle = write_tiny()
    (bundle.folder / name).unlink()
    with pytest.raises(BundleError, match=f"B: {name} is missing; copy the bundle again from its source"):
        read_bundle(bundle.folder)


def test_a_bundle_may_be_passed_on_without_the_files_that_name_patients(write_tiny: WriteTiny) -> None:
    bundle = write_tiny()
    add_file(bundle, "evidence.json", "{}")
    for name in ("split.json", "evidence.json"):
        (bundle.folder / name).unlink()
    passed_on = read_bundle(bundle.folder)
    assert passed_on.identity == bundle.identity
    assert len(passed_on.networks()) == 2
    assert "woman-" not in "".join(path.read_text(errors="replace") for path in bundle.folder.iterdir())
    from hounsfield.datasets.split import read_split

    with pytest.raises(SplitError, match=r"cannot read the split .*split\.json"):
        read_split(bundle.folder / "split.json")


def test_a_newer_format_is_named_before_anything_else(write_tiny: WriteTiny) -> None:
    bundle = write_tiny()
    newer = manifest(bundle) | {"format": 2, "surprise": True}
    (bundle.folder / "bundle.json").write_text(json.dumps(newer, indent=2))
    with pytest.raises(
        BundleError, match=r"has bundle format 2, and hounsfield .* reads format 1; install the version"
    ):
        read_bundle(bundle.folder)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b"\xff\xfe", b'{"sha256": "x"}', b"null"])
def test_a_manifest_that_is_none_is_damaged(write_tiny: WriteTiny, content: bytes) -> None:
    bundle = write_tiny()
    (bundle.folder / "bundle.json").write_bytes(content)
    with pytest.raises(BundleError, match=r"bundle\.json is damaged \(.*\); copy the bundle again"):
        read_bundle(bundle.folder)


def test_what_is_no_bundle_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"there is no bundle at .*B; make one with: hounsfield train DATA -o .*B"):
        read_bundle(tmp_path / "B")
    (tmp_path / "B").mkdir()
    with pytest.raises(BundleError, match=r"B is not a bundle: it has no bundle\.json"):
        read_bundle(tmp_path / "B")


@pytest.mark.parametrize("there", [False, True])
def test_a_training_that_goes_on_is_no_bundle_yet(tmp_path: Path, there: bool) -> None:
    unfinished_folder(tmp_path / "B").mkdir()
    if there:
        (tmp_path / "B").mkdir()
    with pytest.raises(BundleError, match=r"the training of .*B is not finished; give the same train command again"):
        read_bundle(tmp_path / "B")


def test_weights_of_another_network_are_refused_in_one_line(
    write_tiny: WriteTiny, make_tiny_plan: MakeTinyPlan
) -> None:
    other = make_tiny_plan(widths=(3, 5))
    wrong = [setup(other, member=0).network.state_dict()]
    bundle = write_tiny(members=wrong, training=replace(RECORD, members=1))
    with pytest.raises(BundleError, match=r"^[^\n]*the weights do not fit the network of plan\.toml \(size mismatch"):
        bundle.networks()


def test_fewer_networks_than_promised_are_refused(write_tiny: WriteTiny) -> None:
    bundle = write_tiny(training=replace(RECORD, members=3))
    with pytest.raises(BundleError, match=r"do not fit .*Missing key"):
        bundle.networks()


def test_the_models_hash_is_of_choices_weights_and_operating_point(
    write_tiny: WriteTiny, make_tiny_plan: MakeTinyPlan
) -> None:
    plan = make_tiny_plan()
    reasoned = plan.model_copy(update={"reasons": {"seed": "as asked"}})
    first = write_tiny("first").identity.sha256
    assert write_tiny("again").identity.sha256 == first
    assert write_tiny("reasoned", plan=reasoned).identity.sha256 == first
    assert write_tiny("later", training=replace(RECORD, created="2027", seconds=9)).identity.sha256 == first
    others = {
        write_tiny("seed", plan=make_tiny_plan(seed=1)).identity.sha256,
        write_tiny("threshold", operating=replace(OPERATING, threshold=0.4)).identity.sha256,
        write_tiny("patience", plan=make_tiny_plan(patience=3)).identity.sha256,
        first,
    }
    assert len(others) == 4


def test_a_file_that_is_added_leaves_the_model_as_it_is(write_tiny: WriteTiny) -> None:
    bundle = write_tiny()
    for text in ("first", "second"):
        add_file(bundle, "card.md", text)
        assert read_bundle(bundle.folder).identity == bundle.identity
    assert (bundle.folder / "card.md").read_text() == "second"
    assert files(bundle.folder) == ["bundle.json", "card.md", "plan.toml", "split.json", "weights.safetensors"]


def test_a_stop_while_a_file_is_replaced_leaves_a_bundle_that_can_be_read(
    write_tiny: WriteTiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hounsfield import bundle as module

    bundle = write_tiny()
    add_file(bundle, "card.md", "first")
    real, writes = module.write_text, 0

    def stop_after(allowed: int) -> Callable[[Path, str], None]:
        def write(path: Path, text: str) -> None:
            nonlocal writes
            if writes == allowed:
                raise KeyboardInterrupt
            writes += 1
            real(path, text)

        return write

    for allowed in (0, 1, 2):
        writes = 0
        monkeypatch.setattr(module, "write_text", stop_after(allowed))
        with pytest.raises(KeyboardInterrupt):
            add_file(bundle, "card.md", f"text {allowed}")
        monkeypatch.setattr(module, "write_text", real)
        assert read_bundle(bundle.folder).identity == bundle.identity
        add_file(bundle, "card.md", "again")


def test_a_bundle_replaces_a_bundle_and_nothing_else(write_tiny: WriteTiny, tmp_path: Path) -> None:
    write_tiny("B", operating=replace(OPERATING, threshold=0.9))
    assert write_tiny("B").operating == OPERATING
    (tmp_path / "empty").mkdir()
    assert write_tiny("empty").identity.name == "empty"
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "mother.txt").write_text("dear")
    (tmp_path / "file").write_text("dear")
    for name in ("letters", "file"):
        with pytest.raises(StorageError, match=f"{name} is there already and is no bundle; it was left as it is"):
            write_tiny(name)
    assert files(tmp_path / "letters") == ["mother.txt"]
    require_room(tmp_path / "nothing there")


def test_a_patient_is_16_digits_that_depend_on_the_data_set() -> None:
    digest = patient_digest("films", "woman-1")
    assert re.fullmatch("[0-9a-f]{16}", digest)
    assert digest == patient_digest("films", "woman-1")
    assert len({digest, patient_digest("films", "woman-2"), patient_digest("others", "woman-1")}) == 3


def test_a_patient_is_known_to_the_members_that_did_not_hold_it_back() -> None:
    record = replace(RECORD, members=3, seen_patients=("a", "b", "c"), held_back=(("a",), ("b", "a")))

    assert [record.members_without(patient) for patient in ("a", "b", "c", "d")] == [(0, 1), (1,), (), (0, 1, 2)]


def test_the_plan_of_a_bundle_can_be_used_again(write_tiny: WriteTiny) -> None:
    bundle = write_tiny()
    assert read_plan(bundle.folder / "plan.toml") == bundle.plan


def test_the_page_about_bundles_names_every_file_and_every_key(write_tiny: WriteTiny) -> None:
    page = (Path(__file__).parents[1] / "docs" / "bundle.md").read_text(encoding="utf-8")
    bundle = write_tiny()
    named = set(re.findall(r"`([\w.]+)`", page))
    assert set(files(bundle.folder)) | {"evidence.json", "card.md", "report.html"} <= named
    for key, value in manifest(bundle).items():
        if key in ("operating", "training"):
            assert {f"{key}.{name}" for name in value} <= named
        else:
            assert key in named


def test_the_hashes_can_be_compared_as_the_page_says(write_tiny: WriteTiny) -> None:
    page = (Path(__file__).parents[1] / "docs" / "bundle.md").read_text(encoding="utf-8")
    script = re.search(r"```bash\ncd reader && python -c \"\n(.*?)\" \|", page, re.DOTALL)
    assert script is not None
    bundle = write_tiny()
    command = [sys.executable, "-W", "ignore::ResourceWarning", "-c", script[1]]
    printed = subprocess.run(command, cwd=bundle.folder, capture_output=True, text=True, check=True).stdout
    for line in printed.splitlines():
        sha256, name = line.split("  ")
        assert hashlib.sha256((bundle.folder / name).read_bytes()).hexdigest() == sha256
    assert len(printed.splitlines()) == 3
