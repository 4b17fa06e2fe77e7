"""`hounsfield inspect`: data sets and single images."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from hounsfield.cli import inspect as verb
from hounsfield.cli.inspect_image import is_one_image
from hounsfield.cli.main import main


def test_a_data_set_as_json_and_as_a_report(phantom: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(phantom / "masses.toml"), "-o", str(tmp_path / "look"), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert set(printed) == {"fingerprint", "problems", "audit"}
    assert printed["audit"]["verdict"] in ("clean", "warn") and printed["audit"]["near_duplicate_pairs"] == 0
    assert printed["fingerprint"]["classes"] == ["benign", "malignant"]
    assert {problem["severity"] for problem in printed["problems"]} <= {"refuse", "warn"}
    page = (tmp_path / "look" / "report.html").read_text(encoding="utf-8")
    assert "Preprocessing" in page and "Contact sheet" in page and "Near duplicates" in page


def test_people_get_the_main_facts(phantom: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(phantom / "films.toml")]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("phantom_films (table): 64 cases: ")
    assert "patients: 16\n" in said.out and "warn: only 16 patients" in said.out


def test_boxes_are_counted_and_need_no_class(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "images").mkdir()
    rows = []
    for number in range(12):
        level = np.random.default_rng(number).integers(0, 255, (32, 48), dtype=np.uint8)
        cv2.imwrite(str(tmp_path / "images" / f"{number}.png"), level)
        rows.append(f"{number},{number},{4 + number},4,{12 + number},20,{'mass' if number < 6 else 'cyst'}")
    (tmp_path / "boxes.csv").write_text("\n".join(["image,patient,x0,y0,x1,y1,label", *rows]), encoding="utf-8")
    (tmp_path / "data.toml").write_text(
        'table = "boxes.csv"\nimage = "images/{image}.png"\npatient = "patient"\n'
        '[box]\nlabel = "label"\nx0 = "x0"\ny0 = "y0"\nx1 = "x1"\ny1 = "y1"\n',
        encoding="utf-8",
    )

    assert main(["inspect", str(tmp_path / "data.toml")]) == 0
    said = capsys.readouterr().out
    assert "data (table): 12 cases\n" in said and "refuse" not in said
    assert "boxes: 12 on 12 whole images: 6 mass, 6 cyst\n" in said


def test_an_unreadable_case_is_named_and_the_code_is_1(
    phantom: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(phantom, tmp_path / "data")
    (tmp_path / "data" / "films" / "P0001_L_CC.dcm").write_bytes(b"no image")
    assert main(["inspect", str(tmp_path / "data" / "films.toml"), "-o", str(tmp_path / "look")]) == 1
    assert "not read: P0001_L_CC: " in capsys.readouterr().err
    assert "P0001_L_CC" in (tmp_path / "look" / "report.html").read_text(encoding="utf-8")


def test_one_film_shows_its_facts_and_the_steps(
    phantom: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    film = phantom / "films" / "P0001_L_CC.dcm"
    assert main(["inspect", str(film), "-o", str(tmp_path / "look"), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    image = printed["image"]
    assert (image["format"], image["shape"], image["modality"], image["view"]) == ("dicom", [192, 144], "MG", "CC")
    assert image["windows"][0]["width"] > 0 and len(image["spacing_mm"]) == 2
    assert printed["quality"] == {"verdict": "good", "reasons": []}
    page = (tmp_path / "look" / "report.html").read_text(encoding="utf-8")
    assert all(f"</b> {step}<" in page for step in ("stored", "breast", "median", "bilateral", "gaussian", "resize"))
    assert "P0001_L_CC.dcm" in page and "Nothing speaks against reading it." in page


def test_one_film_in_words(phantom: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(phantom / "films" / "P0001_R_MLO.dcm")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "shape: 192 × 144" in lines and "laterality: R" in lines and lines[-1] == "quality: good"
    assert not any("patient" in line for line in lines)


def test_a_plan_shows_its_own_steps(phantom: Path, lesion_bundle: Path, tmp_path: Path) -> None:
    words = ["inspect", str(phantom / "films" / "P0001_L_CC.dcm"), "--plan", str(lesion_bundle / "plan.toml")]
    assert main([*words, "-o", str(tmp_path)]) == 0
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "</b> rescale<" in page and "</b> bilateral<" not in page


def test_a_blank_image_is_not_fit_to_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cv2.imwrite(str(tmp_path / "blank.png"), np.full((40, 40), 9, np.uint8))
    assert main(["inspect", str(tmp_path / "blank.png"), "-o", str(tmp_path / "look")]) == 1
    assert "quality: unfit (the image is blank" in capsys.readouterr().out
    assert not (tmp_path / "look").exists()


def test_images_and_data_sets_are_told_apart(phantom: Path, tmp_path: Path) -> None:
    assert is_one_image(phantom / "films" / "P0001_L_CC.dcm")
    assert not is_one_image(phantom) and not is_one_image(phantom / "films.toml")
    assert not is_one_image(phantom / "films")  # single films are no series
    assert not is_one_image(tmp_path)


def test_words_that_make_no_sense_are_wrong_usage(phantom: Path, tmp_path: Path) -> None:
    film = str(phantom / "films" / "P0001_L_CC.dcm")
    assert main(["inspect", film, "--root", str(tmp_path)]) == 2
    assert main(["inspect", film, "--seed", "-1"]) == 2


def test_the_command_in_the_report_does_the_same_again() -> None:
    parser = verb.argparse.ArgumentParser()
    verb.add_arguments(parser)
    typed = ["my data", "-o", "out", "--root", "over there", "--plan", "p.toml", "--split", "s.json", "--seed", "7"]
    again = verb.shlex.split(verb.command(parser.parse_args(typed)))
    assert parser.parse_args(again[2:]) == parser.parse_args(typed)


def test_cases_of_two_views_are_counted_and_have_no_pictures_yet(
    phantom: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    breasts = tmp_path / "breasts.toml"
    breasts.write_text(
        f'root = "{phantom.as_posix()}"\ntable = "films.csv"\nimage = "films/{{image}}.dcm"\n'
        'id = "{patient}_{laterality}"\npatient = "patient"\n'
        '[class]\ncolumn = "any_malignant"\n[views]\nname = "view"\n'
    )
    assert main(["inspect", str(breasts), "--json"]) == 0
    fingerprint = json.loads(capsys.readouterr().out)["fingerprint"]
    assert (fingerprint["cases"], fingerprint["views"]) == (32, {"CC": 32, "MLO": 32})
    assert main(["inspect", str(breasts), "-o", str(tmp_path / "look")]) == 1
    assert "has 2 images (CC, MLO) where one is expected; use a description" in capsys.readouterr().err
