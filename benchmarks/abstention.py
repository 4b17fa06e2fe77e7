"""Does a reader keep silent about what it does not know? A mammography model is shown films of women it has not seen,
and chest films, ultrasound, tissue slides, noise, and its own films inverted and turned.

Beside the distance that the reader uses stands what a network's own certainty would tell (maximum softmax probability,
Hendrycks and Gimpel 2017), on the same images. How well a score tells strange images from films is the area under its
ROC curve. The model is trained for a minute: the gate does not look through its networks.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from one_command import EXAMPLES, folder_of, run
from record import record

from hounsfield.bundle import Bundle, read_bundle
from hounsfield.datasets import load, open_dataset
from hounsfield.datasets.split import make_split, read_split
from hounsfield.evaluation.classification import auc_roc
from hounsfield.image import Image
from hounsfield.reading.reader import Reader

MODEL = "cbis_ddsm_films"
HELD_BACK = 0.2
ELSEWHERE = ("cxr_lungs_tb", "busi_ultrasound", "lc25000_lung", "mini_mias")
MOST = 100
AIM = 0.98
MUST_REFUSE = ("cxr_lungs_tb", "busi_ultrasound", "noise")


def main() -> int:
    """Train, show everything, record; 1 when a strange kind of image is told from films worse than the aim."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundle", type=Path, metavar="DIR", help="where the model is kept, or taken from")
    arguments = parser.parse_args()
    absent = [name for name in (MODEL, *ELSEWHERE) if not folder_of(name).is_dir()]
    if absent:
        print(f"there are no images of {', '.join(absent)}: nothing is measured", file=sys.stderr)
        return 0
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.bundle or Path(temporary) / "films"
        if not (folder / "bundle.json").is_file():
            trained(folder)
        rows = measured(read_bundle(folder))
    record(
        "abstention",
        f"Images shown to a model of {MODEL}: how many get no answer, and how well they are told from its own films.",
        rows,
        packages=("torch", "timm"),
        notes=(
            f"own: films of women held back from the training ({HELD_BACK:.0%} of them); at most {MOST} of each kind.",
            "auc_distance: area under the ROC curve of the distance to the training images, against own; "
            "auc_certainty: of 1 less the largest probability of the model.",
            "mini_mias is mammography from another scanner; upside down films of one breast look much like films of "
            "the other.",
        ),
    )
    below = [row["kind"] for row in rows if row["kind"] in MUST_REFUSE and float(str(row["auc_distance"])) < AIM]
    return int(bool(below))


def trained(folder: Path) -> None:
    """A model of films, a fifth of the women held back."""
    dataset = open_dataset(EXAMPLES / f"{MODEL}.toml", root=folder_of(MODEL))
    split = make_split(dataset, fractions=(1 - HELD_BACK - 0.1, 0.1, HELD_BACK))
    path = folder.with_name(f"{folder.name}-split.json")
    split.write(path)
    run("train", str(EXAMPLES / f"{MODEL}.toml"), "--root", str(folder_of(MODEL)), "-o", str(folder), "--minutes", "1",
        "--network", "tf_efficientnet_lite0:probe", "--split", str(path))  # fmt: skip


def measured(bundle: Bundle) -> list[dict[str, object]]:
    """A row for each kind of image."""
    reader = Reader(bundle, runtime="torch", answer_all=True)
    own = list(films(bundle))
    shown: dict[str, list[Image]] = {"own": own}
    for name in ELSEWHERE:
        cases = open_dataset(EXAMPLES / f"{name}.toml", root=folder_of(name)).cases
        chosen = np.random.default_rng(0).permutation(len(cases))[:MOST].tolist()
        shown[name] = [load(next(iter(cases[place].images.values()))) for place in chosen]
    rng = np.random.default_rng(0)
    shown["noise"] = [
        changed(image, lambda voxels: rng.permutation(voxels.ravel()).reshape(voxels.shape)) for image in own
    ]
    shown["inverted"] = [changed(image, lambda voxels: voxels.max() + voxels.min() - voxels) for image in own]
    shown["turned a quarter"] = [turned(image, 1) for image in own]
    shown["upside down"] = [turned(image, 2) for image in own]
    found = {kind: looked_at(reader, images) for kind, images in shown.items()}
    usual_distance, usual_doubt = found["own"][0], found["own"][1]
    rows: list[dict[str, object]] = []
    for kind, (distance, doubt, refused, doubtful, seconds) in found.items():
        strange = np.r_[np.zeros(len(usual_distance), dtype=bool), np.ones(len(distance), dtype=bool)]
        rows.append(
            {
                "kind": kind,
                "images": len(distance),
                "no answer": round(refused, 3),
                "doubtful": round(doubtful, 3),
                "distance": round(float(np.median(distance)), 3),
                "auc_distance": "" if kind == "own" else round(auc_roc(strange, np.r_[usual_distance, distance]), 4),
                "auc_certainty": "" if kind == "own" else round(auc_roc(strange, np.r_[usual_doubt, doubt]), 4),
                "ms an image": round(1000 * seconds / len(distance), 1),
            }
        )
    return rows


def films(bundle: Bundle) -> Iterator[Image]:
    """Films of women the model has not seen."""
    split = read_split(bundle.folder / "split.json")
    dataset = open_dataset(EXAMPLES / f"{MODEL}.toml", root=folder_of(MODEL))
    cases = split.select(dataset, "test")
    for place in np.random.default_rng(0).permutation(len(cases))[:MOST].tolist():
        yield load(cases[place].image)


def changed(image: Image, how: Callable[[np.ndarray], np.ndarray]) -> Image:
    """The image with other values."""
    return replace(image, voxels=how(image.voxels).astype(image.voxels.dtype))


def turned(image: Image, quarters: int) -> Image:
    """The image turned in its plane, as a scanner's operator would: its pixels, not its place in the patient."""
    return replace(image, voxels=np.ascontiguousarray(np.rot90(image.voxels, quarters, axes=(2, 3))))


def looked_at(reader: Reader, images: list[Image]) -> tuple[np.ndarray, np.ndarray, float, float, float]:
    """Distances, doubts of the networks, shares refused and doubtful, and the seconds of the gate."""
    opened = [reader.open_image(image, case="image") for image in images]
    readings = reader.answer(opened, explain=False)
    began = time.perf_counter()
    for image in images:
        reader.gate.judge([glimpse for glimpse in [reader.gate.glimpse(image)] if glimpse])
    seconds = time.perf_counter() - began
    distance = np.array([one.quality.distance for one in readings], dtype=np.float64)
    doubt = np.array([min(one.answers[0].probability, 1 - one.answers[0].probability) for one in readings])
    refused = float(np.mean([one.quality.unlike for one in readings]))
    doubtful = float(np.mean([one.quality.verdict == "doubtful" and not one.quality.unlike for one in readings]))
    return distance, doubt, refused, doubtful, seconds


if __name__ == "__main__":
    sys.exit(main())
