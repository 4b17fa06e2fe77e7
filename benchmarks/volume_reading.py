"""What does reading a large CT take beside the network: seconds and memory, beside nnU-Net v2 and MONAI?

A CT of the phantom, 512 × 512 × 300 voxels of 0.8 × 0.8 × 1 mm, is labelled at 1.5 mm with 25 classes, in windows of
128³ that share half, no mirrored copies. Each of the three prepares the volume, looks at its windows, and brings the
answer back onto the CT's grid; from voxels in memory to labels in memory. In the place of the network stands one layer,
the same in all, whose time is taken off: what is left is what lies around a network. The network itself, nnU-Net's
default of 31 million parameters, is timed by the window. Each runs in a process of its own with two threads.

nnU-Net's requirements do not go together with the others of these benchmarks: `--python` is an interpreter of an
environment that has Hounsfield and nnunetv2.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from record import record

THREADS = 2
SHAPE = (300, 512, 512)
SPACING = (1.0, 0.8, 0.8)
NETWORK_MM = 1.5
WINDOW = 128
CLASSES = 25
LONG = 5
LONG_CLASSES = 60
"""A volume so many times as long, with more classes, whose memory is measured."""
FEATURES = (32, 64, 128, 256, 320, 320)
NETWORK_WINDOWS = 2
PLAIN, PLAIN_CUT = "plain", "plain, cut to the body"
READERS = ("hounsfield", PLAIN, PLAIN_CUT, "nnU-Net", "MONAI")
AIM_OUTSIDE_S, AIM_PEAK_MIB, AIM_EQUAL, AIM_LONG_MIB = 20.0, 2500.0, 0.9999, 4000.0


def write_volume(folder: Path, shape: tuple[int, int, int]) -> None:
    """A CT of the phantom, as an array."""
    from hounsfield.datasets.phantom3d import write_phantom3d
    from hounsfield.formats import read

    write_phantom3d(folder / "phantom", patients=1, seed=1, spacing_mm=SPACING, size=shape)
    image = read(next((folder / "phantom" / "images").glob("*.nii.gz")))
    np.save(folder / "volume.npy", image.voxels[0])


class Layer:
    """One layer in place of a network: a mean over some voxels, and a class for each range of grey levels.

    Of the windowed grey level x the logits are -(x - centre)² · sharpness for each of the classes, of which the first
    is that of air.
    """

    def __init__(self, classes: int = CLASSES) -> None:
        import torch

        self.seconds = 0.0
        self.windows = 0
        centres = torch.linspace(0, 1, classes)
        self._gain = (2 * centres * 400).view(1, -1, 1, 1, 1)
        self._offset = (-(centres**2) * 400).view(1, -1, 1, 1, 1)

    def __call__(self, windows: Any) -> Any:
        import torch

        began = time.perf_counter()
        smooth = torch.nn.functional.avg_pool3d(windows.float(), 5, stride=1, padding=2, count_include_pad=False)
        logits = smooth * self._gain + self._offset
        self.seconds += time.perf_counter() - began
        self.windows += len(windows)
        return logits


def windowed(voxels: Any) -> Any:
    """Soft tissue of a CT from 0 to 1, as every reader here prepares it."""
    return np.clip((voxels.astype(np.float32) + 160) / 400, 0, 1)


def read_hounsfield(voxels: Any, layer: Layer, *, plain: bool = False, cut: bool = True, classes: int = CLASSES) -> Any:
    """Our way; `plain`: all logits kept and resampled at once; `cut`: to the body first."""
    import torch

    from hounsfield.image import Image
    from hounsfield.preprocessing import Pipeline
    from hounsfield.tasks.outline import outline
    from hounsfield.tasks.segmentation import Segmentation
    from hounsfield.tasks.windows import Windows

    affine = np.diag([*SPACING, 1.0])
    image = Image(voxels[None], affine, modality="CT", spacing_kind="patient")
    steps = [
        {"step": "window", "center": 40.0, "width": 400.0},
        *([{"step": "foreground"}] if cut else []),
        {"step": "spacing", "mm": [NETWORK_MM]},
    ]
    prepared = Pipeline.from_data(steps).apply(image)
    names = tuple(f"label {number}" for number in range(1, classes))
    task = Segmentation(names, tuple((number,) for number in range(1, classes)))
    onto = np.linalg.inv(prepared.affine) @ image.affine
    if plain:
        return plainly(prepared, layer, onto, voxels.shape)
    with torch.inference_mode():
        windows = Windows.of((WINDOW,) * 3, 0.5)
        return outline(layer, prepared.voxels, task, windows=windows, onto=onto, shape=voxels.shape)


def plainly(prepared: Any, layer: Layer, onto: Any, shape: tuple[int, int, int]) -> Any:
    """All logits of the prepared volume, resampled at once (here class by class), and the likeliest label."""
    import torch

    from hounsfield.tasks.windows import Windows, window_of

    windows = Windows.of((WINDOW,) * 3, 0.5)
    sides = prepared.voxels.shape[1:]
    logits, total = torch.zeros((CLASSES, *sides)), torch.zeros(sides)
    weights = windows.weights()
    places = [windows.starts(side, axis) for axis, side in enumerate(sides)]
    with torch.inference_mode():
        for start in ((d, h, w) for d in places[0] for h in places[1] for w in places[2]):
            said = layer(window_of(prepared.voxels, start, windows.shape)[None])[0]
            cut, own = [], []
            for begin, side in zip(start, sides, strict=True):
                cut.append(slice(max(begin, 0), min(begin + WINDOW, side)))
                own.append(slice(cut[-1].start - begin, cut[-1].stop - begin))
            logits[(slice(None), *cut)] += said[(slice(None), *own)] * weights[tuple(own)]
            total[tuple(cut)] += weights[tuple(own)]
        logits /= total
        axes = []
        inside = []
        for axis, (length, side) in enumerate(zip(shape, sides, strict=True)):
            place = torch.from_numpy(onto[axis, axis] * np.arange(length) + onto[axis, 3])
            inside.append(((place >= -0.5 - 1e-6) & (place <= side - 0.5 + 1e-6)).numpy())
            axes.append((2 * place.clamp(0, side - 1) + 1) / side - 1)
        best = torch.full(shape, -torch.inf)
        labels = torch.zeros(shape, dtype=torch.uint8)
        for start in range(0, shape[0], 50):  # all at once is the same and takes 8 GB of coordinates
            part = slice(start, start + 50)
            grid = torch.stack(torch.meshgrid(axes[0][part], axes[1], axes[2], indexing="ij")[::-1], dim=-1)[None]
            for number in range(CLASSES):
                own_logits = torch.nn.functional.grid_sample(
                    logits[None, number : number + 1], grid.float(), align_corners=False, padding_mode="border"
                )[0, 0]
                larger = own_logits > best[part]
                best[part][larger], labels[part][larger] = own_logits[larger], number
    found = labels.numpy()
    found[~(inside[0][:, None, None] & inside[1][:, None] & inside[2])] = 0
    return found


def read_nnunet(voxels: Any, layer: Layer) -> Any:
    """nnU-Net's predictor, with a plan as its planner writes it; its normalisation replaced by the same window."""
    import torch
    from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor
    from nnunetv2.utilities.plans_handling.plans_handler import PlansManager

    class Network(torch.nn.Module):
        def forward(self, images: Any) -> Any:
            return layer(images)

    predictor = nnUNetPredictor(
        tile_step_size=0.5, use_gaussian=True, use_mirroring=False, perform_everything_on_device=False,
        device=torch.device("cpu"), allow_tqdm=False,
    )  # fmt: skip
    labels = {"background": 0, **{f"label {number}": number for number in range(1, CLASSES)}}
    facts = {"channel_names": {"0": "rescale_to_0_1"}, "labels": labels, "file_ending": ".nii.gz", "numTraining": 1}
    plans = PlansManager(nnunet_plans())
    configuration = plans.get_configuration("3d_fullres")
    network = Network()
    predictor.manual_initialization(network, plans, configuration, [network.state_dict()], facts, "nnUNetTrainer", None)
    properties = {"spacing": list(SPACING)}
    return predictor.predict_single_npy_array(windowed(voxels)[None], properties, None, None, False)


def nnunet_plans() -> dict[str, Any]:
    """What nnU-Net's planner writes for such volumes, as far as reading needs it."""
    resampling = "resample_data_or_seg_to_shape"
    order = {"is_seg": False, "order": 3, "order_z": 0, "force_separate_z": None}
    return {
        "dataset_name": "Dataset001_CT",
        "plans_name": "nnUNetPlans",
        "image_reader_writer": "SimpleITKIO",
        "transpose_forward": [0, 1, 2],
        "transpose_backward": [0, 1, 2],
        "foreground_intensity_properties_per_channel": {
            "0": {"max": 1, "mean": 0.5, "median": 0.5, "min": 0, "percentile_00_5": 0, "percentile_99_5": 1, "std": 1}
        },
        "configurations": {
            "3d_fullres": {
                "data_identifier": "nnUNetPlans_3d_fullres",
                "preprocessor_name": "DefaultPreprocessor",
                "batch_size": 2,
                "patch_size": [WINDOW] * 3,
                "spacing": [NETWORK_MM] * 3,
                "normalization_schemes": ["NoNormalization"],
                "use_mask_for_norm": [False],
                "resampling_fn_data": resampling,
                "resampling_fn_data_kwargs": order,
                "resampling_fn_seg": resampling,
                "resampling_fn_seg_kwargs": {**order, "is_seg": True, "order": 1},
                "resampling_fn_probabilities": resampling,
                "resampling_fn_probabilities_kwargs": {**order, "order": 1},
                "architecture": {"network_class_name": "", "arch_kwargs": {}, "_kw_requires_import": []},
            }
        },
    }


def read_monai(voxels: Any, layer: Layer) -> Any:
    """MONAI's transforms and sliding windows; labels, not logits, go back to the CT's grid."""
    import torch
    from monai.data import MetaTensor
    from monai.inferers import SlidingWindowInferer
    from monai.transforms import Compose, CropForeground, Spacing

    affine = np.diag([*SPACING, 1.0])
    image = MetaTensor(torch.from_numpy(windowed(voxels))[None], affine=affine)
    crop = CropForeground(select_fn=lambda shown: shown > 0, allow_smaller=True)
    spacing = Spacing(pixdim=(NETWORK_MM,) * 3, mode="bilinear", padding_mode="border")
    prepared = Compose([crop, spacing])(image)
    infer = SlidingWindowInferer(roi_size=(WINDOW,) * 3, sw_batch_size=1, overlap=0.5, mode="gaussian")
    with torch.inference_mode():
        logits = infer(prepared[None].as_tensor(), layer)
    labels = MetaTensor(logits[0].argmax(dim=0, keepdim=True).float(), meta=prepared.meta)
    labels.applied_operations = prepared.applied_operations
    whole = crop.inverse(spacing.inverse(_as_nearest(labels)))
    return whole[0].numpy().astype(np.uint8)


def _as_nearest(labels: Any) -> Any:
    """The labels with the note that the way back takes the nearest voxel."""
    from monai.transforms.inverse import TraceKeys

    for done in labels.applied_operations:
        extra = done.get(TraceKeys.EXTRA_INFO, {})
        if "mode" in extra:
            extra["mode"] = "nearest"
    return labels


def run_reader(name: str, folder: Path) -> None:
    """Read the volume, write the labels, print seconds and peak memory as JSON."""
    import torch

    torch.set_num_threads(THREADS)
    voxels = np.load(folder / "volume.npy")
    if name == "long":
        voxels = np.tile(voxels, (LONG, 1, 1))
    layer = Layer(LONG_CLASSES if name == "long" else CLASSES)
    read = {
        "hounsfield": read_hounsfield,
        PLAIN: partial(read_hounsfield, plain=True, cut=False),
        PLAIN_CUT: partial(read_hounsfield, plain=True),
        "long": partial(read_hounsfield, classes=LONG_CLASSES),
        "nnU-Net": read_nnunet,
        "MONAI": read_monai,
    }[name]
    began, cpu = time.perf_counter(), time.process_time()
    labels = read(voxels, layer)
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    np.save(folder / f"{name}.npy", np.asarray(labels).astype(np.uint8, copy=False))
    found = {"outside_s": seconds - layer.seconds, "windows": layer.windows, "peak_mib": peak, "cpu_s": cpu}
    print("RESULT " + json.dumps(found), flush=True)


def run_network(how: str) -> None:
    """Time nnU-Net's default network by the window, as torch computes it or by OpenVINO."""
    import torch
    from dynamic_network_architectures.architectures.unet import PlainConvUNet
    from torch import nn

    torch.set_num_threads(THREADS)
    torch.manual_seed(0)
    stages = len(FEATURES)
    network = PlainConvUNet(
        input_channels=1, n_stages=stages, features_per_stage=list(FEATURES), conv_op=nn.Conv3d,
        kernel_sizes=[[3, 3, 3]] * stages, strides=[[1, 1, 1]] + [[2, 2, 2]] * (stages - 1),
        n_conv_per_stage=[2] * stages, num_classes=CLASSES, n_conv_per_stage_decoder=[2] * (stages - 1),
        conv_bias=True, norm_op=nn.InstanceNorm3d, norm_op_kwargs={"eps": 1e-5, "affine": True},
        nonlin=nn.LeakyReLU, nonlin_kwargs={"inplace": True}, deep_supervision=False,
    ).eval()  # fmt: skip
    images = torch.rand(1, 1, *(WINDOW,) * 3, generator=torch.Generator().manual_seed(0))
    parameters = sum(one.numel() for one in network.parameters())
    if how == "torch":
        compute: Any = network
    else:
        from hounsfield.networks.onnx import onnx_bytes
        from hounsfield.networks.voxelwise import Voxelwise
        from hounsfield.reading.runtimes.open_vino import OpenVino, read_network

        voxelwise = Voxelwise([network], shape=(WINDOW,) * 3).eval()
        runtime = OpenVino(
            [read_network(onnx_bytes(voxelwise, input_shape=(1, *(WINDOW,) * 3)))],
            precision="bf16" if how.endswith("bf16") else "f32",
            threads=THREADS,
        )

        def compute(windows: Any) -> Any:
            return voxelwise.logits(torch.from_numpy(runtime.logits(windows.numpy())))

    with torch.inference_mode():
        said = compute(images)
        began = time.perf_counter()
        for _ in range(NETWORK_WINDOWS):
            said = compute(images)
        seconds = (time.perf_counter() - began) / NETWORK_WINDOWS
        exact = network(images) if how != "torch" else said
    same = float((said.argmax(dim=1) == exact.argmax(dim=1)).float().mean())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print("RESULT " + json.dumps({"window_s": seconds, "same": same, "parameters": parameters, "peak_mib": peak}))


def measure(python: str, *words: str) -> dict[str, float] | None:
    """What a process of its own measured; None where it could not run."""
    environment = os.environ | {
        "OMP_NUM_THREADS": str(THREADS), "nnUNet_def_n_proc": str(THREADS),
        "nnUNet_raw": "/nowhere", "nnUNet_preprocessed": "/nowhere", "nnUNet_results": "/nowhere",
    }  # fmt: skip
    done = subprocess.run(
        [python, __file__, "--one", *words], capture_output=True, text=True, env=environment, check=False
    )
    for line in done.stdout.splitlines():
        if line.startswith("RESULT "):
            found: dict[str, float] = json.loads(line.removeprefix("RESULT "))
            return found
    print(f"{' '.join(words)}: {done.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
    return None


def main() -> int:
    """Read with all, time the network, record; 1 when an aim was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--one", nargs="+", help=argparse.SUPPRESS)
    parser.add_argument("--python", default=sys.executable, help="an interpreter that has nnunetv2 too")
    parser.add_argument("--slices", type=int, default=SHAPE[0])
    parser.add_argument("--side", type=int, default=SHAPE[1])
    arguments = parser.parse_args()
    if arguments.one:
        what, *more = arguments.one
        if what == "network":
            run_network(more[0])
        else:
            run_reader(what, Path(more[0]))
        return 0
    shape = (arguments.slices, arguments.side, arguments.side)
    with tempfile.TemporaryDirectory() as work:
        write_volume(Path(work), shape)
        found = {name: measure(arguments.python, name, work) for name in READERS}
        if found[PLAIN] is None or found[PLAIN_CUT] is None:
            raise RuntimeError("a plain way, which all are held against, could not be run; its message is above")
        plain, plain_cut = (np.load(Path(work) / f"{name}.npy") for name in (PLAIN, PLAIN_CUT))
        equal: dict[str, tuple[float, float]] = {}
        for name, one in found.items():
            if one:
                labels = np.load(Path(work) / f"{name}.npy")
                equal[name] = float((labels == plain_cut).mean()), float((labels == plain).mean())
        long = measure(arguments.python, "long", work)
    networks = {how: measure(arguments.python, "network", how) for how in ("torch", "openvino f32")}
    torch_s = (networks["torch"] or {"window_s": 0.0})["window_s"]
    fast_s = (networks["openvino f32"] or {"window_s": torch_s})["window_s"]
    rows = []
    for name, one in found.items():
        if one is None:
            continue
        window_s = fast_s if name == "hounsfield" else torch_s
        rows.append(
            {
                "what": name,
                "outside_the_network_s": round(one["outside_s"], 1),
                "peak_mib": round(one["peak_mib"]),
                "windows": int(one["windows"]),
                "s_a_window": round(window_s, 1),
                "network_s": round(one["windows"] * window_s),
                "whole_s": round(one["outside_s"] + one["windows"] * window_s),
                "voxels_as_plain_cut": round(equal[name][0], 6),
                "voxels_as_plain": round(equal[name][1], 6),
            }
        )
    if long is not None:
        rows.append(
            {
                "what": f"hounsfield, {LONG * shape[0]} slices, {LONG_CLASSES} classes",
                "outside_the_network_s": round(long["outside_s"], 1),
                "peak_mib": round(long["peak_mib"]),
                "windows": int(long["windows"]),
            }
        )
    same = networks["openvino f32"]
    record(
        "volume_reading",
        f"Reading a CT of {' × '.join(map(str, shape[::-1]))} voxels of 0.8 × 0.8 × 1 mm at {NETWORK_MM} mm with "
        f"{CLASSES} classes in windows of {WINDOW}³, {THREADS} threads.",
        rows,
        packages=("torch", "openvino", "monai", "nnunetv2"),
        notes=(
            "Outside the network: from voxels in memory to labels in memory, less the time of the layer in the "
            "network's place, which is the same in all. Peak: of the whole process, libraries and the CT included.",
            "plain: windows over the whole CT, all logits kept, resampled at once, then the likeliest label; also on "
            "what is cut to the body. hounsfield: cut to the body, then window by window, slab by slab. Where a CT is "
            "cut, its voxels at 1.5 mm lie elsewhere by a part of one, and the layer in the network's place, whose "
            "classes are narrow ranges of grey levels, tells some of them apart: like is held against like.",
            "nnU-Net: its predictor (crop to non-zero, resampling of the 25 logits); it is given the windowed CT, "
            "whose air is 0, and so cuts it to the body too, which it would not of levels as stored. MONAI: "
            "CropForeground, Spacing, SlidingWindowInferer, then labels, not logits, back to the CT's grid (nearest).",
            f"s a window: nnU-Net's default network, {int((networks['torch'] or {}).get('parameters', 0)):,} "
            "parameters, random weights, on one window; by OpenVINO f32 for hounsfield"
            + (f" ({same['same']:.3%} of the voxels get torch's label)" if same else "")
            + ", by torch float32 for the others. network s: that, times the windows.",
            f"The last row: the volume {LONG} times over, more classes, for its memory; the CT itself takes "
            f"{LONG * np.prod(shape) * 2 / 2**20:.0f} MiB of it.",
            "Other readers cut, resample and normalise in other ways, so their labels differ from plain ones.",
        ),
    )
    ours = found["hounsfield"]
    return int(
        ours is None
        or ours["outside_s"] > AIM_OUTSIDE_S
        or ours["peak_mib"] > AIM_PEAK_MIB
        or equal["hounsfield"][0] < AIM_EQUAL
        or long is None
        or long["peak_mib"] > AIM_LONG_MIB
    )


if __name__ == "__main__":
    sys.exit(main())
