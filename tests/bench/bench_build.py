"""How long building takes: `python -m pytest tests/bench/bench_build.py --benchmark-only -n 0`.

Bars: the form of 200 components in 50 ms, that of a usual strategy in 5 ms. An edit and its form lie on the way of the
preview, whose whole is 400 ms; what a rule sentence may become is asked at each key.
"""

from __future__ import annotations

import tomllib

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from tests.engine.strategy.test_edits import HAND_WRITTEN
from tests.engine.strategy.test_form_rows import NEW, large
from tradebot.engine.strategy import builtin_registry
from tradebot.engine.strategy.editing import edit_strategy
from tradebot.engine.strategy.form import build_form
from tradebot.engine.strategy.form_types import FormEdit
from tradebot.engine.strategy.rules import RuleLanguage

REGISTRY = builtin_registry()
TEXTS = {"usual": HAND_WRITTEN, "200 components": large(100)}
EDITS = {
    "a length": FormEdit("set", "indicators.fast.length", "21"),
    "a stop": FormEdit("set", "risk.stop_loss.series", "fast"),
    "a rule": FormEdit("rule", "entry", "rsi below 30"),
    "a name": FormEdit("set", "indicators.fast.@name", "quick"),
}


@pytest.mark.parametrize("name", list(TEXTS))
def test_form(benchmark: BenchmarkFixture, name: str) -> None:
    benchmark.extra_info["bar_ms"] = 5 if name == "usual" else 50
    assert benchmark(build_form, TEXTS[name], REGISTRY).sections


@pytest.mark.parametrize("name", list(EDITS))
def test_edit(benchmark: BenchmarkFixture, name: str) -> None:
    language = RuleLanguage(REGISTRY)
    text = HAND_WRITTEN.replace('combine = "weighted"\nthreshold = 0.5', 'combine = "any"')
    assert benchmark(edit_strategy, text, EDITS[name], REGISTRY, language).toml != text


def test_edit_of_200_components(benchmark: BenchmarkFixture) -> None:
    edit = FormEdit("set", "indicators.e50.length", "21")
    assert benchmark(edit_strategy, TEXTS["200 components"], edit, REGISTRY).toml


@pytest.mark.parametrize("typed", ["", "rsi", "close above", "rsi below 30 and ad", "no such thing"])
def test_suggestions(benchmark: BenchmarkFixture, typed: str) -> None:
    language, document = RuleLanguage(REGISTRY), tomllib.loads(NEW)
    assert benchmark(language.read, typed, document, "entry").suggestions
