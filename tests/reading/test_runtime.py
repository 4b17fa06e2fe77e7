"""Which runtime is chosen, that all of them answer as torch does, and what is said where one cannot be used."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from hounsfield.arrays import FloatArray
from hounsfield.bundle import Bundle, read_bundle
from hounsfield.errors import MissingExtraError
from hounsfield.plan.machine import inspect_machine
from hounsfield.plan.task import task_of
from hounsfield.reading import reader as reader_module
from hounsfield.reading import runtime as choosing
from hounsfield.reading.network_cache import place_of
from hounsfield.reading.reader import Reader
from hounsfield.reading.runtime import (
    BF16_EXAMPLES,
    BF16_TOLERANCE,
    WORTH_COMPILING,
    Ensemble,
    RuntimeName,
    choose_runtime,
)
from hounsfield.reading.runtimes import open_vino
from hounsfield.reading.runtimes.onnx_runtime import OnnxRuntime
from hounsfield.reading.runtimes.open_vino import OpenVino, read_network

MakeBundle = Callable[..., Bundle]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def films(film_bundle: Path) -> Bundle:
    """Two trained networks that average mirrored copies."""
    return read_bundle(film_bundle)


def images(bundle: Bundle, count: int = 4) -> FloatArray:
    """Random pictures with edges in them, of the network's input shape."""
    spec = bundle.plan.input
    rng = np.random.default_rng(0)
    pictures = rng.normal(size=(count, spec.channels, *spec.canvas)).astype(np.float32) / 4
    pictures[..., spec.canvas[-1] // 3 : spec.canvas[-1] // 2] += rng.normal(size=(count, 1, *([1] * len(spec.shape))))
    return pictures


def lacking(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """As on a machine without these packages."""
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name in names else find(name))


def ensemble_of(bundle: Bundle, networks: Sequence[nn.Module] = ()) -> Ensemble:
    """What a reader of the bundle computes; or other networks instead."""
    own = [network.to(memory_format=torch.channels_last) for network in bundle.networks()]
    spec = bundle.plan.input
    return Ensemble(
        networks or own,
        shape=(spec.shown_channels, *spec.shape),
        place=place_of(bundle.identity.sha256, spec.shape),
        flip_axes=bundle.plan.augmentation.flip_axes,
        channels_last=True,
    )


def differ_of(bundle: Bundle) -> choosing.Differ:
    """How a reader of the bundle compares two runtimes."""
    return choosing.by_probability(lambda logits: task_of(bundle.plan).decode(bundle.operating.apply(logits)))


def choose(bundle: Bundle, wanted: RuntimeName, *, count: int = 4, expected: int = WORTH_COMPILING) -> choosing.Choice:
    spec = bundle.plan.input
    assert spec.canvas == spec.shape
    return choose_runtime(
        wanted,
        ensemble_of(bundle),
        examples=images(bundle, count),
        images=expected,
        threads=1,
        differ=differ_of(bundle),
    )


@pytest.mark.parametrize("wanted", ["onnxruntime", "openvino"])
def test_a_runtime_gives_torchs_answers_to_any_number_of_images(films: Bundle, wanted: RuntimeName) -> None:
    assert films.training.members == 2 and films.plan.ensemble.flips and films.plan.augmentation.flip_axes
    fast, exact = Reader(films, runtime=wanted), Reader(films, runtime="torch")
    for count in (1, 3, 20):
        arrays = images(films, count)
        np.testing.assert_allclose(fast.probabilities(arrays), exact.probabilities(arrays), rtol=0, atol=1e-4)
    assert fast.runtime == {"onnxruntime": "ONNX Runtime f32", "openvino": "OpenVINO f32"}[wanted]


@pytest.mark.parametrize("wanted", ["onnxruntime", "openvino"])
def test_volumes_are_answered_too(make_bundle: MakeBundle, wanted: RuntimeName) -> None:
    steps = ({"step": "float", "scale": "type"}, {"step": "resize", "shape": [6, 10, 8]})
    bundle = make_bundle(shape=(6, 10, 8), steps=steps, flip_axes=(0, 2))
    arrays = images(bundle, 2)
    fast, exact = Reader(bundle, runtime=wanted), Reader(bundle, runtime="torch")
    np.testing.assert_allclose(fast.logits(arrays), exact.logits(arrays), rtol=0, atol=1e-5)


def test_one_network_is_written_and_the_others_weights_are_put_in_its_place(
    films: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[int] = []
    write = choosing.onnx_bytes
    monkeypatch.setattr(choosing, "onnx_bytes", lambda *given, **named: written.append(1) or write(*given, **named))
    ensemble = ensemble_of(films)
    monkeypatch.setattr(choosing, "with_weights_of", lambda *given: b"with other weights")
    first, second = ensemble.onnx()
    assert (len(written), second) == (1, b"with other weights")
    monkeypatch.setattr(choosing, "with_weights_of", lambda *given: None)  # as where weights were computed with
    for _ in range(2):
        assert ensemble.onnx()[0] == first != ensemble.onnx()[1]
        assert len(written) == 2
    assert {path.name for path in ensemble.place.iterdir()} == {"network-0.onnx", "network-1.onnx"}


@pytest.mark.parametrize("several", [True, False])
def test_images_keep_their_order_however_many_threads_share_them(
    films: Bundle, several: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    ensemble = replace(ensemble_of(films), several=several)
    networks = [read_network(content) for content in ensemble.onnx()]
    for pixels in (1, 80_000):
        monkeypatch.setattr(open_vino, "_PIXELS", pixels)
        runtime = OpenVino(networks, precision="f32", threads=2, flip_axes=ensemble.flip_axes, several=several)
        exact = Reader(films, runtime="torch")
        for count in (1, 2, 7, 33):
            arrays = images(films, count)
            expected = exact.logits(arrays)
            assert np.abs(np.diff(expected, axis=0)).max(axis=1).min(initial=1.0) > 1e-3  # neighbours are told apart
            np.testing.assert_allclose(runtime.logits(arrays), expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize(("expected", "several"), [(1, False), (2, True)])
def test_threads_share_one_image_and_take_their_own_of_several(
    films: Bundle, monkeypatch: pytest.MonkeyPatch, expected: int, several: bool
) -> None:
    shown: list[bool] = []

    def noted(wanted: RuntimeName, ensemble: Ensemble, **given: object) -> choosing.Choice:
        shown.append(ensemble.several)
        return choose_runtime("torch", ensemble, **given)  # type: ignore[arg-type]

    monkeypatch.setattr(reader_module, "choose_runtime", noted)
    Reader(films, runtime="openvino", images=expected).logits(images(films, 1))
    assert shown == [several]


def test_each_network_of_an_ensemble_answers_with_its_own_weights(films: Bundle) -> None:
    ensemble = ensemble_of(films)
    arrays = images(films)
    for number, (content, network) in enumerate(zip(ensemble.onnx(), ensemble.networks, strict=True)):
        with torch.no_grad():
            expected = network(torch.from_numpy(arrays)).numpy()
        found = OnnxRuntime([content], threads=1).logits(arrays)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4, err_msg=str(number))


def test_few_images_are_read_by_torch_and_many_by_openvino(films: Bundle) -> None:
    assert choose(films, "auto", expected=WORTH_COMPILING - 1).runtime.words == "torch"
    assert choose(films, "auto").runtime.words == "OpenVINO f32"
    assert choose(films, "openvino", expected=1).runtime.words == "OpenVINO f32"
    assert choose(films, "auto").notes == ()


def test_bfloat16_is_used_where_the_processor_has_it_and_enough_examples_agree(
    films: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = inspect_machine()
    if not machine.bf16:
        pytest.skip("this processor has no bfloat16")
    chosen = choose(films, "openvino", count=BF16_EXAMPLES).runtime
    assert chosen.words == "OpenVINO bf16"
    exact = Reader(films, runtime="torch")
    arrays = images(films, BF16_EXAMPLES)
    apart = np.abs(exact.calibrated(chosen.logits(arrays)) - exact.probabilities(arrays)).max()
    assert 0 < apart <= BF16_TOLERANCE
    monkeypatch.setattr(choosing, "BF16_TOLERANCE", 0.0)
    assert choose(films, "openvino", count=BF16_EXAMPLES).runtime.words == "OpenVINO f32"


def test_one_window_is_enough_for_bfloat16_where_it_has_as_many_answers_as_voxels(
    films: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []
    machine = replace(inspect_machine(), bf16=True)
    monkeypatch.setattr(choosing, "inspect_machine", lambda: machine)

    def compiled(networks: object, trial: choosing._Trial, precision: str) -> choosing.Runtime:
        tried.append(precision)
        return trial.exact

    monkeypatch.setattr(choosing, "_compiled", compiled)
    for enough in (BF16_EXAMPLES, 1):
        choose_runtime(
            "openvino",
            replace(ensemble_of(films), enough=enough),
            examples=images(films, 1),
            images=WORTH_COMPILING,
            threads=1,
            differ=differ_of(films),
        )
    assert tried == ["f32", "bf16"]


def test_a_runtime_that_disagrees_is_not_used_and_it_is_said(films: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choosing, "F32_TOLERANCE", -1.0)
    choice = choose(films, "openvino")
    assert choice.runtime.words == "torch"
    assert len(choice.notes) == 1
    assert choice.notes[0].startswith("OpenVINO f32 differs from torch by ")
    assert choice.notes[0].endswith(" in probability; torch reads instead")


def test_a_kept_network_that_is_another_models_is_found_out_and_forgotten(
    films: Bundle, make_bundle: MakeBundle
) -> None:
    other = make_bundle(shape=films.plan.input.shape)
    choose(other, "onnxruntime")
    shape = films.plan.input.shape
    place = place_of(films.identity.sha256, shape)
    place_of(other.identity.sha256, shape).rename(place)
    assert choose(films, "onnxruntime").runtime.words == "torch"
    assert not place.exists()
    assert choose(films, "onnxruntime").runtime.words == "ONNX Runtime f32"


def test_a_damaged_kept_network_is_told_of_and_forgotten(films: Bundle) -> None:
    place = place_of(films.identity.sha256, films.plan.input.shape)
    for wanted in ("openvino", "onnxruntime"):
        place.mkdir(parents=True)
        (place / "network-0.onnx").write_bytes(b"no network")
        choice = choose(films, wanted)  # type: ignore[arg-type]
        assert choice.runtime.words == "torch" and "refused this network" in choice.notes[0]
        assert not place.exists()


def test_where_openvino_is_missing_onnx_runtime_is_taken_and_where_both_are_torch(
    films: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    lacking(monkeypatch, "openvino")
    choice = choose(films, "auto")
    assert choice.runtime.words == "ONNX Runtime f32"
    (note,) = choice.notes
    assert note == "OpenVINO is not installed: pip install 'hounsfield[fast]'; ONNX Runtime f32 reads instead"
    lacking(monkeypatch, "openvino", "onnxruntime")
    choice = choose(films, "auto")
    assert choice.runtime.words == "torch"
    assert choice.notes[0].endswith("; torch reads instead")
    lacking(monkeypatch, "onnxscript")
    assert choose(films, "auto").runtime.words == "torch"


@pytest.mark.parametrize(
    ("wanted", "package", "extra"),
    [
        ("openvino", "openvino", "fast"),
        ("openvino", "onnxscript", "fast"),
        ("onnxruntime", "onnxruntime", "fast,onnxruntime"),
        ("openvino-int8", "nncf", "fast,int8"),
    ],
)
def test_what_is_asked_for_by_name_and_missing_is_an_error(
    films: Bundle, monkeypatch: pytest.MonkeyPatch, wanted: RuntimeName, package: str, extra: str
) -> None:
    lacking(monkeypatch, package)
    with pytest.raises(MissingExtraError, match=rf"pip install 'hounsfield\[{extra}\]'"):
        Reader(films, runtime=wanted)


class Undecided(nn.Module):
    """Goes one of two ways by the values it is given, which no graph can hold."""

    def forward(self, shown: Tensor) -> Tensor:
        mean = shown.flatten(1).mean(dim=1, keepdim=True)
        return torch.cat([mean, -mean] if bool(mean.sum() > 0) else [-mean, mean], dim=1)


@pytest.mark.parametrize("wanted", ["auto", "openvino"])
def test_a_network_that_cannot_be_exported_is_read_by_torch_and_it_is_said(films: Bundle, wanted: RuntimeName) -> None:
    ensemble = ensemble_of(films, [Undecided().eval()])
    choice = choose_runtime(wanted, ensemble, examples=images(films), images=500, threads=1, differ=differ_of(films))
    assert choice.runtime.words == "torch"
    (note,) = choice.notes
    assert note.startswith("torch cannot write this network as ONNX: ") and note.endswith("; torch reads instead")


def test_eight_bits_answer_nearly_the_same_and_nothing_is_printed(
    films: Bundle, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("nncf")
    reader = Reader(films, runtime="openvino-int8")
    arrays = images(films, 12)
    apart = np.abs(reader.probabilities(arrays) - Reader(films, runtime="torch").probabilities(arrays)).max()
    assert reader.runtime == "OpenVINO int8"
    assert 0 < apart < 0.1
    assert capfd.readouterr() == ("", "")


def test_a_cache_that_cannot_be_written_is_no_error(
    films: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert choose(films, "openvino").runtime.words == "OpenVINO f32"
