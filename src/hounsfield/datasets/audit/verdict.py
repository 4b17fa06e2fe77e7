"""What an audit comes to: clean, to be warned of, or to be refused."""

from __future__ import annotations

from typing import Literal

Verdict = Literal["clean", "warn", "refuse"]

MOST_LEAKING = 0.02
"""Share of the cases held back that may have a near duplicate among those learned from; more, and they are refused."""
