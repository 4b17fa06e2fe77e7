"""Writes docs/evidence-example.json and docs/evidence.schema.json with the package itself. A test compares them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from hounsfield.evaluation import CaseResult, Evidence, Origin, measure, write_evidence
from hounsfield.evaluation.sets import Held
from hounsfield.evaluation.store import evidence_schema
from hounsfield.findings import ModelIdentity

EXAMPLE = Path(__file__).parents[1] / "evidence-example.json"
SCHEMA = Path(__file__).parents[1] / "evidence.schema.json"

_BENIGN = (0.04, 0.08, 0.11, 0.13, 0.19, 0.22, 0.27, 0.31, 0.36, 0.41, 0.48, 0.56, 0.63, 0.71)
_MALIGNANT = (0.17, 0.38, 0.45, 0.52, 0.66, 0.74, 0.79, 0.85, 0.92, 0.97)


def example() -> Evidence:
    """Twenty-four films of twenty women from two sites, read by a model that does not exist."""
    probabilities = [*_BENIGN, *_MALIGNANT]
    results = [
        CaseResult(
            case=f"film-{number:02d}",
            patient=f"woman-{number % 20:02d}",
            target=int(number >= len(_BENIGN)),
            probabilities=(round(1 - probability, 2), probability),
        )
        for number, probability in enumerate(probabilities)
    ]
    origin = Origin(
        dataset="example films",
        split="test",
        classes=("benign", "malignant"),
        attributes={
            result.case: {"site": "south" if number % 3 == 0 else "north"} for number, result in enumerate(results)
        },
        model=ModelIdentity(name="example", version="0.1.0", sha256="0" * 64),
        seconds=2.5,
    )
    evidence = measure(
        results,
        origin,
        task="classification",
        threshold=0.43,
        threshold_from="youden on 24 validation cases, 10 of them positive",
        held=Held(classes=np.array([[p <= 0.85, p >= 0.2] for p in probabilities]), promised=0.9),
    )
    return replace(evidence, created="2026-01-31T12:00:00+00:00", versions={"python": "3.11", "hounsfield": "0.1.0"})


if __name__ == "__main__":
    write_evidence(example(), EXAMPLE)
    SCHEMA.write_text(json.dumps(evidence_schema(), indent=2) + "\n", encoding="utf-8")
