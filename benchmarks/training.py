"""How many images a second does training the five-layer network work through, beside Keras and a plain PyTorch loop?

All train the same network on the same JPEG files, end to end: decoding, augmentation (rotation, zoom, mirror, gain) and
the optimiser's steps. Each runs in a process of its own with two threads, one after the other, several rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from record import record

from hounsfield.plan import inspect_machine

THREADS = 2
IMAGES = 1024
CANVAS = 180
SIDE = 128
BATCH = 32
EPOCHS = 4
WIDTHS = (16, 32, 64, 128, 128)
ROUNDS = 3
READERS = ("hounsfield", "keras float32", "keras bfloat16", "pytorch plain")
AIM_KERAS = 1.0
AIM_PLAIN = 2.5


def write_images(folder: Path) -> None:
    """1,024 grey JPEG files of smooth noise in two class folders."""
    import cv2

    rng = np.random.default_rng(0)
    for index in range(IMAGES):
        label = index % 2
        target = folder / ("benign", "malignant")[label] / f"{index:04d}.jpg"
        target.parent.mkdir(exist_ok=True)
        noise = cv2.GaussianBlur(rng.random((CANVAS, CANVAS), np.float32), (0, 0), 3 + 2 * label)
        scaled = cv2.normalize(noise, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
        cv2.imwrite(str(target), scaled, [cv2.IMWRITE_JPEG_QUALITY, 90])


def run_hounsfield(folder: Path) -> None:
    """Our own loop: prepared once, augmented in batches."""
    import tempfile as scratch

    import torch

    from hounsfield.datasets import open_dataset
    from hounsfield.learning.classes import ClassLesson
    from hounsfield.learning.inputs import prepare_inputs
    from hounsfield.learning.supervised import setup, train_epoch
    from hounsfield.plan import Augmentation, ConvNetChoice, Input, Optimisation, Plan
    from hounsfield.plan.task import task_of

    torch.set_num_threads(THREADS)
    dataset = open_dataset(folder)
    plan = Plan(
        dataset=dataset.name,
        classes=dataset.classes,
        input=Input(shape=(SIDE, SIDE), margin=CANVAS / SIDE, steps=({"step": "float", "scale": "type"},)),
        network=ConvNetChoice(widths=WIDTHS, dropout=0.0),
        augmentation=Augmentation(rotation_degrees=180, zoom=0.2, flip_axes=(0, 1), gain=0.2),
        optimisation=Optimisation(epochs=EPOCHS, batch_size=BATCH, threads=THREADS),
    )
    task = task_of(plan)
    run = setup(plan, member=0)
    with scratch.TemporaryDirectory() as work:
        inputs = None

        def epoch(number: int) -> None:
            nonlocal inputs
            if inputs is None:
                inputs = prepare_inputs(dataset, dataset.cases, plan.input, Path(work), threads=THREADS)
            rows = np.arange(len(inputs.cases))
            train_epoch(run, plan, ClassLesson(task, inputs), rows, member=0, epoch=number)

        report(epoch)


def run_pytorch(folder: Path) -> None:
    """The loop of a tutorial: a Dataset that opens files with Pillow, torchvision's transforms, float32."""
    import torch
    from PIL import Image
    from torch import nn
    from torch.utils.data import DataLoader, Dataset
    from torchvision import transforms

    torch.set_num_threads(THREADS)
    change = transforms.Compose(
        [
            transforms.RandomAffine(180, scale=(0.8, 1.2)),
            transforms.RandomHorizontalFlip(),
            transforms.RandomVerticalFlip(),
            transforms.ColorJitter(brightness=0.2),
            transforms.CenterCrop(SIDE),
            transforms.ToTensor(),
        ]
    )

    class Files(Dataset):  # type: ignore[type-arg]
        def __init__(self) -> None:
            self.paths = sorted(folder.glob("*/*.jpg"))

        def __len__(self) -> int:
            return len(self.paths)

        def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
            path = self.paths[index]
            return change(Image.open(path).convert("L")), int(path.parent.name == "malignant")

    network = nn.Sequential()
    before = 1
    for width in WIDTHS:
        network += nn.Sequential(
            nn.Conv2d(before, width, 3, padding=1, bias=False), nn.MaxPool2d(2), nn.BatchNorm2d(width), nn.ReLU()
        )
        before = width
    network += nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, 2))
    optimizer = torch.optim.AdamW(network.parameters(), 1e-3)
    loader = DataLoader(Files(), batch_size=BATCH, shuffle=True, drop_last=True)

    def epoch(number: int) -> None:
        network.train()
        for images, targets in loader:
            loss = nn.functional.cross_entropy(network(images), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    report(epoch)


def run_keras(folder: Path, *, precision: str) -> None:
    """Keras on TensorFlow: tf.data decodes in parallel and keeps what it decoded, augmentation layers in the graph."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import keras
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(THREADS)
    tf.config.threading.set_inter_op_parallelism_threads(THREADS)
    keras.mixed_precision.set_global_policy(precision)
    paths = sorted(str(path) for path in folder.glob("*/*.jpg"))
    labels = [int("malignant" in path) for path in paths]
    augment = keras.Sequential(
        [
            keras.layers.RandomRotation(0.5),
            keras.layers.RandomZoom(0.2),
            keras.layers.RandomFlip("horizontal_and_vertical"),
            keras.layers.RandomBrightness(0.2, value_range=(0, 1)),
            keras.layers.CenterCrop(SIDE, SIDE),
        ]
    )

    def decode(path: object, label: object) -> tuple[object, object]:
        image = tf.io.decode_jpeg(tf.io.read_file(path), channels=1)
        return tf.cast(image, tf.float32) / 255.0, label

    data = tf.data.Dataset.from_tensor_slices((paths, labels))
    data = data.map(decode, num_parallel_calls=tf.data.AUTOTUNE).cache().shuffle(IMAGES)
    data = data.batch(BATCH, drop_remainder=True)
    data = data.map(lambda x, y: (augment(x, training=True), y), num_parallel_calls=tf.data.AUTOTUNE)
    data = data.prefetch(tf.data.AUTOTUNE)
    layers: list[object] = [keras.Input((SIDE, SIDE, 1))]
    for width in WIDTHS:
        layers += [
            keras.layers.Conv2D(width, 3, padding="same", use_bias=False),
            keras.layers.MaxPooling2D(2),
            keras.layers.BatchNormalization(),
            keras.layers.ReLU(),
        ]
    layers += [keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2, dtype="float32")]
    network = keras.Sequential(layers)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    network.compile(optimizer=keras.optimizers.AdamW(1e-3), loss=loss, jit_compile=False)
    report(lambda number: network.fit(data, epochs=1, verbose=0))


def report(epoch: object) -> None:
    """Time each epoch and print the times as JSON; the first holds decoding, tracing and the choice of kernels."""
    seconds = []
    for number in range(EPOCHS):
        start, cpu = time.perf_counter(), time.process_time()
        epoch(number)  # type: ignore[operator]
        seconds.append((time.perf_counter() - start, time.process_time() - cpu))
    print("RESULT " + json.dumps(seconds))


def run_one(reader: str, folder: Path) -> None:
    """What a child process does."""
    if reader == "hounsfield":
        run_hounsfield(folder)
    elif reader == "pytorch plain":
        run_pytorch(folder)
    else:
        precision = "mixed_bfloat16" if "bfloat16" in reader else "float32"
        run_keras(folder, precision=precision)


def main() -> int:
    """Run all readers in turn, record the fastest epoch and the whole of each; 1 when an aim was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--one", nargs=2, metavar=("READER", "FOLDER"), help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    arguments = parser.parse_args()
    if arguments.one:
        run_one(arguments.one[0], Path(arguments.one[1]))
        return 0
    best: dict[str, tuple[float, float, float]] = {}
    missing: list[str] = []
    native = inspect_machine().bf16
    readers = [reader for reader in READERS if native or "bfloat16" not in reader]
    with tempfile.TemporaryDirectory() as folder:
        write_images(Path(folder))
        for _ in range(arguments.rounds):
            for reader in readers:
                found = measure(reader, folder)
                if found is None:
                    missing.append(reader)
                    continue
                steady = max(IMAGES / wall for wall, _ in found[1:])
                whole = IMAGES * EPOCHS / sum(wall for wall, _ in found)
                cpu = min(cpu for _, cpu in found[1:]) / IMAGES * 1000
                earlier = best.get(reader, (0.0, 0.0, float("inf")))
                best[reader] = (max(steady, earlier[0]), max(whole, earlier[1]), min(cpu, earlier[2]))
    ours = best["hounsfield"]
    rows = [
        {
            "what": reader,
            "images_per_s_later_epochs": round(steady),
            "images_per_s_whole_run": round(whole),
            "cpu_ms_per_image": round(cpu, 2),
            "hounsfield_is_faster_by": round(ours[0] / steady, 2),
        }
        for reader, (steady, whole, cpu) in sorted(best.items(), key=lambda item: -item[1][0])
    ]
    record(
        "training",
        f"Training images a second of the five-layer network, {SIDE} × {SIDE} × 1, batch {BATCH}, {THREADS} threads, "
        f"decoding and augmentation included; {IMAGES} JPEG files, {EPOCHS} epochs.",
        rows,
        packages=("torch", "torchvision", "keras", "tensorflow-cpu", "lightning-fabric"),
        notes=(
            f"The best of {arguments.rounds} rounds in which all take turns, each in a process of its own.",
            "Later epochs: the fastest after the first. Whole run: all, with decoding, tracing, choosing kernels.",
            "Keras caches decoded images and augments in tf.data; the plain loop opens its files in each epoch.",
            *(() if native else ("No native bfloat16 here: Keras' mixed mode is left out.",)),
            "Keras runs without XLA (jit_compile=False).",
            *(f"{reader} could not be run" for reader in sorted(set(missing))),
        ),
    )
    keras = max((best[reader][0] for reader in best if reader.startswith("keras")), default=0.0)
    plain = best.get("pytorch plain", (0.0,))[0]
    return int(ours[0] < AIM_KERAS * keras or ours[0] < AIM_PLAIN * plain)


def measure(reader: str, folder: str) -> list[tuple[float, float]] | None:
    """(wall, CPU) seconds of each epoch; None when a package is missing."""
    command = [sys.executable, __file__, "--one", reader, folder]
    environment = os.environ | {"OMP_NUM_THREADS": str(THREADS)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    for line in done.stdout.splitlines():
        if line.startswith("RESULT "):
            return [(wall, cpu) for wall, cpu in json.loads(line.removeprefix("RESULT "))]
    print(f"{reader}: {done.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
    return None


if __name__ == "__main__":
    sys.exit(main())
