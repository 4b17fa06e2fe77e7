"""Several trainings as one result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from hounsfield.errors import EvaluationError
from hounsfield.evaluation import CaseResult, Evidence
from hounsfield.evaluation.seeds import over_seeds
from hounsfield.findings import ModelIdentity


def trained(make_evidence: Callable[..., Evidence], seed: int, *, cases: int = 120) -> Evidence:
    """A training whose answers share half of their noise with the others'."""
    shared, own = np.random.default_rng(9).normal(size=cases), np.random.default_rng(seed).normal(size=cases)
    odds = 1.5 * (np.arange(cases) % 2) + shared + own
    positive = 1 / (1 + np.exp(-odds))
    results = [
        CaseResult(f"c{n}", f"p{n // 2}", n % 2, (float(1 - positive[n]), float(positive[n]))) for n in range(cases)
    ]
    return make_evidence(results, model=ModelIdentity(f"seed {seed}", "0", f"{seed}" * 8))


def test_the_mean_and_the_spread_are_those_of_the_trainings(make_evidence: Callable[..., Evidence]) -> None:
    evidences = [trained(make_evidence, seed) for seed in range(4)]
    found = over_seeds(evidences, resamples=500)
    areas = [evidence.scores["auc_roc"].value for evidence in evidences]
    one = found.scores["auc_roc"]
    assert one.values == pytest.approx(tuple(areas))
    assert one.mean.value == pytest.approx(np.mean(areas))
    assert one.spread == pytest.approx(np.std(areas, ddof=1))
    assert one.mean.low < one.mean.value < one.mean.high
    assert found.together["auc_roc"] > one.mean.value  # averaging takes away what each has alone


def test_seeds_that_differ_widen_the_interval(make_evidence: Callable[..., Evidence]) -> None:
    alike = [trained(make_evidence, 1), replace(trained(make_evidence, 1), model=ModelIdentity("again", "0", "b" * 8))]
    unlike = [trained(make_evidence, 1), trained(make_evidence, 50, cases=120)]
    narrow, wide = (over_seeds(some, resamples=1000).scores["auc_roc"] for some in (alike, unlike))
    assert narrow.spread == 0 < wide.spread
    same = alike[0].scores["auc_roc"]
    assert narrow.mean.high - narrow.mean.low == pytest.approx(same.high - same.low, abs=0.02)


def test_others_are_refused(make_evidence: Callable[..., Evidence]) -> None:
    one = trained(make_evidence, 0)
    with pytest.raises(EvaluationError, match="at least 2"):
        over_seeds([one])
    with pytest.raises(EvaluationError, match="only models of the same classes"):
        over_seeds([one, replace(one, classes=("a", "b"))])
    moved = replace(one, results=tuple(replace(result, case=f"x{result.case}") for result in one.results))
    with pytest.raises(EvaluationError, match="no case is among all of them"):
        over_seeds([one, moved])
    turned = replace(one, results=tuple(replace(result, target=1 - result.target) for result in one.results))
    with pytest.raises(EvaluationError, match="not the same data"):
        over_seeds([one, turned])


def test_the_same_model_twice_is_noted(make_evidence: Callable[..., Evidence]) -> None:
    one = trained(make_evidence, 0)
    assert "A model is among them twice." in over_seeds([one, one], resamples=50).notes
