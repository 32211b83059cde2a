"""A strategy as Python: the text runs, builds the same strategy and decides the same."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import REPOSITORY
from tests.engine.strategy.helpers import REGISTRY, builder, random_candles
from tradebot.engine.strategy import StrategySpec, decide, parse_strategy
from tradebot.engine.strategy.export import to_python

EXAMPLES = sorted((REPOSITORY / "config" / "strategies").glob("*.toml"))


def built(text: str) -> StrategySpec:
    names: dict[str, Any] = {}
    exec(to_python(tomllib.loads(text)), names)  # noqa: S102  # the text under test
    spec: StrategySpec = names["strategy"]
    return spec


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_decides_the_same_as_python(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    spec, exported = parse_strategy(text), built(text)
    assert exported == spec
    bars = random_candles(3000)
    one, other = decide(spec, REGISTRY, bars), decide(exported, REGISTRY, bars)
    assert np.array_equal(one.side, other.side)
    assert np.array_equal(one.exit_long, other.exit_long)


def test_everything_a_strategy_may_say_is_exported() -> None:
    made = builder().indicator(
        "slow", "ema", length=9, timeframe="4h", symbol="ETHUSDT", note='a "note"\nof two lines'
    )
    made.signal("up", "compare", a="slow", op="<", b=2.5, supports="direction", invert=True)
    made.signal("off", "cross", a="close", b="slow", enabled=False)
    made.group("g", "weighted", ["up", "off"], threshold=0.6, weights={"up": 2.0})
    made.entry("at_least", ["g", "up"], k=1, trigger="edge").exit("any", ["up"])
    made.risk(direction="long", max_bars=5).sizing("fixed", quantity=0.1).stop_loss("percent", percent=2.0)
    spec = made.take_profit("percent", percent=3.0).costs(taker_fee_percent=0.1, funding=False).build()
    assert built(spec.to_toml()) == spec
