"""Plans as TOML: every value and reason comes back, and what is wrong is refused by name."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hounsfield.errors import PlanError
from hounsfield.plan import (
    Augmentation,
    ConvNetChoice,
    Ensemble,
    Input,
    MultipleInstanceChoice,
    Optimisation,
    Plan,
    PretrainedChoice,
    ResidualChoice,
    plan_from_text,
    plan_to_text,
    read_plan,
    write_plan,
)

PLAN = Plan(dataset="films", classes=("benign", "malignant"), input=Input(shape=(64, 48)))

words = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), min_size=1, max_size=12)
shares = st.floats(0, 0.99)
steps = st.lists(
    st.sampled_from(
        (
            {"step": "median", "size": 3},
            {"step": "gaussian", "sigma": 0.5},
            {"step": "rescale", "low": 1.0, "high": 99.5, "over": "nonzero"},
            {"step": "resize", "shape": [32, 32], "keep_aspect": False},
        )
    ),
    max_size=3,
).map(tuple)


def networks(dims: int) -> st.SearchStrategy[Any]:
    """Any network for images of so many axes."""
    convnet = st.builds(
        ConvNetChoice,
        widths=st.lists(st.integers(1, 64), min_size=5, max_size=6).map(tuple),
        pool_after=st.lists(st.integers(1, 5), unique=True).map(tuple),
        dropout=shares,
    )
    residual = st.builds(ResidualChoice, stem_stride=st.sampled_from((1, 2)), dropout=shares)
    pretrained = st.builds(PretrainedChoice, backbone=words, folded=st.booleans(), drop_path=shares)
    many = st.builds(MultipleInstanceChoice, encoder=st.one_of(convnet, residual, pretrained))
    return st.one_of(convnet, residual, pretrained, *([many] if dims == 3 else []))


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Any valid plan, with a reason for some of its choices."""
    classes = tuple(draw(st.lists(words, min_size=2, max_size=4, unique=True)))
    dims = draw(st.integers(2, 3))
    positive = st.floats(1e-6, 1e6)
    plan = Plan(
        dataset=draw(words),
        classes=classes,
        seed=draw(st.integers(0, 2**63 - 1)),
        minutes=draw(positive),
        input=Input(
            shape=tuple(draw(st.lists(st.integers(32, 300), min_size=dims, max_size=dims))),
            channels=draw(st.integers(1, 3)),
            margin=draw(st.floats(1, 2)),
            film_steps=draw(steps),
            steps=draw(steps),
        ),
        network=draw(networks(dims)),
        augmentation=Augmentation(
            rotation_degrees=draw(st.floats(0, 180)),
            flip_axes=tuple(draw(st.lists(st.integers(0, dims - 1), unique=True))),
            **{name: draw(shares) for name in ("zoom", "shift", "gain", "bias", "noise")},
        ),
        optimisation=Optimisation(
            epochs=draw(st.integers(1, 1000)),
            learning_rate=draw(positive),
            class_weights=draw(st.sampled_from(((), tuple(0.1 + n for n in range(len(classes)))))),
            precision=draw(st.sampled_from(("32-true", "bf16-mixed"))),
        ),
        ensemble=Ensemble(folds=draw(st.integers(1, 20)), flips=draw(st.booleans())),
    )
    keys = [f"{name}.{key}" for name in SECTIONS for key in type(getattr(plan, name)).model_fields]
    reasons = draw(st.dictionaries(st.sampled_from([*keys, "seed", "minutes", "classes"]), words))
    return plan.model_copy(update={"reasons": {key: text for key, text in reasons.items() if text.split()}})


SECTIONS: dict[str, Any] = {
    "input": Input,
    "network": ConvNetChoice,
    "augmentation": Augmentation,
    "optimisation": Optimisation,
    "ensemble": Ensemble,
}


@settings(max_examples=25, deadline=None)
@given(plans())
def test_every_value_comes_back_from_the_text(plan: Plan) -> None:
    assert plan_from_text(plan_to_text(plan)).model_dump(exclude={"reasons"}) == plan.model_dump(exclude={"reasons"})


@settings(max_examples=25, deadline=None)
@given(plans())
def test_every_reason_comes_back_on_one_line(plan: Plan) -> None:
    expected = {key: _on_one_line(reason) for key, reason in plan.reasons.items()}
    assert plan_from_text(plan_to_text(plan)).reasons == {key: text for key, text in expected.items() if text}


def _on_one_line(reason: str) -> str:
    return " ".join("".join(letter if letter.isprintable() else " " for letter in reason).split()).lstrip("# ")


@settings(max_examples=25, deadline=None)
@given(plans())
def test_a_plan_that_was_read_is_written_the_same_again(plan: Plan) -> None:
    text = plan_to_text(plan)
    assert plan_to_text(plan_from_text(text)) == text


def test_the_reason_stands_beside_the_value() -> None:
    reasoned = PLAN.model_copy(update={"reasons": {"optimisation.epochs": "as the minutes allow", "seed": "as asked"}})
    lines = plan_to_text(reasoned).splitlines()
    assert "seed = 0 # as asked" in lines
    assert "epochs = 40 # as the minutes allow" in lines


def test_a_plan_is_written_to_a_file_and_read_from_it(tmp_path: Path) -> None:
    write_plan(PLAN, tmp_path / "plan.toml")
    assert read_plan(tmp_path / "plan.toml") == PLAN


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("colour = 3", "unknown key colour; known here: format, task, dataset, classes, seed, minutes, input, network"),
        ('reasons = "good"', "unknown key reasons; a reason is a comment behind the value it explains"),
        ("[reasons]\nseed = 'so'", "unknown key reasons; a reason is a comment"),
        ("[network]\nlayers = 3", "unknown key network.layers; known here: name, widths, pool_after, dropout"),
        (
            "[optimisation]\nlr = 1.0",
            r"unknown key optimisation.lr; known here: epochs, batch_size, optimizer, learning_rate",
        ),
        ("[optimisation]\nepochs = 0", "optimisation.epochs: Input should be greater than or equal to 1"),
        ("[optimisation]\nlearning_rate = nan", "optimisation.learning_rate: Input should be a finite number"),
        ("[optimisation]\nclass_weights = [1.0, -1.0]", "optimisation.class_weights.1: Input should be greater than 0"),
        (
            '[network]\nname = "residual"\npool_after = [1]',
            "unknown key network.pool_after; known here: name, widths, b",
        ),
        (
            '[network]\nname = "vgg"',
            "network.name: there is no network 'vgg'; known: convnet, residual, pretrained, mul",
        ),
        (
            '[network]\nname = "multiple_instance"\nencoder = { depth = 3 }',
            "unknown key network.encoder.depth; known h",
        ),
        (
            '[network]\nname = "multiple_instance"\nencoder = { name = "x" }',
            "network.encoder.name: there is no network",
        ),
        ("[optimisation]\nlayer_decay = 2.0", "optimisation.layer_decay: Input should be less than or equal to 1"),
        ("[network]\ndropout = 1.0", "network.dropout: Input should be less than 1"),
        ("[network]\nwidths = []", "network.widths: .* at least 1 item"),
        ("[network]\nwidths = [0]", "network.widths.0: Input should be greater than 0"),
        ('task = "poetry"', "task: Input should be 'classification'"),
        ("format = 2", "format: Input should be 1"),
        ("seed = -1", "seed: Input should be greater than or equal to 0"),
    ],
)
def test_what_a_plan_cannot_say_is_refused_by_name(line: str, words: str) -> None:
    text = 'dataset = "films"\nclasses = ["a", "b"]\n[input]\nshape = [64, 48]\n'
    parts = (line + "\n" + text) if not line.startswith("[") else text + line
    with pytest.raises(PlanError, match=rf"^my\.toml: {words}"):
        plan_from_text(parts, name="my.toml")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('steps = [{ step = "sharpen" }]', "step 1 is called 'sharpen'; known steps: .*gaussian.*median"),
        ('steps = [{ step = "median", width = 3 }]', "step 'median' has no field 'width'; its fields: size"),
        ("film_steps = [{ size = 3 }]", "step 1 is called None"),
        ("margin = 0.5", "input.margin: Input should be greater than or equal to 1"),
        (
            "depth = 3",
            "unknown key input.depth; known here: shape, channels, channel_names, windows, views, columns, margin",
        ),
    ],
)
def test_what_the_input_cannot_say_is_refused_by_name(line: str, words: str) -> None:
    text = f'dataset = "films"\nclasses = ["a", "b"]\n[input]\nshape = [64, 48]\n{line}\n'
    with pytest.raises(PlanError, match=words):
        plan_from_text(text, name="my.toml")


@pytest.mark.parametrize("shape", ["[64]", "[1, 2, 3, 4]", "[0, 64]", '["a", "b"]'])
def test_an_input_has_two_or_three_sides(shape: str) -> None:
    with pytest.raises(PlanError, match=r"input\.shape"):
        plan_from_text(f'dataset = "films"\nclasses = ["a", "b"]\n[input]\nshape = {shape}\n')


def test_several_faults_are_all_named() -> None:
    with pytest.raises(PlanError, match=r"unknown key one.*; unknown key two"):
        plan_from_text(plan_to_text(PLAN).replace("[input]", "one = 1\ntwo = 2\n[input]", 1))


def test_text_that_is_no_toml_is_refused_with_its_place() -> None:
    with pytest.raises(PlanError, match=r"my\.toml is not valid TOML: .*line 2"):
        plan_from_text("seed = 1\ndataset = films\n", name="my.toml")


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match=r"cannot read the plan .*missing\.toml"):
        read_plan(tmp_path / "missing.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(PlanError, match=r"cannot read the plan .*bytes\.toml"):
        read_plan(tmp_path / "bytes.toml")
