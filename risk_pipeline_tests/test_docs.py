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


def test_the_map_of_the_house_is_the_tree():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rooms = text[text.index("## The map") : text.index("## Recipes")]
    package = ROOT / "risk_pipeline"
    named = {name for row in re.findall(r"^\| (`.+?) \|", rooms, re.MULTILINE) for name in re.findall(r"`(\S+?)`", row)}
    assert {name for name in named if not (package / name).exists()} == set()
    there = {f"{path.name}/" if path.is_dir() else path.name for path in package.iterdir() if path.name[0] not in "_."}
    assert there - {name.split("/")[0] + "/" if "/" in name else name for name in named} == set()


def test_every_module_that_contributing_names_exists():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:\w+/)+\w+\.\w+)`", text)) - {"docs/tables.md"}
    places = (ROOT / "risk_pipeline", TESTS, ROOT)
    assert len(named) > 10
    assert {name for name in named if not any((place / name).exists() for place in places)} == set()


def test_every_module_that_the_documentation_names_exists():
    files = {path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.py") if ".venv" not in path.parts}
    named = {
        (page.name, name)
        for page in (ROOT / "docs").glob("*.md")
        for name in re.findall(r"`([\w/]+\.py)`", page.read_text(encoding="utf-8"))
    }
    assert len(named) > 50
    assert {(page, name) for page, name in named if not any(f"/{file}".endswith(f"/{name}") for file in files)} == set()
