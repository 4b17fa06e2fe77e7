import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hounsfield.datasets.case import Dataset
from hounsfield.datasets.split import Split, check_split, make_folds, make_split, read_split
from hounsfield.errors import SplitError

MakeDataset = Callable[..., Dataset]


@pytest.fixture
def women(make_dataset: MakeDataset) -> Dataset:
    """Forty women, two films each, every second woman with a malignant one."""
    rows = []
    for number in range(40):
        rows.append((f"{number}L", f"P{number}", "benign"))
        rows.append((f"{number}R", f"P{number}", "malignant" if number % 2 else "benign"))
    return make_dataset(rows)


def test_no_woman_is_in_two_parts_and_every_part_has_its_share(women: Dataset) -> None:
    split = make_split(women, seed=1)
    assert [len(split.ids(part)) for part in ("train", "val", "test")] == [64, 8, 8]
    for number in range(40):
        assert split.parts[f"{number}L"] == split.parts[f"{number}R"]
    for part in ("train", "val", "test"):
        cases = split.select(women, part)
        assert sum(case.target or 0 for case in cases) == len(cases) / 4
    assert split.reason == "by patient, stratified by class, seed 1"


def test_the_order_of_the_cases_changes_nothing(women: Dataset) -> None:
    turned = replace(women, cases=women.cases[::-1])
    assert make_split(turned, seed=5).sha256 == make_split(women, seed=5).sha256
    assert make_split(women, seed=6).sha256 != make_split(women, seed=5).sha256


def test_fractions_are_those_asked_for_then_the_data_set_s_own(women: Dataset) -> None:
    described = replace(women, fractions=(0.5, 0.25, 0.25))
    assert len(make_split(described).ids("train")) == 40
    assert len(make_split(described, fractions=(0.6, 0.2, 0.2)).ids("train")) == 48
    without_test = make_split(women, fractions=(0.8, 0.2, 0.0))
    assert (len(without_test.ids("val")), without_test.ids("test")) == (16, ())


@pytest.mark.parametrize("fractions", [(0.8, 0.1, 0.2), (1.0, 0.0, 0.0), (1.1, -0.2, 0.1), (0.0, 0.5, 0.5)])
def test_fractions_that_make_no_split_are_refused(women: Dataset, fractions: tuple[float, float, float]) -> None:
    with pytest.raises(SplitError, match="sum to 1"):
        make_split(women, fractions=fractions)


def test_a_written_split_reads_back_equal(women: Dataset, tmp_path: Path) -> None:
    split = make_split(women, seed=2)
    split.write(tmp_path / "split.json")
    again = read_split(tmp_path / "split.json")
    assert again == split
    assert again.sha256 == split.sha256
    check_split(women, again)


@given(st.integers(0, 79), st.sampled_from(["train", "val", "test"]))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20, deadline=None)
def test_a_changed_file_is_noticed(women: Dataset, tmp_path: Path, row: int, part: str) -> None:
    make_split(women, seed=2).write(tmp_path / "split.json")
    document = json.loads((tmp_path / "split.json").read_text())
    changed = document["cases"][row]["part"] != part
    document["cases"][row]["part"] = part
    (tmp_path / "split.json").write_text(json.dumps(document))
    if changed:
        with pytest.raises(SplitError, match="was changed after it was written"):
            read_split(tmp_path / "split.json")
    else:
        read_split(tmp_path / "split.json")


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"format": "9"}', "\x00"])
def test_a_file_that_is_no_split_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "split.json").write_text(text)
    with pytest.raises(SplitError, match="not a split written by this package"):
        read_split(tmp_path / "split.json")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SplitError, match="No such file"):
        read_split(tmp_path / "split.json")


def _moved(split: Split, *cases: str) -> Split:
    return replace(split, parts={**split.parts, **{case: "test" for case in cases}})


def test_a_patient_on_both_sides_is_refused_and_five_are_named(women: Dataset) -> None:
    split = make_split(women)
    torn = [case for case in split.ids("train") if case.endswith("L")][:7]
    with pytest.raises(SplitError, match=r"7 patients in more than one part: P\d+, P\d+, P\d+, P\d+, P\d+ and 2"):
        check_split(women, _moved(split, *torn))


def test_missing_and_unknown_cases_are_refused(women: Dataset) -> None:
    split = make_split(women)
    smaller = replace(women, cases=women.cases[2:])
    with pytest.raises(SplitError, match=r"names 2 the data set does not have \(0L, 0R\)"):
        check_split(smaller, split)
    with pytest.raises(SplitError, match=r"lacks 2 cases \(0L, 0R\)"):
        check_split(women, make_split(smaller))


def test_an_empty_part_is_refused(women: Dataset) -> None:
    split = make_split(women)
    with pytest.raises(SplitError, match="empty val part"):
        check_split(women, _moved(split, *split.ids("val")))


def _with_parts(make_dataset: MakeDataset, *parts: str) -> Dataset:
    rows = []
    for part in parts:
        for number in range(20):
            rows.append((f"{part}{number}", f"{part}P{number // 2}", "malignant" if number % 4 < 2 else "benign", part))
    return make_dataset(rows)


def test_official_parts_are_kept(make_dataset: MakeDataset) -> None:
    split = make_split(_with_parts(make_dataset, "train", "val", "test"))
    assert all(case.startswith(part) for case, part in split.parts.items())
    assert split.reason == "official parts (train, val, test)"


def test_official_parts_without_test_say_so(make_dataset: MakeDataset) -> None:
    split = make_split(_with_parts(make_dataset, "train", "val"))
    assert split.fractions == (0.5, 0.5, 0.0)
    assert split.ids("test") == ()
    assert "no test part here" in split.reason


def test_validation_is_taken_out_of_train_by_patient_where_there_is_none(make_dataset: MakeDataset) -> None:
    dataset = _with_parts(make_dataset, "train", "test")
    split = make_split(dataset, fractions=(0.6, 0.2, 0.2))
    assert all(case.startswith("test") == (part == "test") for case, part in split.parts.items())
    assert 4 <= len(split.ids("val")) <= 6  # a quarter of 20 train cases, in pairs
    assert "val taken out of train by patient" in split.reason
    check_split(dataset, split)


def test_only_a_test_part_is_nothing_to_learn_from(make_dataset: MakeDataset) -> None:
    with pytest.raises(SplitError, match="only a test part: there is nothing to learn from"):
        make_split(_with_parts(make_dataset, "test"))


def test_cases_without_a_part_beside_others_are_refused(make_dataset: MakeDataset) -> None:
    dataset = _with_parts(make_dataset, "train", "val")
    first = replace(dataset.cases[0], part=None)
    with pytest.raises(SplitError, match=r"test has parts, but 1 case in none of them: train0"):
        make_split(replace(dataset, cases=(first, *dataset.cases[1:])))


def test_official_parts_that_share_a_patient_are_refused(make_dataset: MakeDataset) -> None:
    dataset = _with_parts(make_dataset, "train", "val")
    first = replace(dataset.cases[0], patient="valP3")
    with pytest.raises(SplitError, match="1 patient in more than one part: valP3"):
        make_split(replace(dataset, cases=(first, *dataset.cases[1:])))


def test_one_class_only_is_refused(make_dataset: MakeDataset) -> None:
    with pytest.raises(SplitError, match="every labelled case is 'benign'"):
        make_split(make_dataset([(str(number), str(number), "benign") for number in range(50)]))


def test_unlabelled_cases_are_split_too(make_dataset: MakeDataset) -> None:
    dataset = make_dataset([(str(number), str(number), "") for number in range(50)], classes=(), patients_known=False)
    split = make_split(dataset)
    assert len(split.ids("train")) == 40
    assert split.reason.endswith("patients are not known, every case counts as one")


def test_folds_divide_the_cases_but_no_patient(women: Dataset) -> None:
    ids = [case.id for case in women.cases if case.patient != "P0"]
    folds = make_folds(women, ids, folds=5, seed=0)
    assert sorted(case for fold in folds for case in fold) == sorted(ids)
    for fold in folds:
        assert {case[:-1] + "L" for case in fold} == {case[:-1] + "L" for case in fold if case.endswith("L")}
        assert 14 <= len(fold) <= 18
        assert sum(women.cases[index].target or 0 for index in range(80) if women.cases[index].id in fold) == 4


def test_patients_whose_fold_is_known_stay_there_and_the_others_even_it_out(women: Dataset) -> None:
    known = {f"P{number}": 3 for number in range(4)} | {"P7": 0, "elsewhere": 1}
    folds = make_folds(women, [case.id for case in women.cases], folds=4, seed=0, known=known)
    patient = {case.id: case.patient for case in women.cases}
    place = {patient[case]: number for number, fold in enumerate(folds) for case in fold}
    assert {name: place[name] for name in known if name in place} == {n: f for n, f in known.items() if n in place}
    assert [len(fold) for fold in folds] == [20, 20, 20, 20]
    crowded = {f"P{number}": 1 for number in range(40)}
    with pytest.raises(SplitError, match="too few patients"):
        make_folds(women, [case.id for case in women.cases], folds=4, seed=0, known=crowded)


def test_folds_that_cannot_be_made_are_refused(women: Dataset) -> None:
    with pytest.raises(SplitError, match="at least 2 folds, not 1"):
        make_folds(women, ["0L"], folds=1, seed=0)
    with pytest.raises(SplitError, match="no cases called nobody"):
        make_folds(women, ["nobody"], folds=2, seed=0)
    with pytest.raises(SplitError, match="only 1 with 'benign', 1 with 'malignant'"):
        make_folds(women, ["0L", "1L", "1R"][1:], folds=2, seed=0)
