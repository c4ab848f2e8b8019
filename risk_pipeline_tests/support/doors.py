"""How a door is tried with made-up inputs, and what may be said of those that are refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

FEW, MANY = 50, 2_000
EXAMPLES = [pytest.param(FEW, id="some"), pytest.param(MANY, id="many", marks=pytest.mark.long)]


def tried(count: int, door: Callable[..., None], **inputs: st.SearchStrategy) -> None:
    """Open a door with so many inputs."""
    quick = (Phase.explicit, Phase.generate, Phase.shrink)
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    settings(
        max_examples=count,
        deadline=None,
        phases=quick,
        database=None,
        derandomize=count == FEW,  # the ordinary tests fail for what was changed, not by chance
        suppress_health_check=checks,
    )(given(**inputs)(door))()


BACKWARDS = ("kcabecarT", "(rorrE", "noitpecxE", " eliF  ", "x0 ta tcejbo", "worrayp", "ypmun", "citnadyp")
"""What no message for a person holds. Forwards, Hypothesis would try it, as any text in the code, and a message may
quote what was tried."""
BAD = [word[::-1] for word in BACKWARDS]


def is_sentence(text: str) -> bool:
    """Return whether a message is one for a person: no stack, no name of an exception, no flood, no control signs."""
    return (
        10 < len(text) < 4_000 and not any(word in text for word in BAD) and "\x1b" not in text and "\x00" not in text
    )
