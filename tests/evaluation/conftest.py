"""Predictions made in a moment."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from hounsfield.evaluation import CaseResult, Evidence, Origin, measure

MakeResults = Callable[..., list[CaseResult]]
MakeEvidence = Callable[..., Evidence]


@pytest.fixture
def make_results() -> MakeResults:
    """Results of `cases` cases of `patients` patients: a model with some skill, the classes in turn."""

    def make(cases: int = 60, *, patients: int | None = None, classes: int = 2, seed: int = 0) -> list[CaseResult]:
        rng = np.random.default_rng(seed)
        targets = np.arange(cases) % classes
        logits = rng.normal(size=(cases, classes)) + 1.5 * np.eye(classes)[targets]
        shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        owners = np.arange(cases) if patients is None else rng.integers(0, patients, cases)
        return [
            CaseResult(f"case{n:04d}", f"patient{owners[n]:04d}", int(targets[n]), tuple(shares[n].tolist()))
            for n in range(cases)
        ]

    return make


@pytest.fixture
def make_evidence(make_results: MakeResults) -> MakeEvidence:
    """Evidence of results, those of `make_results` where none are given; keywords replace the usual ones."""
    from hounsfield.findings import ModelIdentity

    def make(results: list[CaseResult] | None = None, **changed: object) -> Evidence:
        origin: dict[str, Any] = {
            "dataset": "films",
            "split": "test",
            "classes": ("benign", "malignant"),
            "attributes": {},
            "model": ModelIdentity("convnet", "0.1.0", "a" * 64),
            "seconds": 1.5,
            "resamples": 200,
        }
        usual: dict[str, Any] = {
            "task": "classification",
            "threshold": 0.5,
            "threshold_from": "youden on the validation cases",
        }
        fields = {field.name for field in dataclasses.fields(Origin)}
        origin |= {key: value for key, value in changed.items() if key in fields}
        usual |= {key: value for key, value in changed.items() if key not in fields}
        return measure(make_results() if results is None else results, Origin(**origin), **usual)

    return make
