"""What there must be: indicators and signals by the names that traders know, each held against a source of its own."""

from __future__ import annotations

from importlib import import_module

import pytest

from tests.engine.strategy.helpers import REGISTRY
from tests.engine.strategy.test_indicators_golden import CASES
from tests.support.reference_kinds import RULES, STATEFUL
from tests.support.reference_members import MEMBER_RULES
from tradebot.engine.strategy.registry import MEMBER_KINDS, ParameterKind
from tradebot.engine.strategy.series import CANDLE_SERIES

INDICATORS = {
    "trend": {
        **{
            name: name
            for name in ("sma", "ema", "wma", "dema", "tema", "kama", "hma", "macd", "adx", "aroon")
        },
        "+di": "adx.plus_di",
        "-di": "adx.minus_di",
        "parabolic sar": "psar",
        "supertrend": "supertrend",
        "ichimoku": "ichimoku",
        "linear regression": "linreg",
        "linear regression slope": "linreg_slope",
        "vortex": "vortex",
    },
    "momentum": {
        **{name: name for name in ("rsi", "stoch_rsi", "cci", "roc", "momentum", "mfi", "trix", "ppo")},
        "stochastic": "stoch",
        "williams %r": "williams_r",
        "ultimate": "ultimate_oscillator",
        "awesome oscillator": "awesome_oscillator",
    },
    "volatility": {
        **{name: name for name in ("atr", "natr", "keltner", "donchian", "choppiness")},
        "bollinger": "bbands",
        "standard deviation": "stddev",
        "historical volatility": "historical_volatility",
    },
    "volume": {
        **{name: name for name in ("obv", "vwap", "ad", "adosc", "cmf", "volume_sma", "relative_volume")},
    },
    "price": {"heikin-ashi": "heikin_ashi", "weighted close": "weighted_close", "patterns": "pattern"},
}
BELOW_THE_PRICE = ("rsi", "macd", "adx", "atr", "obv", "stoch", "volume_sma", "pattern")
ON_THE_PRICE = ("sma", "ema", "bbands", "keltner", "donchian", "psar", "supertrend", "ichimoku", "vwap")

SIGNALS = {
    # Long where it is true, short where the strict opposite is.
    "direction": (
        *("cross", "threshold", "rising", "slope", "breakout", "pullback", "divergence", "band_touch"),
        *("band_break", "band_return", "consecutive", "new_high", "candlestick", "funding", "trend"),
        *("relative_strength", "turn", "aligned", "distance", "swing", "structure", "wide_bar"),
    ),
    # A condition, which lets both sides pass.
    "both": (
        *(
            "compare",
            "between",
            "outside",
            "squeeze",
            "volume_spike",
            "time_of_day",
            "day_of_week",
            "session",
        ),
        *("narrow_range", "inside_bar", "every"),
    ),
    "long": ("dip",),
    "short": ("rally",),
    # Rules over other signals and groups, read as these are.
    "member": ("within", "held", "not", "delay", "first", "repeated", "sequence", "count"),
}


@pytest.mark.parametrize("group", INDICATORS)
def test_the_indicators_that_traders_know_are_there(group: str) -> None:
    for said, name in INDICATORS[group].items():
        name, _, output = name.partition(".")
        assert name in REGISTRY.indicators, said
        assert not output or output in REGISTRY.indicators[name].outputs, said
    assert len(REGISTRY.indicators) >= 60
    assert {"hl2", "hlc3", "ohlc4"} <= set(CANDLE_SERIES)


def test_they_are_drawn_where_people_look_for_them() -> None:
    assert {REGISTRY.indicators[name].plot for name in BELOW_THE_PRICE} == {"below"}
    assert {REGISTRY.indicators[name].plot for name in ON_THE_PRICE} == {"price"}


def test_every_output_of_every_indicator_is_held_against_a_source_of_its_own() -> None:
    """Another library (golden files), a formula written apart (`agrees` compares all outputs), or worked tables."""
    compared: dict[str, set[str]] = {}
    for case in CASES:
        compared.setdefault(case["indicator"], set()).update(case["columns"])
    whole = set()
    for module in ("price", "volatility", "volume", "levels", "patterns"):
        whole |= set(import_module(f"tests.engine.strategy.test_indicators_{module}").COMPARED)
    missing = {
        f"{name}.{output}"
        for name, declaration in REGISTRY.indicators.items()
        for output in declaration.outputs
        if name not in whole and output not in compared.get(name, set())
    }
    assert missing == set()


def test_every_signal_is_read_as_is_natural_for_it_and_has_a_plain_reference() -> None:
    natures = {name: declaration.supports for name, declaration in REGISTRY.signals.items()}
    assert natures == {name: nature for nature, names in SIGNALS.items() for name in names}
    assert len(natures) >= 25
    assert set(natures) == {*RULES, *STATEFUL, *MEMBER_RULES}


def test_every_value_of_every_declaration_says_its_range_and_its_meaning() -> None:
    for declaration in (*REGISTRY.indicators.values(), *REGISTRY.signals.values()):
        assert declaration.help.endswith("."), declaration.name
        for each in declaration.parameters:
            where = f"{declaration.name}.{each.name}"
            assert each.help.endswith("."), where
            if each.kind is ParameterKind.INTEGER:  # a level on a series of any scale has no range of its own
                assert each.low is not None, where
                assert each.high is not None, where
            if each.kind is ParameterKind.CHOICE:
                assert each.choices, where
        members = [each for each in declaration.parameters if each.kind in MEMBER_KINDS]
        assert bool(members) == (getattr(declaration, "supports", "") == "member"), declaration.name
