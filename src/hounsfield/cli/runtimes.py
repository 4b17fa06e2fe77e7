"""The option `--runtime` of the verbs that read."""

from __future__ import annotations

import argparse

RUNTIMES = ("auto", "torch", "onnxruntime", "openvino", "openvino-int8")
"""As in `reading.runtime`, which takes too long to import for a line of help; a test compares them."""


def add_runtime(parser: argparse.ArgumentParser) -> None:
    """Declare the option."""
    parser.add_argument(
        "--runtime", choices=RUNTIMES, default="auto",
        help="what the networks are computed with; auto: OpenVINO for many images where it is installed and agrees "
        "with torch, else ONNX Runtime, else torch; openvino-int8: fastest, at a cost that evaluate shows "
        "(default: auto)",
    )  # fmt: skip


def runtime_words(arguments: argparse.Namespace) -> list[str]:
    """What says the same again; nothing for the default."""
    return [] if arguments.runtime == "auto" else ["--runtime", arguments.runtime]
