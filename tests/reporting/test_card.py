"""The model card: the run's own figures, both guidelines item by item, and nothing made up."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hounsfield.bundle import Bundle, read_bundle
from hounsfield.evaluation import Evidence, read_evidence
from hounsfield.reporting.card import card_page, card_text, model_card


@pytest.fixture
def bundle(film_bundle: Path) -> Bundle:
    return read_bundle(film_bundle)


@pytest.fixture
def evidence(film_bundle: Path) -> Evidence:
    return read_evidence(film_bundle / "evidence.json")


def test_every_item_of_both_guidelines_is_there_once(bundle: Bundle, evidence: Evidence) -> None:
    claim, tripod = model_card(bundle, evidence).guidelines
    assert [item.number for item in claim.items] == [str(number) for number in range(1, 45)]
    numbers = [item.number for item in tripod.items]
    assert len(numbers) == len(set(numbers))
    assert {int(re.match(r"\d+", number)[0]) for number in numbers} == set(range(1, 28))  # type: ignore[index]
    for item in (*claim.items, *tripod.items):
        assert item.asks and (item.answer or item.wanted), item.number


def test_what_only_a_person_knows_is_left_open_and_listed(bundle: Bundle, evidence: Evidence) -> None:
    card = model_card(bundle, evidence)
    states = {item.number: item.state for item in card.guidelines[0].items}
    for number in ("3", "5", "15", "16", "18", "34", "44"):  # intent, design, reference standard, money
        assert states[number] == "open"
    for number in ("9", "19", "20", "22", "23", "25", "29", "37"):
        assert states[number] == "answered"
    text = card_text(card)
    assert "- [ ] Funding: sources" in text and "- [ ] Prospective or retrospective" in text


def test_the_answers_are_the_runs_own(bundle: Bundle, evidence: Evidence) -> None:
    card = model_card(bundle, evidence)
    by_number = {item.number: item.answer for item in card.guidelines[0].items}
    assert str(bundle.training.cases) in by_number["35"] and str(evidence.cases) in by_number["35"]
    assert "breast → rescale → resize" in by_number["9"]
    assert f"{evidence.scores['auc_roc'].value:.3f}" in by_number["37"]
    assert "2 folds" in by_number["27"] and "mirrored" in by_number["27"]
    assert evidence.versions["torch"] in by_number["23"]


def test_the_markdown_keeps_its_tables_and_names_no_patient(bundle: Bundle, evidence: Evidence) -> None:
    text = card_text(model_card(bundle, evidence))
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} <= {4, 5}
    for result in evidence.results:
        assert result.patient not in text and result.case not in text


def test_the_page_holds_the_same(bundle: Bundle, evidence: Evidence) -> None:
    page = card_page(model_card(bundle, evidence))
    assert "CLAIM 2024" in page and "TRIPOD+AI" in page and "What a person has to write" in page
    assert page.count('<tr><th scope="row">') >= 90
