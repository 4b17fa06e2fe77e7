"""Every error this package raises on purpose: one small tree, sentences that help.

A message says what was found, what was expected and what to do. The command line turns a `HounsfieldError` into one
line and an exit code; anything else is a bug and keeps its traceback.
"""


class HounsfieldError(Exception):
    """Base of every error this package raises on purpose (exit code 1)."""


class UsageError(HounsfieldError):
    """The command was called with words or values it does not know (exit code 2)."""


class FormatError(HounsfieldError):
    """A file is damaged, or is not of a format that can be read."""


class GeometryError(HounsfieldError):
    """An image's position, spacing or orientation cannot be used."""


class ShapeError(HounsfieldError):
    """An array does not have the shape that was asked for."""


class ImageError(HounsfieldError):
    """An image's values cannot be worked with: not-a-number, one grey level only, nothing of what was looked for."""


class DatasetError(HounsfieldError):
    """A data set, its table or its description cannot be used as it stands."""


class SplitError(DatasetError):
    """A split is missing, leaks a patient, or cannot be made from these cases."""


class PlanError(UsageError):
    """A plan has an unknown key, a value out of range, or choices that contradict each other."""


class CriteriaError(UsageError):
    """A worksheet's criterion has an unknown key, a value out of range, or a measure that is not known."""


class BundleError(HounsfieldError):
    """A bundle is missing files, was changed after it was written, or was made by another version."""


class WeightsError(HounsfieldError):
    """Pretrained weights are not at hand, or do not fit the network."""


class TrainingError(HounsfieldError):
    """Training cannot start, or cannot go on."""


class EvaluationError(HounsfieldError):
    """Predictions cannot be scored, or evidence cannot be written as it stands."""


class ExportError(HounsfieldError):
    """A network cannot be written in the form that was asked for."""


class StorageError(HounsfieldError):
    """The disk refused: full, read-only, or the target exists already."""


class MissingExtraError(HounsfieldError):
    """A feature needs a package that is not installed; the message names the extra to install."""


class UnknownNameError(UsageError):
    """A name is not in the table it was looked up in; the message lists the known ones."""
