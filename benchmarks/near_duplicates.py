"""How fast are copies found among 20,000 images, and how many, beside imagededup and cleanvision?

The images are squares cut side by side from the real data (films, chest films, ultrasound, tissue), so that no two show
the same; a thousand copies are planted: smaller and compressed, brighter, mirrored. Each program works through the same
PNG files in a process of its own, with two threads or two processes, from files to pairs. The memory of the audit's
search is measured among 100,000 images.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from one_command import EXAMPLES, folder_of
from record import RESULTS, record

IMAGES = 20_000
COPIES = 1_000
SIDE = 112
SOURCES = ("cbis_ddsm_films", "lc25000_lung", "cxr_lungs_tb", "busi_ultrasound", "mini_mias")
KINDS = ("smaller", "brighter", "mirrored")
THREADS = 2
AIM = 5.0
MANY = 100_000
MEMORY = "hounsfield, the search alone"
MOST_GIB = 2.0


def write_images(folder: Path, count: int) -> None:
    """Squares of real images, and copies of some named as what they are copies of: 00012.png and 00012-mirrored.png."""
    import cv2

    rng = np.random.default_rng(0)
    squares = list(cut(count - COPIES))
    for number, square in enumerate(squares):
        cv2.imwrite(str(folder / f"{number:05d}.png"), square)
    for place, number in enumerate(rng.permutation(len(squares))[:COPIES].tolist()):
        kind = KINDS[place % len(KINDS)]
        cv2.imwrite(str(folder / f"{number:05d}-{kind}.png"), copied(squares[number], kind))


def copied(square: np.ndarray, kind: str) -> np.ndarray:
    """A copy as they are found in data sets."""
    import cv2

    if kind == "mirrored":
        return np.ascontiguousarray(square[:, ::-1])
    if kind == "brighter":
        return cv2.convertScaleAbs(square, alpha=0.85, beta=20)
    small = cv2.resize(square, None, fx=0.75, fy=0.75, interpolation=cv2.INTER_AREA)
    return cv2.imdecode(cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 60])[1], cv2.IMREAD_GRAYSCALE)


def cut(count: int) -> Iterator[np.ndarray]:
    """Squares that do not overlap and show something, in turn from each source.

    Raises:
        RuntimeError: The data hold fewer.
    """
    given = 0
    for name in SOURCES:
        from hounsfield.datasets import load, open_dataset

        dataset = open_dataset(EXAMPLES / f"{name}.toml", root=folder_of(name))
        for case in dataset.cases:
            image = load(next(iter(case.images.values())))
            plane = image.voxels[:, 0].astype(np.float32).mean(axis=0)
            low, high = np.quantile(plane, [0.001, 0.999])
            grey = np.clip((plane - low) / max(high - low, 1) * 255, 0, 255).astype(np.uint8)
            for top in range(0, grey.shape[0] - SIDE + 1, SIDE):
                for left in range(0, grey.shape[1] - SIDE + 1, SIDE):
                    square = grey[top : top + SIDE, left : left + SIDE]
                    if square.std() > 8 and np.median(square) > 10:
                        yield square
                        given += 1
                        if given == count:
                            return
    raise RuntimeError(f"the data give {given} squares, {count} are wanted")


Pairs = set[tuple[str, str]]


def by_hounsfield(folder: Path) -> Pairs:
    """The audit's own search: hashes as they lie, mirrored and turned, each candidate's details compared."""
    import torch

    from hounsfield.datasets.audit.glance import glance
    from hounsfield.datasets.audit.twins import near_duplicates
    from hounsfield.datasets.case import ImageRef
    from hounsfield.datasets.parallel import in_threads

    torch.set_num_threads(THREADS)
    paths = sorted(folder.glob("*.png"))
    glances = in_threads(glance, [ImageRef(path) for path in paths], "looking")
    twins = near_duplicates(glances)  # type: ignore[arg-type]
    return {named(paths[twin.first], paths[twin.second]) for twin in twins}


def by_imagededup(folder: Path, method: str) -> Pairs:
    """imagededup, by a hash or by the features of the network that the audit has."""
    from imagededup import methods

    if method == "CNN":
        import torch
        from imagededup.utils import CustomModel
        from torchvision import transforms

        from hounsfield.networks.imagenet import put_imagenet
        from hounsfield.networks.pretrained import Pretrained

        torch.set_num_threads(THREADS)
        network = Pretrained(dims=2, channels=3, outputs=1, backbone="tf_efficientnet_lite0", folded=True)
        put_imagenet(network, "tf_efficientnet_lite0", folded=True)

        class Features(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.network = network

            def forward(self, images: torch.Tensor) -> torch.Tensor:
                return self.network.pooled(images)

        prepared = transforms.Compose([transforms.Resize((128, 128)), transforms.ToTensor()])
        found = methods.CNN(
            verbose=False, model_config=CustomModel("lite0", Features().eval(), prepared)
        ).find_duplicates(str(folder), min_similarity_threshold=0.9, num_enc_workers=0, num_sim_workers=THREADS)
    else:
        found = getattr(methods, method)(verbose=False).find_duplicates(
            str(folder), max_distance_threshold=10, num_enc_workers=THREADS, num_dist_workers=THREADS
        )
    return {named(Path(one), Path(other)) for one, others in found.items() for other in others}


def by_cleanvision(folder: Path) -> Pairs:
    """cleanvision's near duplicates."""
    from cleanvision import Imagelab

    lab = Imagelab(data_path=str(folder), verbose=False)
    lab.find_issues({"near_duplicates": {}, "exact_duplicates": {}}, n_jobs=THREADS, verbose=False)
    pairs: Pairs = set()
    for kind in ("near_duplicates", "exact_duplicates"):
        for group in lab.info.get(kind, {}).get("sets", []):
            names = [Path(path) for path in group]
            pairs |= {named(a, b) for place, a in enumerate(names) for b in names[place + 1 :]}
    return pairs


def named(one: Path, other: Path) -> tuple[str, str]:
    """A pair of file names, in order."""
    first, second = sorted((one.stem, other.stem))
    return first, second


METHODS: dict[str, Callable[[Path], Pairs]] = {
    "hounsfield": by_hounsfield,
    "imagededup PHash": lambda folder: by_imagededup(folder, "PHash"),
    "imagededup DHash": lambda folder: by_imagededup(folder, "DHash"),
    "imagededup CNN": lambda folder: by_imagededup(folder, "CNN"),
    "cleanvision": by_cleanvision,
}


def work(name: str, folder: Path) -> None:
    """Run one method and print a row of the table as JSON: the pairs themselves may be millions."""
    began = time.perf_counter()
    pairs = METHODS[name](folder)
    seconds = time.perf_counter() - began
    used = sum(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    planted = {kind: [path.stem for path in folder.glob(f"*-{kind}.png")] for kind in KINDS}
    found = {kind: sum((one.split("-")[0], one) in pairs for one in names) for kind, names in planted.items()}
    row = {
        "program": name,
        "images": len(list(folder.iterdir())),
        "seconds": round(seconds, 1),
        "memory_gib": round(used / 2**20, 2),
        **{kind: round(count / len(planted[kind]), 3) for kind, count in found.items()},
        "other_pairs": len(pairs) - sum(found.values()),
    }
    print("\n" + json.dumps(row))


def measured(name: str, folder: Path) -> dict[str, object]:
    """A row of the table.

    Raises:
        RuntimeError: The program failed; the message is its own last line.
    """
    command = [sys.executable, __file__, "--work", name, "--folder", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{name}: {done.stderr.strip().splitlines()[-1]}")
    row: dict[str, object] = json.loads(done.stdout.strip().splitlines()[-1])
    return row


def there(name: str) -> bool:
    """Whether a program is installed; else a line says so."""
    package = name.split()[0]
    if importlib.util.find_spec(package) is None:
        print(f"{package} is not installed: {name} is left out", file=sys.stderr)
        return False
    return True


def search_many() -> dict[str, object]:
    """The memory of the search among 100,000 images: what the audit keeps of each, made of noise, and a few copies."""
    import torch

    from hounsfield.datasets.audit.difference_hash import difference_hash
    from hounsfield.datasets.audit.glance import Glance
    from hounsfield.datasets.audit.twins import near_duplicates

    torch.set_num_threads(THREADS)
    rng = np.random.default_rng(0)
    glances = []
    for number in range(MANY):
        if number % 1000 == 999:  # a copy of an earlier one
            glances.append(glances[number - 500])
            continue
        plane = np.kron(rng.integers(0, 255, (16, 16)), np.ones((4, 4))).astype(np.uint8)
        tones = rng.random(39, dtype=np.float32)
        glances.append(
            Glance(plane[None], difference_hash(plane / np.float32(255)), tones, (1, 64, 64), False, 0, False, 0.0, 0)
        )
    began = time.perf_counter()
    twins = near_duplicates(glances)
    seconds = time.perf_counter() - began
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    copies = sum(number % 1000 == 999 for number in range(MANY))
    return {
        "program": MEMORY,
        "images": MANY,
        "seconds": round(seconds, 1),
        "memory_gib": round(used, 2),
        **dict.fromkeys(KINDS, ""),
        "other_pairs": len(twins) - copies,
    }


def main() -> int:
    """Make the images, run every method, record; 1 when the aim is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=IMAGES, metavar="N")
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=list(METHODS))
    parser.add_argument("--anew", action="store_true", help="forget what was measured before")
    parser.add_argument("--work", choices=list(METHODS), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--many", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        work(arguments.work, arguments.folder)
        return 0
    if arguments.many:
        print("\n" + json.dumps(search_many()))
        return 0
    absent = [name for name in SOURCES if not folder_of(name).is_dir()]
    if absent:
        print(f"there are no images of {', '.join(absent)}: nothing is measured", file=sys.stderr)
        return 0
    rows = [] if arguments.anew else kept(arguments.images)
    todo = [name for name in arguments.methods if there(name) and all(row["program"] != name for row in rows)]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        if todo:
            write_images(folder, arguments.images)
        for name in todo:
            rows.append(measured(name, folder))
            write(rows, arguments.images)
    if all(row["program"] != MEMORY for row in rows):
        done = subprocess.run([sys.executable, __file__, "--many"], capture_output=True, text=True, check=True)
        rows.append(json.loads(done.stdout.strip().splitlines()[-1]))
        write(rows, arguments.images)
    own, used = (next(row for row in rows if row["program"] == name) for name in ("hounsfield", MEMORY))
    ratio = min(
        (float(str(row["seconds"])) / float(str(own["seconds"])) for row in rows if "CNN" in str(row)), default=AIM
    )
    return int(ratio < AIM or float(str(used["memory_gib"])) > MOST_GIB)


def kept(images: int) -> list[dict[str, object]]:
    """What an earlier run of as many images measured."""
    path = RESULTS / "near_duplicates.json"
    rows = json.loads(path.read_text(encoding="utf-8"))["rows"] if path.is_file() else []
    return [row for row in rows if row["images"] in (images, MANY)]


def write(rows: list[dict[str, object]], images: int) -> None:
    """Record what there is so far."""
    own = next((float(str(row["seconds"])) for row in rows if row["program"] == "hounsfield"), None)
    for row in rows:
        row["times_hounsfield"] = round(float(str(row["seconds"])) / own, 2) if own and row["images"] == images else ""
    record(
        "near_duplicates",
        f"Copies among {images:,} images, {SIDE} pixels a side: {COPIES:,} planted in three kinds.",
        rows,
        packages=("imagededup", "cleanvision", "torch"),
        notes=(
            "smaller, brighter, mirrored: share of the copies of this kind that were found; other_pairs: pairs that "
            "were not planted.",
            "imagededup: hashes with at most 10 bits of 64 apart (its default); CNN: the audit's network on images of "
            "128 pixels, cosine 0.9 (its default). cleanvision: its own settings.",
            f"{MEMORY}: without opening files; what is kept of each image, of noise, and a copy of every thousandth.",
        ),
    )


if __name__ == "__main__":
    sys.exit(main())
