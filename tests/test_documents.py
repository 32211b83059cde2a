"""The documents are true: names exist, commands are those of the gate, floors are those of the linter."""

from __future__ import annotations

import importlib
import re
import tomllib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
ARCHITECTURE = (REPOSITORY / "ARCHITECTURE.md").read_text(encoding="utf-8")
KNOWN_NAMES = (
    "BacktesterEngine", "StrategyBuilder", "Component Registry", "Strategy Factory", "Data Processor", "Time Sync",
    "Position Manager", "Risk Manager", "Performance Tracker", "Results Analyzer", "CSV Manager", "Data Integrity",
    "Hybrid System", "Launch System",
)  # fmt: skip
ROWS = dict(re.findall(r"^\| ([A-Z][A-Za-z ]+) \| (`.*`.*) \|$", ARCHITECTURE, re.MULTILINE))


@pytest.mark.parametrize("name", KNOWN_NAMES)
def test_every_name_people_know_leads_to_something_that_exists(name: str) -> None:
    targets = re.findall(r"`(tradebot[\w.]*)`", ROWS[name])
    assert targets
    for target in targets:
        module, _, attribute = target.rpartition(".")
        try:
            importlib.import_module(target)
        except ModuleNotFoundError:
            assert hasattr(importlib.import_module(module), attribute), target


def test_the_readme_has_the_two_commands_as_they_are_promised() -> None:
    assert "\npython -m pip install -e . && tradebot demo\n" in README
    assert '\npython -m pip install -e ".[dev]" && python -m pytest\n' in README


def test_the_gate_runs_the_readmes_test_command() -> None:
    gate = (REPOSITORY / ".ci" / "run").read_text(encoding="utf-8")
    assert 'python -m pip install --quiet -e ".[dev]" && python -m pytest' in gate


def test_every_picture_and_page_the_documents_name_is_there() -> None:
    for text in (README, ARCHITECTURE):
        for target in re.findall(r"\]\(([^)#]+)\)", text):
            if "://" not in target:
                assert (REPOSITORY / target).exists(), target


def test_every_command_the_readme_shows_is_understood() -> None:
    from typer.main import get_command

    from tradebot.cli import app

    commands = get_command(app).commands
    shown = re.findall(r"^tradebot (\w[\w-]*)(?: (\w+))?", README, re.MULTILINE)
    assert len(shown) > 8
    for first, second in shown:
        assert first in commands, first
        nested = getattr(commands[first], "commands", None)
        if nested is not None:
            assert second in nested, f"{first} {second}"


def test_nothing_names_a_folder_of_one_machine() -> None:
    for path in [
        *REPOSITORY.glob("*.md"),
        *REPOSITORY.glob("tradebot/**/*.py"),
        *REPOSITORY.glob("config/**/*.toml"),
    ]:
        assert not re.search(r"/(home|root|work|tmp)/", path.read_text(encoding="utf-8")), path


def test_every_room_stands_on_a_floor_of_the_contract() -> None:
    contracts = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
        "importlinter"
    ]
    layers = " ".join(contracts["contracts"][0]["layers"])
    rooms = {path.parent.name for path in (REPOSITORY / "tradebot" / "engine").glob("*/__init__.py")}
    for room in rooms - {"simulator"}:
        assert f"tradebot.engine.{room}" in layers, room


def test_no_sentence_sends_a_person_to_a_command_that_is_not_there() -> None:
    from typer.main import get_command

    from tradebot.cli import app

    commands = get_command(app).commands
    for path in [*(REPOSITORY / "tradebot").rglob("*.py"), *(REPOSITORY / "config").rglob("*.toml")]:
        for first, second in re.findall(r"`tradebot (\w[\w-]*)(?: (\w+))?", path.read_text(encoding="utf-8")):
            assert first in commands, f"{path}: tradebot {first}"
            nested = getattr(commands[first], "commands", None)
            assert nested is None or second in nested or not second, f"{path}: tradebot {first} {second}"
