"""The operability worksheet: criteria that a surgeon writes down, answered with what was measured."""

from hounsfield.findings.worksheet.answer import CriterionAnswer
from hounsfield.findings.worksheet.criteria import Criteria, criteria_from_text, read_criteria
from hounsfield.findings.worksheet.fill import Worksheet, fill_worksheet

__all__ = ["CriterionAnswer", "Criteria", "Worksheet", "criteria_from_text", "fill_worksheet", "read_criteria"]
