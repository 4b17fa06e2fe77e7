"""A network with 8-bit weights and activations, by post-training quantisation.

Reference:
    Jacob et al., "Quantization and training of neural networks for efficient integer-arithmetic-only inference" (2017),
    arXiv:1712.05877; Kozlov et al., "Neural network compression framework for fast model inference" (2020),
    arXiv:2002.08679.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import logging
import os
import warnings
from collections.abc import Iterator
from typing import Any

from hounsfield.arrays import FloatArray
from hounsfield.errors import MissingExtraError

CALIBRATION_IMAGES = 300
"""At most as many images are looked at to find the range of each activation."""

_NO_TELEMETRY = "NNCF_CI"
"""Environment variable: with it NNCF sends nothing to its makers."""


def require_nncf() -> None:
    """Accept a machine that has NNCF.

    Raises:
        MissingExtraError: It is not installed.
    """
    if importlib.util.find_spec("nncf") is None:
        raise MissingExtraError("int8 needs NNCF, which is not installed: pip install 'hounsfield[fast,int8]'")


def quantised(network: Any, examples: FloatArray) -> Any:
    """The same network in 8 bits, as OpenVINO's model.

    Args:
        network: As `read_network` gives it.
        examples: Images, (n, channels, *shape), as the network is going to be shown; the first `CALIBRATION_IMAGES`.

    Raises:
        MissingExtraError: NNCF is not installed.
    """
    require_nncf()
    images = [examples[place : place + 1] for place in range(min(len(examples), CALIBRATION_IMAGES))]
    with _quietly():
        import nncf

        return nncf.quantize(network, nncf.Dataset(images), subset_size=len(images))


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Keep NNCF from drawing its bars on stdout, and from sending anything anywhere."""
    before, disabled = os.environ.get(_NO_TELEMETRY), logging.root.manager.disable
    os.environ[_NO_TELEMETRY] = "1"
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
        if before is None:
            del os.environ[_NO_TELEMETRY]
        else:
            os.environ[_NO_TELEMETRY] = before
