"""A bundle as a MONAI bundle: a network as TorchScript, described as MONAI does, and what runs it.

    configs/metadata.json     what goes in, what comes out, versions
    configs/inference.json    from a folder of images to a file of probabilities, for MONAI's `run`
    configs/plan.toml         the bundle's plan, which the preprocessing follows
    models/model.ts           images (n, channels, *shape) float32 to calibrated probabilities (n, classes)
    docs/README.md            the same for people
    LICENSE                   to be filled in by whoever trained the model

Reference:
    MONAI Bundle Specification, https://docs.monai.io/en/stable/mb_specification.html.
"""

from __future__ import annotations

import importlib.metadata
import json
import shutil
from pathlib import Path
from typing import Any

from hounsfield import __version__
from hounsfield.atomic import atomic_folder
from hounsfield.bundle import Bundle
from hounsfield.errors import ExportError
from hounsfield.exporting.network import OUTPUT, description, require_place, whole_network
from hounsfield.exporting.torchscript import write_torchscript

FILES = frozenset(
    {
        "configs/metadata.json",
        "configs/inference.json",
        "configs/plan.toml",
        "models/model.ts",
        "docs/README.md",
        "LICENSE",
    }
)

OLDEST_MONAI = "1.5.0"
"""What is said to be needed where MONAI is not installed."""

_LICENSE = """\
Nothing has been said about the licence of this model. Its weights belong to whoever trained it, on whatever terms its
training data allow: state them here before you pass it on. The program that wrote this bundle, Hounsfield, is under the
Apache License 2.0, which says nothing about models made with it.
"""


def export_monai(bundle: Bundle, folder: Path) -> None:
    """Write the MONAI bundle, whole or not at all.

    Raises:
        ExportError: The network looks at more than one image, or cannot be written as TorchScript.
        StorageError: Something else is at `folder`, or the disk refused.
    """
    _require_one_image(bundle)
    require_place(folder, FILES)
    spec = bundle.plan.input
    network = whole_network(bundle)
    metadata = json.dumps(_metadata(bundle), indent=2, ensure_ascii=False) + "\n"
    with atomic_folder(folder) as temporary:
        for name in ("configs", "models", "docs"):
            (temporary / name).mkdir()
        write_torchscript(
            network,
            temporary / "models" / "model.ts",
            input_shape=(spec.channels, *spec.shape),
            extra={"metadata.json": metadata},
        )
        shutil.copyfile(bundle.folder / "plan.toml", temporary / "configs" / "plan.toml")
        texts = {
            "configs/metadata.json": metadata,
            "configs/inference.json": json.dumps(_INFERENCE, indent=2) + "\n",
            "docs/README.md": _readme(bundle),
            "LICENSE": _LICENSE,
        }
        for name, text in texts.items():
            (temporary / name).write_text(text, encoding="utf-8")


def _require_one_image(bundle: Bundle) -> None:
    spec = bundle.plan.input
    more = [f"the views {', '.join(spec.views)}"] if spec.views else []
    more += [f"the columns {', '.join(column.name for column in spec.columns)} of a table"] if spec.columns else []
    if more:
        raise ExportError(
            f"{bundle.identity.name} looks at {' and '.join(more)}, and a MONAI bundle prepares one image a case and "
            "nothing beside it; write it with --format onnx, whose model.json says how an input is put together"
        )


_INFERENCE: dict[str, Any] = {
    "imports": ["$import functools", "$import glob", "$import json", "$import pathlib", "$import torch"],
    "bundle_root": ".",
    "dataset_dir": "$@bundle_root + '/images'",
    "output_file": "$@bundle_root + '/probabilities.json'",
    "device": "$torch.device('cpu')",
    "datalist": "$sorted(glob.glob(@dataset_dir + '/*'))",
    "network_def": {
        "_target_": "torch.jit.load",
        "f": "$@bundle_root + '/models/model.ts'",
        "map_location": "@device",
    },
    "preprocessing": {
        "_target_": "Compose",
        "transforms": [
            {
                "_target_": "hounsfield.exporting.network_input.NetworkInput",
                "plan": "$@bundle_root + '/configs/plan.toml'",
            }
        ],
    },
    "dataset": {"_target_": "Dataset", "data": "@datalist", "transform": "@preprocessing"},
    "dataloader": {
        "_target_": "DataLoader",
        "dataset": "@dataset",
        "batch_size": 8,
        "shuffle": False,
        "num_workers": 0,
    },
    "inferer": {"_target_": "SimpleInferer"},
    OUTPUT: "$torch.cat(list(map(functools.partial(@inferer, network=@network_def.eval()), @dataloader)))",
    "run": [
        f"$pathlib.Path(@output_file).write_text(json.dumps(dict(zip(@datalist, @{OUTPUT}.tolist())), indent=1))",
    ],
}
"""From the files in `dataset_dir` to a JSON object in `output_file`: each file's probabilities, in the order of the
classes. Hounsfield does the preprocessing."""


def _metadata(bundle: Bundle) -> dict[str, Any]:
    plan = bundle.plan
    colours = ("red", "green", "blue") if plan.input.channels == 3 else ("grey",)
    image = {
        "type": "image",
        "format": "magnitude",
        "modality": "n/a",
        "num_channels": plan.input.channels,
        "spatial_shape": list(plan.input.shape),
        "dtype": "float32",
        "value_range": [],
        "is_patch_data": bundle.training.input_sides is not None,
        "channel_def": {str(place): name for place, name in enumerate(colours)},
    }
    probabilities = {
        "type": "probabilities",
        "format": "classes",
        "modality": "n/a",
        "num_channels": len(plan.classes),
        "spatial_shape": [],
        "dtype": "float32",
        "value_range": [0, 1],
        "is_patch_data": False,
        "channel_def": {str(place): name for place, name in enumerate(plan.classes)},
    }
    return {
        "version": "1.0.0",
        "changelog": {"1.0.0": f"exported by Hounsfield {__version__}"},
        "monai_version": _version("monai", OLDEST_MONAI),
        "pytorch_version": _version("torch", ""),
        "numpy_version": _version("numpy", ""),
        "required_packages_version": {"hounsfield": __version__},
        "task": f"{plan.task}: {', '.join(plan.classes)}",
        "description": f"{_sentence(bundle)} Research software, not a medical device.",
        "authors": "not stated",
        "copyright": "not stated",
        "data_source": plan.dataset,
        "intended_use": "research; not for diagnosis",
        "network_data_format": {"inputs": {"image": image}, "outputs": {"pred": probabilities}},
        "hounsfield": description(bundle),
    }


def _version(package: str, otherwise: str) -> str:
    try:
        return importlib.metadata.version(package).split("+")[0]
    except importlib.metadata.PackageNotFoundError:
        return otherwise


def _sentence(bundle: Bundle) -> str:
    count = bundle.training.members
    networks = "one network" if count == 1 else f"{count} networks that answer together"
    return f"{bundle.identity.name}: {networks}, trained on {bundle.training.cases} cases of {bundle.plan.dataset}."


def _readme(bundle: Bundle) -> str:
    plan, card = bundle.plan, bundle.folder / "card.md"
    shown = (
        "The network was trained on squares cut around known lesions, and takes such squares. The steps "
        "`hounsfield.film_steps` of `metadata.json` are done to the whole image before the cut; the others to the "
        "square. `configs/inference.json` does only the latter: give it squares.\n\n"
        if bundle.training.input_sides is not None
        else ""
    )
    text = f"""\
# {bundle.identity.name}

{_sentence(bundle)} Exported by Hounsfield {__version__}; SHA-256 of the model: `{bundle.identity.sha256}`.

`models/model.ts` takes images (n, {plan.input.channels}, {", ".join(map(str, plan.input.shape))}) in float32 that were
prepared as `configs/plan.toml` says, and answers calibrated probabilities of {", ".join(plan.classes)}. The ensemble
and its mirrored copies are inside. Threshold of the second class: {bundle.operating.threshold:.6g}
({bundle.operating.threshold_from}).

{shown}With MONAI and Hounsfield installed, and images in the folder `images` of the bundle,

```
python -m monai.bundle run --bundle_root . --meta_file configs/metadata.json --config_file configs/inference.json
```

writes `probabilities.json`. Research software: not a medical device.
"""
    return f"{text}\n{card.read_text(encoding='utf-8')}" if card.is_file() else text
