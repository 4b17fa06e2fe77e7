"""How many images a second does fine-tuning a pretrained EfficientNet work through, beside timm's recipe and Keras?

All learn from the same grey JPEG files, end to end: decoding, augmentation and the optimiser's steps. Each runs in a
process of its own with two threads, one after the other, several rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from record import record

from hounsfield.plan import inspect_machine
from hounsfield.plan.families import DEFAULT_BACKBONE

THREADS = 2
IMAGES = 384
CANVAS = 256
SIDE = 224
BATCH = 16
EPOCHS = 3
ROUNDS = 3
BACKBONE = DEFAULT_BACKBONE
TRIAL_IMAGES = 4 * BATCH
VARIANTS: dict[str, tuple[str, ...]] = {
    "hounsfield": ("",),
    "hounsfield, all stages": ("",),
    "timm": ("num_workers=0", "num_workers=2"),
    "keras float32": ("jit_compile=False", "jit_compile=True"),
    "keras bfloat16": ("jit_compile=False", "jit_compile=True"),
}
"""What is compared, and the ways to run it, of which the one that is fastest in a short trial is taken."""
AIM_TIMM = 2.0
AIM_KERAS = 1.0

TRIAL_SECONDS = 600
"""A variant whose trial takes longer, such as compiling a large network, is passed over."""


def write_images(folder: Path, images: int) -> None:
    """Grey JPEG files of smooth noise in two class folders."""
    import cv2

    rng = np.random.default_rng(0)
    for index in range(images):
        label = index % 2
        target = folder / ("benign", "malignant")[label] / f"{index:04d}.jpg"
        target.parent.mkdir(exist_ok=True, parents=True)
        noise = cv2.GaussianBlur(rng.random((CANVAS, CANVAS), np.float32), (0, 0), 3 + 2 * label)
        scaled = cv2.normalize(noise, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
        cv2.imwrite(str(target), scaled, [cv2.IMWRITE_JPEG_QUALITY, 90])


def run_hounsfield(folder: Path, *, all_stages: bool) -> None:
    """Our own loop, with what `--network` plans for the backbone."""
    import torch

    from hounsfield.datasets import open_dataset
    from hounsfield.learning.classes import ClassLesson
    from hounsfield.learning.inputs import Inputs, prepare_inputs
    from hounsfield.learning.supervised import setup, train_epoch
    from hounsfield.learning.throughput import images_per_second
    from hounsfield.plan import Augmentation, Input, Optimisation, Plan
    from hounsfield.plan.families import fine_tuned
    from hounsfield.plan.task import task_of

    torch.set_num_threads(THREADS)
    dataset = open_dataset(folder)
    family = fine_tuned(BACKBONE)
    chosen = {**family.optimisation, "batch_size": BATCH, "epochs": EPOCHS, "threads": THREADS}
    if all_stages:
        chosen["frozen_stages"] = 0

    def plan_with(precision: str) -> Plan:
        return Plan(
            dataset=dataset.name,
            classes=dataset.classes,
            input=Input(shape=(SIDE, SIDE), margin=CANVAS / SIDE, steps=({"step": "float", "scale": "type"},)),
            network=family.network((SIDE, SIDE)),
            augmentation=Augmentation(rotation_degrees=180, zoom=0.2, flip_axes=(0, 1), gain=0.2),
            optimisation=Optimisation(**chosen, precision=precision),
        )

    precisions = ("32-true", "bf16-mixed") if inspect_machine().bf16 else ("32-true",)
    plan = max(map(plan_with, precisions), key=images_per_second)
    task = task_of(plan)
    run = setup(plan, member=0)
    with tempfile.TemporaryDirectory() as work:
        prepared: list[Inputs] = []

        def epoch(number: int) -> None:
            if not prepared:
                prepared.append(prepare_inputs(dataset, dataset.cases, plan.input, Path(work), threads=THREADS))
            rows = np.arange(len(prepared[0].cases))
            train_epoch(run, plan, ClassLesson(task, prepared[0]), rows, member=0, epoch=number)

        report(epoch, plan.optimisation.precision)


def run_timm(folder: Path, *, workers: int) -> None:
    """timm's own recipe on a CPU: its loader with its training transforms, its AdamW, float32, batch norm and all."""
    import timm
    import torch
    from timm.data import create_dataset, create_loader, resolve_data_config
    from timm.optim import create_optimizer_v2

    from hounsfield.networks.imagenet import put_imagenet
    from hounsfield.networks.pretrained import Pretrained

    torch.set_num_threads(THREADS)
    weights = Pretrained(dims=2, channels=3, outputs=2, backbone=BACKBONE, folded=False)
    put_imagenet(weights, BACKBONE, folded=False)
    network = timm.create_model(BACKBONE, num_classes=2)
    left = network.load_state_dict(weights.backbone.state_dict(), strict=False)
    assert set(left.missing_keys) == {"classifier.weight", "classifier.bias"} and not left.unexpected_keys
    config = resolve_data_config({"input_size": (3, SIDE, SIDE)}, model=network)
    loader = create_loader(
        create_dataset("", root=str(folder)),
        input_size=config["input_size"],
        batch_size=BATCH,
        is_training=True,
        hflip=0.5,
        color_jitter=0.4,
        interpolation="random",
        mean=config["mean"],
        std=config["std"],
        num_workers=workers,
        persistent_workers=workers > 0,
        use_prefetcher=False,
        device=torch.device("cpu"),
    )
    optimizer = create_optimizer_v2(network, opt="adamw", lr=5e-4, weight_decay=0.05)
    loss_of = torch.nn.CrossEntropyLoss()

    def epoch(number: int) -> None:
        network.train()
        for images, targets in loader:
            loss = loss_of(network(images), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    report(epoch, f"num_workers={workers}")


def run_keras(folder: Path, *, precision: str, compiled: bool) -> None:
    """Keras on TensorFlow: tf.data decodes in parallel and keeps what it decoded, augmentation layers in the graph."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import keras
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(THREADS)
    tf.config.threading.set_inter_op_parallelism_threads(THREADS)
    paths = sorted(str(path) for path in folder.glob("*/*.jpg"))
    labels = [int("malignant" in path) for path in paths]
    augment = keras.Sequential(
        [
            keras.layers.RandomRotation(0.5),
            keras.layers.RandomZoom(0.2),
            keras.layers.RandomFlip("horizontal_and_vertical"),
            keras.layers.RandomBrightness(0.2, value_range=(0, 255)),
            keras.layers.CenterCrop(SIDE, SIDE),
        ]
    )
    keras.mixed_precision.set_global_policy(precision)

    def decode(path: object, label: object) -> tuple[object, object]:
        return tf.cast(tf.io.decode_jpeg(tf.io.read_file(path), channels=1), tf.float32), label

    def change(images: object, targets: object) -> tuple[object, object]:
        return tf.image.grayscale_to_rgb(augment(images, training=True)), targets

    data = tf.data.Dataset.from_tensor_slices((paths, labels))
    data = data.map(decode, num_parallel_calls=tf.data.AUTOTUNE).cache().shuffle(len(paths))
    data = data.batch(BATCH, drop_remainder=True)
    data = data.map(change, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)
    shape = (SIDE, SIDE, 3)
    backbone = keras.applications.EfficientNetB0(include_top=False, weights=None, input_shape=shape, pooling="avg")
    answer = keras.layers.Dense(2, dtype="float32")(keras.layers.Dropout(0.3)(backbone.output))
    network = keras.Model(backbone.input, answer)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    network.compile(optimizer=keras.optimizers.AdamW(5e-4), loss=loss, jit_compile=compiled)
    report(lambda number: network.fit(data, epochs=1, verbose=0), f"jit_compile={compiled}")


def report(epoch: Callable[[int], object], how: str) -> None:
    """Time each epoch and print times and mode as JSON; the first holds decoding, tracing and the choice of kernels."""
    seconds = []
    for number in range(EPOCHS):
        start = time.perf_counter()
        epoch(number)
        seconds.append(time.perf_counter() - start)
    print("RESULT " + json.dumps({"how": how, "seconds": seconds}))


def run_one(reader: str, variant: str, folder: Path) -> None:
    """What a child process does."""
    if reader.startswith("hounsfield"):
        run_hounsfield(folder, all_stages="all stages" in reader)
    elif reader == "timm":
        run_timm(folder, workers=int(variant.removeprefix("num_workers=")))
    else:
        precision = "mixed_bfloat16" if "bfloat16" in reader else "float32"
        run_keras(folder, precision=precision, compiled=variant == "jit_compile=True")


def measure(reader: str, variant: str, folder: Path, *, limit: float | None = None) -> tuple[str, list[float]] | None:
    """The mode it ran in, and the seconds of each epoch; None when it could not run, or not within `limit` seconds."""
    command = [sys.executable, __file__, "--one", reader, variant, str(folder)]
    environment = os.environ | {"OMP_NUM_THREADS": str(THREADS)}
    try:
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=limit)
    except subprocess.TimeoutExpired:
        return None
    for line in done.stdout.splitlines():
        if line.startswith("RESULT "):
            found = json.loads(line.removeprefix("RESULT "))
            return found["how"], found["seconds"]
    print(f"{reader} {variant}: {done.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
    return None


def fastest_variants(readers: list[str], folder: Path) -> tuple[dict[str, str], list[str]]:
    """For each reader that can be run its fastest variant on a few images, and a sentence where there was a choice."""
    chosen, notes = {}, []
    for reader in readers:
        speeds: dict[str, float] = {}
        if len(VARIANTS[reader]) == 1:
            chosen[reader] = VARIANTS[reader][0]
            continue
        for variant in VARIANTS[reader]:
            if (found := measure(reader, variant, folder, limit=TRIAL_SECONDS)) is not None:
                speeds[variant] = TRIAL_IMAGES / min(found[1][1:])
        if speeds:
            chosen[reader] = max(speeds, key=lambda variant: speeds[variant])
            tried = ", ".join(
                f"{speeds[variant]:.1f} with {variant}"
                if variant in speeds
                else f"not within {TRIAL_SECONDS} s with {variant}"
                for variant in VARIANTS[reader]
            )
            notes.append(f"{reader} runs with {chosen[reader]}; images a second in a trial: {tried}.")
    return chosen, notes


def main() -> int:
    """Run all in turn, record the fastest epoch and the whole of each; 1 when an aim was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--one", nargs=3, metavar=("READER", "VARIANT", "FOLDER"), help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--images", type=int, default=IMAGES, help=f"a multiple of {BATCH}")
    arguments = parser.parse_args()
    if arguments.one:
        reader, variant, folder = arguments.one
        run_one(reader, variant, Path(folder))
        return 0
    native = inspect_machine().bf16
    readers = [reader for reader in VARIANTS if native or "bfloat16" not in reader]
    images = arguments.images
    best: dict[str, tuple[float, float]] = {}
    modes: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as work:
        write_images(Path(work) / "all", images)
        write_images(Path(work) / "few", TRIAL_IMAGES)
        chosen, notes = fastest_variants(readers, Path(work) / "few")
        for _ in range(arguments.rounds):
            for reader, variant in chosen.items():
                found = measure(reader, variant, Path(work) / "all")
                if found is None:
                    continue
                modes[reader], seconds = found
                steady, whole = best.get(reader, (0.0, 0.0))
                best[reader] = (max(steady, images / min(seconds[1:])), max(whole, images * EPOCHS / sum(seconds)))
    ours = best["hounsfield"][0]
    rows = [
        {
            "what": reader,
            "images_per_s_later_epochs": round(steady, 1),
            "images_per_s_whole_run": round(whole, 1),
            "hounsfield_is_faster_by": round(ours / steady, 2),
        }
        for reader, (steady, whole) in sorted(best.items(), key=lambda item: -item[1][0])
    ]
    missing = [reader for reader in readers if reader not in best]
    record(
        "finetuning",
        f"Fine-tuning {BACKBONE}, images a second at {SIDE} × {SIDE}, batch {BATCH}, {THREADS} threads, decoding and "
        f"augmentation included; {images} grey JPEG files of {CANVAS} × {CANVAS}, {EPOCHS} epochs.",
        rows,
        packages=("torch", "torchvision", "timm", "keras", "tensorflow-cpu", "lightning-fabric"),
        notes=(
            f"The best of {arguments.rounds} rounds in which all take turns, each in a process of its own.",
            "Later epochs: the fastest after the first. Whole run: all, with decoding, tracing, choosing kernels.",
            "hounsfield: as its plan has it: batch normalisations folded, the first three stages frozen, gradients "
            "clipped, those of depthwise kernels in parts, channels last; images are decoded once and augmented in "
            "batches (rotation, zoom, mirror, gain). hounsfield, all stages: the same, and every stage learns.",
            f"The precision that is faster here, as a plan measures it: {modes['hounsfield']}; all stages: "
            f"{modes.get('hounsfield, all stages', 'not run')}.",
            "timm: float32, eager, all stages, batch normalisation; its loader opens the files in each epoch and "
            "augments one by one (random resized crop, mirror, colour jitter); its AdamW. The same ImageNet weights.",
            "keras: EfficientNetB0, for Keras has no lite0: beside the same convolutions it has squeeze-and-excitation "
            "and swish; all stages, from fresh weights, which cost the same time. It caches decoded images and "
            "augments in tf.data (rotation, zoom, mirror, brightness).",
            *notes,
            *(() if native else ("No native bfloat16 here: it is left out.",)),
            *(f"{reader} could not be run." for reader in missing),
        ),
    )
    timm = best.get("timm", (0.0,))[0]
    keras = max((best[reader][0] for reader in best if reader.startswith("keras")), default=0.0)
    return int(ours < AIM_TIMM * timm or ours <= AIM_KERAS * keras)


if __name__ == "__main__":
    sys.exit(main())
