"""What the documentation names is there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
TESTS = Path(__file__).parent


def test_every_test_that_the_lessons_name_exists():
    text = (ROOT / "docs" / "lessons.md").read_text(encoding="utf-8")
    named = re.findall(r"`(\S+\.py)`:\s+`(test_\w+)`", text)
    assert len(named) > 100
    missing = [(path, name) for path, name in named if f"def {name}(" not in (TESTS / path).read_text(encoding="utf-8")]
    assert missing == []
