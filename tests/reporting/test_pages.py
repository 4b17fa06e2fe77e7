"""What holds for every page: it is complete in itself, safe, and says what its pictures show."""

import re
from collections import Counter
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from report_pages import HOSTILE_PAGES, PAGES
from report_samples import binary_evidence, film, films_of, heat, reading, readings, story

from hounsfield.evaluation.evidence import Score
from hounsfield.findings import Answer, Box, Finding, Reading
from hounsfield.reporting.evidence_report import evidence_page
from hounsfield.reporting.reading_report import reading_page, study_pictures, write_reading_page
from hounsfield.reporting.training_report import training_page

VOID = {"meta", "link", "img", "br"}


class Outline(HTMLParser):
    """Elements with their attributes, the text, and whether every element is closed in its turn."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open[-1] == tag, f"</{tag}> closes <{self.open[-1:]}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text.append(data)

    def named(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]


@cache
def page(name: str) -> str:
    return PAGES[name]()


every_page = pytest.mark.parametrize("name", PAGES)


@every_page
def test_every_element_is_closed_in_its_turn(name: str) -> None:
    assert Outline(page(name)).open == []


@every_page
def test_nothing_is_asked_of_the_network(name: str) -> None:
    html = page(name)
    outline = Outline(html)
    assert not re.search(r"https?:|//[a-z]|@import|@font-face", re.sub(r"data:[^\"]*", "", html))
    assert not outline.named("script") and not outline.named("iframe") and not outline.named("object")
    assert all(image["src"].startswith("data:image/") for image in outline.named("img"))
    assert [link["href"] for link in outline.named("link")] == ["data:,"]
    assert "default-src 'none'" in html
    assert not re.search(r"url\((?!#)", html)


@every_page
def test_it_fits_into_a_mail(name: str) -> None:
    assert len(page(name).encode()) < 400_000


@every_page
def test_every_picture_and_chart_says_what_it_shows(name: str) -> None:
    outline = Outline(page(name))
    assert all(len(image["alt"]) > 5 for image in outline.named("img"))
    charts = [chart for chart in outline.named("svg") if chart.get("aria-hidden") != "true"]
    assert charts and all(chart["role"] == "img" and len(chart["aria-label"]) > 5 for chart in charts)


@every_page
def test_tables_have_headers_and_scroll_where_the_keyboard_reaches_them(name: str) -> None:
    outline = Outline(page(name))
    assert all(header.get("scope") in {"col", "row", "colgroup"} for header in outline.named("th"))
    scrolling = [box for box in outline.named("div") if box.get("class") == "scroll"]
    assert len(scrolling) == len(outline.named("table")) > 0
    assert all(box["tabindex"] == "0" and box["role"] == "region" and box["aria-label"] for box in scrolling)


@every_page
def test_the_page_has_landmarks_one_title_and_headings_that_skip_no_level(name: str) -> None:
    outline = Outline(page(name))
    for landmark in ("main", "nav", "header", "footer", "h1"):
        assert len(outline.named(landmark)) == 1, landmark
    levels = [int(tag[1]) for tag, _ in outline.elements if re.fullmatch(r"h[1-6]", tag)]
    assert all(later - earlier <= 1 for earlier, later in zip(levels, levels[1:], strict=False))
    assert outline.named("html")[0]["lang"] == "en"


@every_page
def test_ids_are_unique_and_every_link_leads_somewhere(name: str) -> None:
    outline = Outline(page(name))
    ids = Counter(attributes["id"] for _, attributes in outline.elements if "id" in attributes)
    assert set(ids.values()) == {1}
    for link in outline.named("a"):
        assert not link["href"].startswith("#") or link["href"][1:] in ids
    referred = [attributes["aria-labelledby"] for _, attributes in outline.elements if "aria-labelledby" in attributes]
    assert set(referred) <= set(ids)


@every_page
def test_it_says_that_it_is_for_research(name: str) -> None:
    assert "must not be used for clinical decisions" in page(name) or name == "inspection"
    assert "not for clinical decisions" in page(name)


@pytest.mark.parametrize("name", HOSTILE_PAGES)
def test_names_that_try_to_break_out_stay_text(name: str) -> None:
    html = HOSTILE_PAGES[name]()
    outline = Outline(html)
    assert outline.open == []
    assert not outline.named("script")
    assert not any(key.startswith("on") for _, attributes in outline.elements for key in attributes)
    assert all(image["src"].startswith("data:image/") for image in outline.named("img"))
    assert "<script>alert(1)</script>" in "".join(outline.text)  # it is shown, as text
    assert "{{ 7 * 7 }}" in "".join(outline.text)


def test_the_evidence_page_shows_all_seven_scores_with_their_intervals() -> None:
    evidence = binary_evidence()
    text = "".join(Outline(evidence_page(evidence)).text)
    for score in evidence.scores.values():
        assert f"{score.value:.3f}" in text
        assert f"{score.low:.3f}–{score.high:.3f}" in text
    assert f"{evidence.threshold:.3f}" in text and evidence.threshold_from in text
    assert evidence.model.sha256 in text


def test_the_confusion_matrix_is_shown_as_it_is() -> None:
    evidence = replace(binary_evidence(), confusion=((70, 11), (13, 46)))
    text = re.sub(r"\s+", " ", "".join(Outline(evidence_page(evidence)).text))
    assert "7086" in text and "cleared" in text and "4678" in text and "found" in text


def test_mistakes_and_hits_are_told_apart() -> None:
    html = page("evidence")
    assert html.index("Worst mistakes") < html.index("Best hits")
    wrong = html[html.index("Worst mistakes") : html.index("Best hits")]
    assert not re.search(r"Is <b>(\w+)</b>, was called <b>\1</b>", wrong)


def test_a_title_says_that_every_label_is_outlined_and_that_one_class_is_answered() -> None:
    assert "abdomens: liver and tumour</h1>" in page("evidence_of_labels")
    assert "cbis_ddsm_mass: benign or malignant</h1>" in page("evidence")


def test_an_evidence_with_next_to_nothing_still_gives_a_page() -> None:
    bare = replace(binary_evidence(60), scores={}, curves={}, subgroups=(), results=(), confusion=(), notes=())
    assert Outline(evidence_page(bare)).open == []
    nan = float("nan")
    undefined = replace(bare, scores={"auc_roc": Score(nan, nan, nan), "accuracy": Score(1, 1, 1)})
    assert "nan" not in "".join(Outline(evidence_page(undefined)).text).lower().split()


def test_a_training_without_validation_still_gives_a_page() -> None:
    bare = replace(story(), evidence=None, curves=(), split_counts=(), plan_choices=(), files=(), model=None)
    assert Outline(training_page(bare)).open == []


def test_the_reading_page_puts_the_most_suspicious_first_and_the_unanswered_before_the_negative() -> None:
    html = page("reading")
    order = [re.search(rf'id="study-{n}-title">([^<]+)<', html)[1] for n in range(1, 9)]  # type: ignore[index]  # it is there
    shown = {one.case: one for one in readings()}
    assert order[0] == "P_0013_RIGHT_MLO.dcm"
    assert shown[order[3]].abstained
    assert [shown[case].answers[0].probability for case in order[4:]] == [0.44, 0.31, 0.12, 0.05]


def test_the_reading_page_names_what_could_not_be_read_and_why_there_is_no_answer() -> None:
    text = "".join(Outline(page("reading")).text)
    assert "films/broken.dcm" in text and "the file ends after 1204 bytes" in text
    assert "the image is blank" in text
    assert "3 of 8 studies above the threshold" in text


def test_probabilities_that_are_not_calibrated_are_said_to_be_so() -> None:
    one = reading("a", 0.7)
    assert "not calibrated" not in reading_page([one], {})
    assert "not calibrated" in reading_page([replace(one, calibrated=False)], {})


def test_with_many_classes_no_threshold_is_drawn() -> None:
    answers = tuple(Answer(f"class {n}", p, 0.5, n == 0) for n, p in enumerate((0.4, 0.35, 0.25)))
    html = reading_page([replace(reading("a", 0.7), answers=answers)], {})
    assert "Class 0" in html and ", threshold" not in html


def test_nothing_read_is_said_plainly() -> None:
    assert "Nothing could be read" in reading_page([], {}, [("a.dcm", "it is empty")])
    assert Outline(reading_page([], {})).open == []


def test_of_findings_over_heat_the_page_says_what_they_are_and_what_the_heat_is() -> None:
    found = Finding("mass", 0.9, Box(10, 10, 40, 40))
    cold = replace(reading("1", 0.9), findings=(found,), looked_for=("mass",), heat=heat(1), explained_by="centre_heat")
    none = replace(cold, findings=(), case="2", heat=np.zeros_like(heat(1)))

    one, other = study_pictures(cold, film(1)), study_pictures(none, film(1))
    plain = study_pictures(replace(cold, heat=None), film(1))

    assert one.heat is not None and other.heat is not None and plain.heat is not None
    assert one.heat.uri != plain.heat.uri != other.heat.uri
    assert one.heat.alt.endswith("mass 0.90") and other.heat.alt.endswith("nothing")
    page = reading_page([cold, none], {cold.case: one, none.case: other})
    assert "the network held each place to be the centre of a finding" in page
    assert "nothing found" in page and "Heat: none" in page


def test_pictures_made_while_reading_are_found_by_path_or_by_case() -> None:
    one = reading("a.dcm", 0.7)
    made = study_pictures(one, film(0))
    assert made.heat is not None and made.film.width == made.heat.width
    for key in (one.path, one.case):
        assert made.film.uri in reading_page([replace(one, heat=None)], {key: made})


def test_a_volume_is_shown_where_its_heat_is_strongest() -> None:
    import numpy as np

    flat = film(0)
    volume = replace(flat, voxels=np.concatenate([np.zeros_like(flat.voxels), flat.voxels], axis=1))
    warm = np.stack([np.zeros((320, 240)), heat(0)])
    made = study_pictures(replace(reading("a", 0.9), heat=warm), volume)
    black = study_pictures(replace(reading("a", 0.9), heat=warm[::-1]), volume)
    assert len(made.film.uri) > 2 * len(black.film.uri)  # the other slice is empty


def test_a_batch_of_hundreds_uses_smaller_pictures() -> None:
    few: list[Reading] = [reading("a.dcm", 0.7)]
    many = [replace(reading(f"{number}.dcm", 0.2), heat=None) for number in range(160)]
    size = [
        max(int(image["width"]) for image in Outline(reading_page(batch, films_of(batch))).named("img"))
        for batch in (few, many[:41])
    ]
    assert size[0] > size[1]


def test_pages_are_written_whole(tmp_path: Path) -> None:
    target = tmp_path / "out" / "report.html"
    write_reading_page(target, [reading("a", 0.7)], {})
    assert target.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert [path.name for path in target.parent.iterdir()] == ["report.html"]
