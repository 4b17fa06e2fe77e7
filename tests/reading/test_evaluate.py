"""Measuring a bundle: which cases, what is said of the others, and the figures that the reader's own answers give."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hounsfield.bundle import Bundle, read_bundle
from hounsfield.datasets import open_dataset
from hounsfield.datasets.case import Case, Dataset
from hounsfield.datasets.split import read_split
from hounsfield.errors import DatasetError
from hounsfield.evaluation import CaseResult, Origin, measure
from hounsfield.reading.evaluate import evaluate
from hounsfield.reading.reader import Reader


@pytest.fixture
def masses(phantom: Path) -> Dataset:
    return open_dataset(phantom / "masses.toml")


@pytest.fixture
def bundle(lesion_bundle: Path) -> Bundle:
    return read_bundle(lesion_bundle)


def part(bundle: Bundle, name: str) -> set[str]:
    return {case for case, own in read_split(bundle.folder / "split.json").parts.items() if own == name}


def renamed(dataset: Dataset, prefix: str) -> Dataset:
    """The same images as those of other people."""
    return replace(dataset, cases=tuple(replace(case, patient=f"{prefix}{case.patient}") for case in dataset.cases))


def test_by_default_only_unseen_patients_are_measured_and_the_others_counted(bundle: Bundle, masses: Dataset) -> None:
    evidence = evaluate(bundle, masses, resamples=50).evidence
    assert {result.case for result in evidence.results} == part(bundle, "test")
    left_out = len(part(bundle, "train") | part(bundle, "val"))
    assert evidence.split == "test"
    assert f"{left_out} cases of patients the model was trained or validated on left out." in evidence.notes


def test_the_validation_part_can_be_measured_again(bundle: Bundle, masses: Dataset) -> None:
    evidence = evaluate(bundle, masses, which="val", resamples=50).evidence
    assert ({result.case for result in evidence.results}, evidence.split) == (part(bundle, "val"), "val")
    assert "chosen on these cases" in evidence.notes[0]


def test_all_cases_can_be_measured_and_it_is_said(bundle: Bundle, masses: Dataset) -> None:
    evidence = evaluate(bundle, masses, which="all", resamples=50).evidence
    assert (evidence.cases, evidence.split) == (len(masses.cases), "all")
    assert "are of patients the model was trained or validated on" in evidence.notes[0]


def test_the_figures_are_those_of_the_readers_own_answers(bundle: Bundle, masses: Dataset) -> None:
    reader = Reader(bundle)
    chosen = [case for case in masses.cases if case.id in part(bundle, "test")]
    results = []
    for case in chosen:
        probability = reader.read_case(case, reader.load_case(case)).answers[0].probability
        results.append(CaseResult(case.id, case.patient, int(case.target or 0), (1 - probability, probability)))
    origin = Origin(
        masses.name, "test", masses.classes, attributes={}, model=bundle.identity, seconds=0, resamples=50, seed=3
    )
    expected = measure(results, origin, task="classification", threshold=bundle.operating.threshold, threshold_from="")
    evidence = evaluate(bundle, masses, seed=3, resamples=50).evidence
    assert evidence.confusion == expected.confusion
    for name, score in expected.scores.items():
        assert evidence.scores[name].value == pytest.approx(score.value, abs=1e-5), name
        assert evidence.scores[name].low == pytest.approx(score.low, abs=1e-5), name


def with_other_images(dataset: Dataset, folder: Path) -> Dataset:
    """The same cases in copies of their files that differ in a byte behind the image."""
    copies: dict[Path, Path] = {}
    for case in dataset.cases:
        for ref in case.images.values():
            if ref.path not in copies:
                copies[ref.path] = folder / f"{len(copies)}.dcm"
                copies[ref.path].write_bytes(ref.path.read_bytes() + b"\xfc\xff\xfc\xffOB\0\0\0\0\0\0")
    moved = (
        replace(case, images={name: replace(ref, path=copies[ref.path]) for name, ref in case.images.items()})
        for case in dataset.cases
    )
    return replace(dataset, cases=tuple(moved))


def test_data_of_another_name_are_external_and_shared_ids_are_pointed_out(
    bundle: Bundle, masses: Dataset, tmp_path: Path
) -> None:
    others = with_other_images(masses, tmp_path)
    measured = evaluate(bundle, replace(renamed(others, "other-"), name="another hospital"), resamples=50).evidence
    assert (measured.split, measured.cases) == ("external", len(masses.cases))
    assert not any("patient ids" in note for note in measured.notes)
    same = evaluate(bundle, replace(others, name="a copy"), resamples=50).evidence
    assert same.split == "external"
    assert any("with patient ids that phantom_masses has too" in note for note in same.notes)


@pytest.mark.parametrize("patients_known", [True, False])
def test_images_that_were_learned_from_are_known_whatever_the_data_are_called(
    bundle: Bundle, masses: Dataset, patients_known: bool
) -> None:
    copy = replace(renamed(masses, "other-"), name="a copy", patients_known=patients_known)
    evidence = evaluate(bundle, copy, resamples=50).evidence
    unseen = evaluate(bundle, masses, resamples=50).evidence.cases
    assert (evidence.split, evidence.cases) == ("external", unseen)
    assert unseen < len(masses.cases)
    left_out = len(masses.cases) - unseen
    assert any(note.startswith(f"{left_out} cases of patients the model was trained") for note in evidence.notes)


def test_when_every_patient_was_seen_a_sentence_says_what_to_do(bundle: Bundle, masses: Dataset) -> None:
    seen = part(bundle, "train")
    only = replace(masses, cases=tuple(case for case in masses.cases if case.id in seen))
    with pytest.raises(
        DatasetError, match=r"every patient of phantom_masses: its valid.* in .*evidence.json; measure on other data"
    ):
        evaluate(bundle, only)


def test_other_classes_are_refused(bundle: Bundle, masses: Dataset) -> None:
    with pytest.raises(DatasetError, match="has the classes malignant, benign; the model lesions answers benign"):
        evaluate(bundle, replace(masses, classes=("malignant", "benign")))


def test_unlabelled_data_and_foreign_validation_parts_are_refused(bundle: Bundle, masses: Dataset) -> None:
    blind = replace(masses, cases=tuple(replace(case, target=None) for case in masses.cases))
    with pytest.raises(DatasetError, match="no labelled case"):
        evaluate(bundle, blind)
    with pytest.raises(DatasetError, match="no case of the validation part of phantom_masses"):
        evaluate(bundle, replace(masses, name="another"), which="val")


def test_an_ensemble_says_where_its_validation_figures_are(film_bundle: Path, phantom: Path) -> None:
    with pytest.raises(DatasetError, match=r"the validation figures are in .*evidence\.json"):
        evaluate(read_bundle(film_bundle), open_dataset(phantom / "films.toml"), which="val")


def test_lesions_and_whole_images_are_not_taken_for_each_other(
    bundle: Bundle, film_bundle: Path, masses: Dataset
) -> None:
    whole = tuple(replace(case, images={"image": replace(case.images["image"], crop=None)}) for case in masses.cases)
    with pytest.raises(DatasetError, match=r"the cases of phantom_masses are whole images.*\[crop\]"):
        evaluate(bundle, replace(masses, cases=whole))
    films = read_bundle(film_bundle)
    with pytest.raises(DatasetError, match="are cut out around boxes"):
        evaluate(films, replace(masses, classes=films.plan.classes, name="other"))


def test_a_bad_file_and_a_blank_one_are_named_and_the_rest_measured(
    film_bundle: Path, phantom: Path, tmp_path: Path
) -> None:
    import pydicom

    films = open_dataset(phantom / "films.toml")
    broken, blank = tmp_path / "broken.dcm", tmp_path / "blank.dcm"
    unseen = [case for case in films.cases if case.id in part(read_bundle(film_bundle), "test")]
    broken.write_bytes(unseen[0].images["image"].path.read_bytes()[:9000])
    dataset = pydicom.dcmread(unseen[1].images["image"].path)
    dataset.PixelData = b"\0" * len(dataset.PixelData)
    dataset.save_as(blank)

    def moved(case: Case) -> Case:
        place = {unseen[0].id: broken, unseen[1].id: blank}.get(case.id, case.images["image"].path)
        return replace(case, images={"image": replace(case.images["image"], path=place)})

    measured = evaluate(read_bundle(film_bundle), replace(films, cases=tuple(map(moved, films.cases))), resamples=50)
    assert [failure.path for failure in measured.failures] == [unseen[0].id, unseen[1].id]
    assert str(broken) in measured.failures[0].reason
    assert measured.failures[1].reason == f"{blank}: no answer: the image is blank: export it again, or leave it out"
    assert measured.evidence.cases == len(unseen) - 2
    assert (
        f"2 of {len(unseen)} cases could not be read or answered and are not in the figures." in measured.evidence.notes
    )


def test_nothing_readable_at_all_is_an_error(bundle: Bundle, masses: Dataset, tmp_path: Path) -> None:
    (tmp_path / "x.dcm").write_bytes(b"nothing")
    cases = tuple(
        replace(case, images={"image": replace(case.images["image"], path=tmp_path / "x.dcm")}) for case in masses.cases
    )
    with pytest.raises(
        DatasetError, match=r"none of the \d+ cases of phantom_masses could be read; the first: .*x\.dcm"
    ):
        evaluate(bundle, replace(masses, cases=cases))


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_another_runtime_gives_the_same_figures_and_is_named(bundle: Bundle, masses: Dataset, cache: None) -> None:
    by_torch = evaluate(bundle, masses, which="all", resamples=20).evidence
    found = evaluate(bundle, masses, which="all", resamples=20, runtime="onnxruntime").evidence
    for name, score in by_torch.scores.items():
        assert found.scores[name].value == pytest.approx(score.value, abs=1e-4), name
    said = "The networks were computed by ONNX Runtime f32, which agreed with torch on the first cases."
    assert said in found.notes and not any("computed by" in note for note in by_torch.notes)


def test_what_eight_bits_cost_is_said(bundle: Bundle, masses: Dataset, cache: None) -> None:
    pytest.importorskip("nncf")
    exact = evaluate(bundle, masses, which="all", resamples=20).evidence
    found = evaluate(bundle, masses, which="all", resamples=20, runtime="openvino-int8").evidence
    (note,) = (note for note in found.notes if "computed by" in note)
    area, area_exact = found.scores["auc_roc"].value, exact.scores["auc_roc"].value
    assert f"OpenVINO int8: AUC {area:.4f}, and {area_exact:.4f} by float32 on the same {found.cases} cases" in note
    assert found.results != exact.results
