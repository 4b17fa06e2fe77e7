"""MONAI opens the exported bundle, runs it on films, and gives the reader's probabilities."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from hounsfield import __version__
from hounsfield.bundle import Bundle, read_bundle
from hounsfield.datasets.split import read_split
from hounsfield.errors import ExportError, StorageError
from hounsfield.exporting.monai_bundle import FILES, export_monai
from hounsfield.reading.reader import Reader

MANDATORY = (
    *("version", "monai_version", "pytorch_version", "numpy_version", "required_packages_version", "task"),
    *("description", "authors", "copyright", "network_data_format"),
)
"""Of metadata.json, by MONAI's specification."""

TENSOR = (
    *("type", "format", "modality", "num_channels", "spatial_shape", "dtype", "value_range", "is_patch_data"),
    "channel_def",
)


@pytest.fixture
def bundle(film_bundle: Path) -> Bundle:
    return read_bundle(film_bundle)


@pytest.fixture
def exported(bundle: Bundle, tmp_path: Path) -> Path:
    export_monai(bundle, tmp_path / "exported")
    return tmp_path / "exported"


def metadata_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "configs" / "metadata.json").read_text(encoding="utf-8"))
    return found


def test_every_file_is_there_and_the_metadata_have_what_the_specification_asks_for(
    bundle: Bundle, exported: Path
) -> None:
    assert {path.relative_to(exported).as_posix() for path in exported.rglob("*") if path.is_file()} == FILES
    metadata = metadata_of(exported)
    assert [key for key in MANDATORY if not metadata.get(key)] == []
    (image,) = metadata["network_data_format"]["inputs"].values()
    (answer,) = metadata["network_data_format"]["outputs"].values()
    assert [key for key in TENSOR if key not in image or key not in answer] == []
    assert tuple(image["spatial_shape"]) == bundle.plan.input.shape
    assert tuple(answer["channel_def"].values()) == bundle.plan.classes
    assert metadata["required_packages_version"] == {"hounsfield": __version__}
    readme = (exported / "docs" / "README.md").read_text(encoding="utf-8")
    assert bundle.identity.sha256 in readme and (bundle.folder / "card.md").read_text(encoding="utf-8") in readme


def test_no_patient_and_no_case_is_named(bundle: Bundle, exported: Path) -> None:
    cases = list(read_split(bundle.folder / "split.json").parts)
    texts = "".join(path.read_text(encoding="utf-8") for path in map(exported.joinpath, FILES - {"models/model.ts"}))
    assert cases and [case for case in cases if case in texts] == []


def test_an_earlier_export_is_replaced_and_anything_else_left(bundle: Bundle, exported: Path) -> None:
    (exported / "LICENSE").write_text("old")
    export_monai(bundle, exported)
    assert "belong to whoever trained it" in (exported / "LICENSE").read_text(encoding="utf-8")
    with pytest.raises(StorageError, match="no such export"):
        export_monai(bundle, bundle.folder)


@pytest.mark.filterwarnings("ignore")
def test_monai_loads_the_network_with_its_metadata(bundle: Bundle, exported: Path, phantom: Path) -> None:
    monai_bundle = pytest.importorskip("monai.bundle")
    import torch

    network, metadata, _ = monai_bundle.load(
        exported.name, bundle_dir=exported.parent, load_ts_module=True, device="cpu"
    )
    assert metadata == metadata_of(exported)
    images = torch.randn(3, bundle.plan.input.channels, *bundle.plan.input.shape)
    expected = Reader(bundle).probabilities(images.numpy())
    assert network(images).detach().numpy() == pytest.approx(expected, abs=1e-4)


@pytest.mark.filterwarnings("ignore")
def test_monai_runs_the_bundle_on_films(bundle: Bundle, exported: Path, phantom: Path, tmp_path: Path) -> None:
    monai_bundle = pytest.importorskip("monai.bundle")
    films = tmp_path / "films"
    films.mkdir()
    for film in sorted((phantom / "films").glob("*.dcm"))[:10]:
        shutil.copy(film, films)
    monai_bundle.run(
        bundle_root=str(exported),
        dataset_dir=str(films),
        meta_file=str(exported / "configs" / "metadata.json"),
        config_file=str(exported / "configs" / "inference.json"),
    )
    found = json.loads((exported / "probabilities.json").read_text(encoding="utf-8"))
    assert len(found) == 10
    reader = Reader(bundle)
    for path, probabilities in found.items():
        expected = reader.read(path, explain=False).answers[0].probability
        assert probabilities[1] == pytest.approx(expected, abs=1e-4)
        assert sum(probabilities) == pytest.approx(1, abs=1e-5)


def test_a_model_of_more_than_one_image_is_refused(wide_bundle: Bundle, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="looks at the views CC, MLO and the columns age, side of a table"):
        export_monai(wide_bundle, tmp_path / "exported")
    assert not (tmp_path / "exported").exists()
