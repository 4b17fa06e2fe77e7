"""The loop of the benchmarks that train: nothing is measured twice. No benchmark is run here."""

from __future__ import annotations

import argparse
import importlib
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from hounsfield.evaluation.evidence import Detected, ImageResult
from hounsfield.findings.region import Box

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
Row = dict[str, Any]


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], ModuleType]]:
    """Import a benchmark, which is alone in its folder and writes to another than results/."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(BENCHMARKS))

    def imported(name: str) -> ModuleType:
        found = importlib.import_module(name)
        monkeypatch.setattr(importlib.import_module("questions"), "RESULTS", tmp_path)
        return found

    yield imported
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", None)).startswith(str(BENCHMARKS)):
            del sys.modules[name]


def arguments(**changed: Any) -> argparse.Namespace:
    return argparse.Namespace(**{"data": None, "bundles": None, "anew": False, **changed})


class Asked:
    """Trainings of a module, which note that they were done."""

    def __init__(self, questions: ModuleType, results: Path) -> None:
        self.questions, self.results = questions, results
        self.done: list[tuple[str, int]] = []
        self.folders: set[Path] = set()

    def training(self, data: str, seed: int, folder: Path | None = None) -> Any:
        def measure(bundles: Path) -> list[Row]:
            self.done.append((data, seed))
            self.folders.add(bundles)
            assert bundles.is_dir()
            return [{"data": data, "seed": seed, "score": 0.5}]

        return self.questions.Training(data, {"seed": seed}, measure, folder)

    def write(self, rows: list[Row]) -> None:
        (self.results / "some.json").write_text(json.dumps({"rows": rows}), encoding="utf-8")

    def all(self, trainings: list[Any], **changed: Any) -> list[Row]:
        rows: list[Row] = self.questions.measure_all("some", trainings, arguments(**changed), self.write)
        return rows


@pytest.fixture
def asked(module: Callable[[str], ModuleType], tmp_path: Path) -> Asked:
    return Asked(module("questions"), tmp_path)


def test_what_was_measured_is_kept_and_the_rest_goes_on(asked: Asked) -> None:
    asked.all([asked.training("a", 0), asked.training("a", 1)])
    rows = asked.all([asked.training(data, seed) for data in "ab" for seed in (0, 1)])
    assert asked.done == [("a", 0), ("a", 1), ("b", 0), ("b", 1)]
    assert [(row["data"], row["seed"]) for row in rows] == asked.done
    assert json.loads((asked.results / "some.json").read_text())["rows"] == rows


def test_rows_are_written_after_every_training_so_that_a_stop_loses_one_alone(asked: Asked) -> None:
    def stopped(folder: Path) -> list[Row]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        asked.all([asked.training("a", 0), asked.questions.Training("b", {"seed": 0}, stopped)])
    assert [row["data"] for row in asked.questions.kept_rows("some")] == ["a"]


def test_all_is_measured_again_where_it_is_asked_for(asked: Asked) -> None:
    asked.write([{"data": "old", "seed": 0}])
    assert [row["data"] for row in asked.all([asked.training("a", 0)], anew=True)] == ["a"]
    asked.all([asked.training("a", 0)], anew=True)
    assert asked.done == [("a", 0)] * 2


def test_some_sets_alone_may_be_asked_for_and_bundles_kept(asked: Asked, tmp_path: Path) -> None:
    asked.all([asked.training(data, 0) for data in "abc"], data=["a", "c"], bundles=tmp_path)
    assert asked.done == [("a", 0), ("c", 0)]
    assert asked.folders == {tmp_path}


def test_data_that_are_not_there_are_left_out_and_named_once(
    asked: Asked, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked.all([asked.training("a", seed, tmp_path / "gone") for seed in (0, 1)] + [asked.training("b", 0, tmp_path)])
    assert asked.done == [("b", 0)]
    assert capsys.readouterr().err == f"{tmp_path / 'gone'} is not there: a is left out\n"


def test_means_over_seeds_are_made_anew(asked: Asked) -> None:
    asked.write([{"data": "a", "seed": 0}, {"data": "a", "seed": "mean"}, {"data": "b"}])
    assert asked.questions.kept_rows("some") == [{"data": "a", "seed": 0}, {"data": "b"}]


def rows_by(name: str, done: list[Row]) -> dict[str, Callable[..., Any]]:
    """Instead of what a benchmark measures with: rows as it has always written them, that are noted."""

    def noted(row: Row) -> list[Row]:
        done.append(row)
        return [row]

    def detected(by: str) -> Callable[..., list[Row]]:
        return lambda question, minutes, seed, folder: noted(
            {"data": question.example, "by": by, "minutes": minutes, "seed": seed}
        )

    own: dict[str, dict[str, Callable[..., Any]]] = {
        "detection": {"ours": detected("hounsfield"), "theirs": detected("torchvision")},
        "localization": {
            "measured": lambda data, way, minutes, folder: noted({"data": data, "way": way, "minutes": minutes})
        },
        "outlining": {
            "learned": lambda question, network, minutes, seed, folder: noted(
                {"data": question.example, "asked_for": network or "auto", "minutes": minutes, "seed": seed}
            )
        },
        "classification": {
            "measured": lambda question, minutes, seed, folder: noted(
                {"data": question.example, "asked_for": question.asked_for, "minutes": minutes, "seed": seed}
            )
        },
        "minutes": {
            "train": lambda example, bundle, *, minutes, network: noted(
                {"data": example, "minutes": minutes, "asked_for": network, "auc": 0.5, "processor": "one", "cases": 9}
                | {"measured_on": "val", "seed": 0}
            )[0]
        },
    }
    return own[name]


@pytest.fixture
def benchmark(
    module: Callable[[str], ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], tuple[ModuleType, list[Row]]]:
    """A benchmark that measures nothing, and the rows of what it would."""

    def made(name: str) -> tuple[ModuleType, list[Row]]:
        found, done = module(name), []
        for function, instead in rows_by(name, done).items():
            monkeypatch.setattr(found, function, instead)
        finds = "data_folder" if hasattr(found, "data_folder") else "folder_of"
        monkeypatch.setattr(found, finds, lambda *words: tmp_path)
        monkeypatch.setattr(
            found, "write", lambda rows: (tmp_path / f"{name}.json").write_text(json.dumps({"rows": rows}))
        )
        monkeypatch.setattr(sys, "argv", [name])
        return found, done

    return made


@pytest.mark.parametrize("name", ["detection", "localization", "outlining", "classification", "minutes"])
def test_a_benchmark_whose_rows_are_all_there_runs_nothing(
    name: str, benchmark: Callable[[str], tuple[ModuleType, list[Row]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    found, done = benchmark(name)
    assert found.main() == 0
    count = len(done)
    assert count == len({json.dumps(row) for row in done}) >= 4
    assert {row["data"] for row in done} == set(
        getattr(found, "DATA", [getattr(own, "example", None) or own.data for own in getattr(found, "QUESTIONS", ())])
    )
    assert found.main() == 0
    assert len(done) == count
    monkeypatch.setattr(sys, "argv", [name, "--anew", "--data", done[-1]["data"]])
    assert found.main() == 0
    assert count < len(done) <= 2 * count
    assert {row["data"] for row in done[count:]} == {done[-1]["data"]}


def test_minutes_that_were_measured_are_not_measured_again(
    benchmark: Callable[[str], tuple[ModuleType, list[Row]]], tmp_path: Path
) -> None:
    found, done = benchmark("minutes")
    shutil.copy(BENCHMARKS / "results" / "minutes.json", tmp_path)
    found.main()
    assert done == []


def test_classification_goes_on_from_what_was_measured(
    benchmark: Callable[[str], tuple[ModuleType, list[Row]]], tmp_path: Path
) -> None:
    found, done = benchmark("classification")
    shutil.copy(BENCHMARKS / "results" / "classification.json", tmp_path)
    kept = json.loads((tmp_path / "classification.json").read_text(encoding="utf-8"))["rows"]
    found.main()
    keys = ("data", "asked_for", "minutes", "seed")
    assert not {tuple(row[key] for key in keys) for row in done} & {tuple(row[key] for key in keys) for row in kept}
    written = json.loads((tmp_path / "classification.json").read_text(encoding="utf-8"))["rows"]
    assert [row for row in kept if row["seed"] != "mean"] == [
        row for row in written if "date" in row and row["seed"] != "mean"
    ]


def test_a_figure_that_only_some_seeds_have_is_in_no_mean(
    module: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    found, written = module("detection"), []
    monkeypatch.setattr(found, "record", lambda name, question, rows, **words: written.extend(rows))
    common = {"data": "films", "by": "hounsfield", "minutes": 90.0, "measured on": "val"}
    rows = [
        {**common, "seed": 0, "mean": 0.7, "abnormal": 0.8, "input": "9 × 9", "image": {}},
        {**common, "seed": 1, "mean": 0.8, "abnormal": "", "input": "9 × 7", "image": {}},
    ]
    for given in (rows, rows[::-1]):
        written.clear()
        found.write(given)
        (mean,) = [row for row in written if row["seed"] == "mean"]
        assert (mean["mean"], mean["abnormal"], mean["input"]) == (0.75, "", "")


@pytest.mark.filterwarnings("ignore::DeprecationWarning:torchvision")
def test_a_place_that_torchvision_calls_two_kinds_is_one_finding(
    module: Callable[[str], ModuleType], tmp_path: Path
) -> None:
    import numpy as np
    import torch
    from PIL import Image

    from hounsfield.datasets.case import Case, ImageRef

    Image.fromarray(np.zeros((20, 40), np.uint8)).save(tmp_path / "film.png")

    class Network(torch.nn.Module):
        def forward(self, images: list[torch.Tensor]) -> list[dict[str, torch.Tensor]]:
            boxes = torch.tensor([[1.0, 1, 5, 5], [1, 1, 5, 6], [6, 6, 9, 9]])
            return [{"boxes": boxes, "scores": torch.tensor([0.5, 0.4, 0.3]), "labels": torch.tensor([2, 1, 1])}]

    found = module("torchvision_detector")
    loop = found.Loop.__new__(found.Loop)
    loop.network, loop.shape, loop.kinds = Network(), (10, 10), ("benign", "malignant")

    boxes, scores, kinds = loop.found(Case("film", "film", {"image": ImageRef(tmp_path / "film.png")}))

    assert boxes.tolist() == [[4, 2, 20, 10], [24, 12, 36, 18]]
    assert scores.tolist() == pytest.approx([0.5, 0.3]) and kinds.tolist() == [1, 0]


def test_films_with_a_mass_are_told_from_those_without_by_their_highest_score(
    module: Callable[[str], ModuleType],
) -> None:
    found = module("detection")

    def film(number: int, score: float, *, mass: bool, of: str = "mini_mias_masses/") -> ImageResult:
        box = Box(0, 0, 9, 9, "benign")
        said = (Detected(box, (score / 2, score / 2)), Detected(box, (0.0, 0.01)))
        return ImageResult(f"{of}{number}", str(number), (box,) * mass, said)

    films = [film(number, 0.5 + number / 100, mass=number > 12) for number in range(24)]
    others = [film(number, 0.9, mass=False, of="film ") for number in range(9)]
    assert found.abnormal_or_not([*films, *others]) == {"abnormal": 1.0, "with / without": "11 / 13"}
    assert found.abnormal_or_not([film(30, 0.9, mass=False), *films])["abnormal"] < 1.0
    assert found.abnormal_or_not(films[:12]) == {"abnormal": "", "with / without": ""}
