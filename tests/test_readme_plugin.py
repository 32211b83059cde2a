"""The plug-in that the README shows, taken as it stands there: dropped, found, checked, tested, and broken."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.engine.backtest.markets import know, put, waves
from tradebot.cli import run
from tradebot.engine.store import Store
from tradebot.engine.strategy.editing import apply_edit
from tradebot.engine.strategy.form import build_form, component_choices
from tradebot.engine.strategy.form_types import FormEdit
from tradebot.engine.strategy.plugins import load_registry

README = Path(__file__).resolve().parents[1] / "README.md"
PLUGIN = """\
import numpy as np
from tradebot.engine.strategy import Parameter, ParameterKind, indicator

LENGTH = Parameter(name="length", kind=ParameterKind.INTEGER, default=20, low=1, high=5000, help="Number of bars.")

@indicator("range_percent", "Range in percent", "Mean of high less low of the last bars, in percent of the close.",
           parameters=(LENGTH,), inputs=("high", "low", "close"), look_back=lambda values: values["length"] - 1,
           plot="below")
def range_percent(high, low, close, length):
    return np.convolve(100.0 * (high - low) / close, np.ones(length) / length)[: len(close)]
"""
STRATEGY = """\
[strategy]
name = "Calm"
symbols = ["AAAUSDT"]
timeframe = "1h"

[indicators.range]
use = "range_percent"
length = 5

[signals.calm]
use = "compare"
a = "range"
op = "<"
b = 1.2
supports = "long"

[entry]
combine = "any"
signals = ["calm"]

[risk]
direction = "long"
sizing = { use = "equity", percent = 50.0 }
stop_loss = { use = "percent", percent = 2.0 }
max_bars = 5
cooldown_bars = 5
"""
Ask = Callable[..., tuple[int, str, str]]


@pytest.fixture
def ask(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Commands in a checkout of its own with forty days of bars, the plug-in and a strategy that uses it."""
    monkeypatch.chdir(tmp_path)
    for folder in ("strategies", "plugins"):
        (tmp_path / "config" / folder).mkdir(parents=True)
    (tmp_path / "config" / "tradebot.toml").write_text("", encoding="utf-8")
    (tmp_path / "config" / "plugins" / "range_percent.py").write_text(PLUGIN, encoding="utf-8")
    (tmp_path / "config" / "strategies" / "calm.toml").write_text(STRATEGY, encoding="utf-8")
    store = Store(tmp_path / "data")
    put(store, "AAAUSDT", waves(40 * 24))
    know(store, "AAAUSDT")

    def call(*arguments: str) -> tuple[int, str, str]:
        code = run(list(arguments))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def test_it_is_the_one_of_the_readme() -> None:
    blocks = re.findall(
        r"^```python\n(.*?)^```", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    shown = [block for block in blocks if "@indicator" in block]
    assert shown in ([], [PLUGIN])
    assert len(PLUGIN.splitlines()) <= 10


def test_it_is_found_by_the_check_the_words_and_the_backtest(ask: Ask) -> None:
    code, out, err = ask("strategy", "check", "calm")
    assert (code, err) == (0, "")
    assert out.splitlines()[-1].startswith("calm.toml: ready to run")
    assert "range_percent" not in out
    assert "range  range_percent  length 5" in ask("strategy", "show", "calm")[1]
    code, out, _err = ask("backtest", "calm", "--json", "--set", "indicators.range.length=7")
    assert code == 0
    assert json.loads(out)["metrics"]["trades"] > 3
    code, _out, err = ask("backtest", "calm", "--set", "indicators.range.length=0")
    assert (code, "must be a whole number from 1 to 5000, but is 0" in err) == (2, True)


def test_it_is_found_by_the_form(ask: Ask, tmp_path: Path) -> None:
    registry, problems = load_registry(tmp_path / "config" / "plugins")
    assert problems == ()
    choice = {each.name: each for each in component_choices(registry)}["range_percent"]
    assert (choice.label, choice.help[:24]) == ("Range in percent", "Mean of high less low of")
    empty = '[strategy]\nname = "New"\nsymbols = ["AAAUSDT"]\ntimeframe = "1h"\n'
    text = apply_edit(empty, FormEdit("add", "indicators", "range_percent"), registry)
    fields: dict[str, Any] = {
        field.path: field for section in build_form(text, registry).sections for field in section.fields
    }
    field = next(field for path, field in fields.items() if path.endswith(".length"))
    assert (field.help, field.text) == ("Number of bars.", "20")


def test_a_broken_one_is_named_with_its_line_everywhere_and_everything_else_works(
    ask: Ask, tmp_path: Path
) -> None:
    plugin = tmp_path / "config" / "plugins" / "range_percent.py"
    plugin.write_text(PLUGIN.replace("[: len(close)]", "[: len(clos)]"), encoding="utf-8")
    why = 'plug-in range_percent.py:10 was left out: "range_percent" fails on ordinary bars with NameError'
    code, out, err = ask("strategy", "check", "calm")
    assert code == 1
    assert f'indicators.range.use: names "range_percent", but the {why}' in out
    assert err.startswith(f"The {why}")
    code, _out, err = ask("backtest", "calm")
    assert (code, why in err) == (2, True)
    assert ask("strategy", "check", "ema-trend", "--no-data")[0] == 0
    registry, _problems = load_registry(plugin.parent)
    form = build_form(STRATEGY, registry)
    assert any("range_percent.py:10 was left out" in str(each) for each in form.problems)
    assert "range_percent" not in {each.name for each in component_choices(registry)}
