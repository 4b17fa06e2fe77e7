"""What would make figures too good, or a model learn the wrong thing: found before anything is learned."""

from hounsfield.datasets.audit.audit import Audit, Group, audit_dataset, with_parts_of
from hounsfield.datasets.audit.together import kept_together, validation_mended

__all__ = ["Audit", "Group", "audit_dataset", "kept_together", "validation_mended", "with_parts_of"]
