"""`Plan`: every choice of a run, made from the data's fingerprint, readable and editable."""

from hounsfield.plan.choose import input_of, make_plan, modality_of
from hounsfield.plan.machine import Machine, inspect_machine
from hounsfield.plan.network_choices import (
    BoxRegressionChoice,
    ConvNetChoice,
    FasterRCNNChoice,
    HeatMapChoice,
    MultipleInstanceChoice,
    Network,
    PolicyChoice,
    PretrainedChoice,
    RecurrentChoice,
    ResidualChoice,
    UNetChoice,
)
from hounsfield.plan.schema import (
    Augmentation,
    Decision,
    Detection,
    Ensemble,
    Input,
    Localization,
    Optimisation,
    Plan,
    Segmentation,
)
from hounsfield.plan.store import plan_from_text, plan_to_text, read_plan, write_plan

__all__ = [
    "Augmentation",
    "BoxRegressionChoice",
    "ConvNetChoice",
    "Decision",
    "Detection",
    "Ensemble",
    "FasterRCNNChoice",
    "HeatMapChoice",
    "Input",
    "Localization",
    "Machine",
    "MultipleInstanceChoice",
    "Network",
    "Optimisation",
    "Plan",
    "PolicyChoice",
    "PretrainedChoice",
    "RecurrentChoice",
    "ResidualChoice",
    "Segmentation",
    "UNetChoice",
    "input_of",
    "inspect_machine",
    "make_plan",
    "modality_of",
    "plan_from_text",
    "plan_to_text",
    "read_plan",
    "write_plan",
]
