"""A strategy as Python: the text runs, builds the same strategy and decides the same."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from tests.conftest import REPOSITORY
from tests.engine.strategy.helpers import REGISTRY, builder, random_candles
from tests.engine.strategy.test_building import documents
from tradebot.engine.strategy import StrategySpec, TopSymbols, check_document, decide, parse_strategy
from tradebot.engine.strategy.export import to_python

EXAMPLES = sorted((REPOSITORY / "config" / "strategies").glob("*.toml"))


def run(text: str) -> StrategySpec:
    """The strategy that a Python text makes."""
    names: dict[str, Any] = {}
    exec(text, names)  # noqa: S102  # the text under test
    spec: StrategySpec = names["strategy"]
    return spec


def built(text: str) -> StrategySpec:
    return run(to_python(tomllib.loads(text)))


def assert_same_decisions(spec: StrategySpec, other: StrategySpec) -> None:
    bars = random_candles(3000)
    one, two = decide(spec, REGISTRY, bars), decide(other, REGISTRY, bars)
    for name in ("side", "strength", "exit_long", "exit_short"):
        assert np.array_equal(getattr(one, name), getattr(two, name)), name
    assert one.levels.keys() == two.levels.keys()
    assert all(np.array_equal(one.levels[key], two.levels[key], equal_nan=True) for key in one.levels)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_decides_the_same_as_python(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    spec, exported = parse_strategy(text), built(text)
    assert exported == spec
    assert_same_decisions(spec, exported)


def test_everything_a_strategy_may_say_is_exported() -> None:
    made = builder().indicator(
        "slow", "ema", length=9, timeframe="4h", symbol="ETHUSDT", note='a "note"\nof two lines'
    )
    made.market(symbols=TopSymbols(20, by="volume"), timeframe="15m", execution="1m", note="what it is")
    made.signal("up", "compare", a="slow", op="<", b=2.5, supports="direction", invert=True)
    made.signal("off", "cross", a="close", b="slow", enabled=False)
    made.group("g", "weighted", ["up", "off"], threshold=0.6, weights={"up": 2.0})
    made.entry("at_least", ["g", "up"], k=1, trigger="edge").exit("any", ["up"])
    made.orders("limit", "atr", length=7, multiple=0.5, valid_bars=3)
    made.risk(direction="long", opposite="ignore", leverage=3, max_bars=5, cooldown_bars=2)
    made.sizing("risk", percent=1).stop_loss("series", series="slow", follow=True)
    made.take_profit("r", multiple=1, share_percent=40).take_profit("percent", percent=3)
    made.trailing_stop("atr", multiple=3, start_r=1).break_even(1.5, offset_percent=0.1)
    made.pyramiding(2, "percent", percent=1).loss_streak(4, 48)
    made.limits(max_positions=3, max_exposure_percent=300, max_symbol_exposure_percent=150)
    made.limits(max_daily_loss_percent=5, max_drawdown_percent=25)
    made.optimize("indicators.slow.length", low=5, high=50, step=5)
    spec = made.costs(taker_fee_percent=0.1, max_volume_share_percent=10, impact=1, funding=False).build()
    assert built(spec.to_toml()) == spec
    assert built(made.to_toml()) == spec


def test_the_text_reads_like_one_written_by_hand() -> None:
    made = builder().indicator("fast", "ema", length=9).signal("turn", "cross", a="close", b="fast")
    made.entry("any", ["turn"]).orders("stop", "percent", percent=0.2).sizing("risk", percent=1)
    made.stop_loss("atr", length=14).take_profit("r", multiple=1, share_percent=50).take_profit(
        "r", multiple=3
    )
    made.break_even(1).pyramiding(2, "atr", multiple=1).loss_streak(3, 10)
    assert to_python(made.document()) == (
        "from tradebot.engine.strategy import StrategyBuilder\n"
        "\n"
        "strategy = (\n"
        "    StrategyBuilder('test', category='linear', symbols=['BTCUSDT'], timeframe='1m')\n"
        "    .indicator('fast', 'ema', length=9)\n"
        "    .signal('turn', 'cross', a='close', b='fast')\n"
        "    .entry('any', ['turn'])\n"
        "    .orders('stop', 'percent', percent=0.2)\n"
        "    .sizing('risk', percent=1)\n"
        "    .stop_loss('atr', length=14)\n"
        "    .take_profit('r', multiple=1, share_percent=50)\n"
        "    .take_profit('r', multiple=3)\n"
        "    .break_even(1)\n"
        "    .pyramiding(2, 'atr', multiple=1)\n"
        "    .loss_streak(losses=3, pause_bars=10)\n"
        "    .build()\n"
        ")\n"
    )


@given(documents())
@settings(max_examples=60, deadline=None)
def test_any_strategy_is_the_same_as_python(document: dict[str, Any]) -> None:
    spec = check_document(document).spec
    if spec is not None:
        assert run(to_python(document)) == spec
        assert run(to_python(spec.to_document())) == spec
