"""What holds for every registered indicator and each of its outputs, whatever it computes."""

from __future__ import annotations

import dataclasses
import re
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.engine.strategy.helpers import NAN, REGISTRY, random_candles
from tests.engine.strategy.indicator_helpers import Column, defaults, outputs_of, variants
from tradebot.engine.market import HOUR_MS, Candles, Timeframe
from tradebot.engine.strategy.indicators import kernels, loops, ranks
from tradebot.engine.strategy.registry import ParameterKind
from tradebot.engine.strategy.series import INPUT_COLUMNS, candle_series

PRICES = ("open", "high", "low", "close")
COLUMNS = (*PRICES, "volume", "turnover")
BARS = 400

NO_VALUE_WITHOUT_VOLUME: set[str] = {"vwma"}
"""A mean over volume where none was traded: the formula has no value there."""

WITH_THE_CALENDAR = {"previous_period", "pivot_points", "opening_range", "swing_points"}
"""No value until a UTC day or a swing has gone by, whose bars nobody can count: held in `test_indicators_levels.py`."""

OF_NO_PRICE_SCALE = {"linreg_angle.value"}
"""Outputs that neither stay nor grow with a power of the price: an angle."""

NAMES = tuple(REGISTRY.indicators)
every_indicator = pytest.mark.parametrize("name", NAMES)
every_indicator_by_bars = pytest.mark.parametrize(
    "name", [name for name in NAMES if name not in WITH_THE_CALENDAR]
)


@cache
def market(size: int = BARS, seed: int = 3) -> Candles:
    """A random walk by the hour that no test may change; it begins at 13:00 of a Thursday."""
    bars = random_candles(size, seed)
    bars = dataclasses.replace(bars, timeframe=Timeframe.H1, time=bars.time * 60 + 13 * HOUR_MS)
    for column in COLUMNS:
        getattr(bars, column).flags.writeable = False
    return bars


def some_values(name: str, count: int) -> list[dict[str, Any]]:
    return variants(REGISTRY.indicators[name], count)


def look_back(name: str, values: dict[str, Any]) -> int:
    return REGISTRY.indicators[name].look_back(values)


def equal(one: dict[str, Column], other: dict[str, Column]) -> None:
    for output, column in one.items():
        np.testing.assert_array_equal(column, other[output], err_msg=output)


# No later bar -----------------------------------------------------------------------------------------------


@every_indicator
def test_cutting_the_history_changes_no_value_before_the_cut(name: str) -> None:
    rng = np.random.default_rng(11)
    for values in some_values(name, 2):
        whole = outputs_of(name, market(), **values)
        for cut in rng.integers(1, BARS, 20).tolist():
            part = outputs_of(name, market().slice(0, cut), **values)
            equal(part, {output: column[:cut] for output, column in whole.items()})


@every_indicator
def test_a_stream_of_bars_gives_what_the_whole_history_gives(name: str) -> None:
    """Bar by bar, as live: the last value of each history is that of the batch, to the bit."""
    whole = outputs_of(name, market())
    for end in range(1, BARS + 1, 3):
        now = outputs_of(name, market().slice(0, end))
        for output, column in now.items():
            np.testing.assert_array_equal(column[-1], whole[output][end - 1], err_msg=f"{output} at {end}")


@every_indicator
def test_what_follows_changes_nothing(name: str) -> None:
    """Not only its absence: another future, ten times as high, leaves the past as it was."""
    other = market(BARS, seed=4)
    joined = {
        column: np.concatenate((getattr(market(), column)[:250], 10.0 * getattr(other, column)[250:]))
        for column in COLUMNS
    }
    whole = outputs_of(name, market())
    changed = outputs_of(name, dataclasses.replace(market(), **joined))
    for output, column in changed.items():
        np.testing.assert_array_equal(column[:250], whole[output][:250], err_msg=output)


# The warm-up ------------------------------------------------------------------------------------------------


@every_indicator_by_bars
def test_the_first_value_stands_exactly_after_the_look_back(name: str) -> None:
    for values in some_values(name, 6):
        before = look_back(name, values)
        for output, column in outputs_of(name, market(), **values).items():
            assert np.isnan(column[:before]).all(), (output, values)
            assert np.isfinite(column[before:]).all(), (output, values)


@every_indicator
def test_the_look_back_is_not_longer_than_the_formula_needs(name: str) -> None:
    """What TA-Lib or a kernel leaves empty before it must be all of the look-back: some output begins right there."""
    declaration = REGISTRY.indicators[name]
    for values in some_values(name, 6):
        before = look_back(name, values)
        if before == 0 or declaration.recursive:
            continue
        # Without memory of the start, a history of look-back and one bar gives the very first value.
        start = 100
        short = outputs_of(name, market().slice(start, start + before + 1), **values)
        whole = outputs_of(name, market(), **values)
        for output, column in short.items():
            assert column[-1] == pytest.approx(whole[output][start + before], rel=1e-6, abs=1e-6), output


@every_indicator
def test_a_history_that_is_too_short_has_no_value(name: str) -> None:
    for values in some_values(name, 2):
        before = look_back(name, values)
        if before:
            for column in outputs_of(name, market().slice(0, before), **values).values():
                assert np.isnan(column).all()


# Holes ------------------------------------------------------------------------------------------------------


@every_indicator
def test_a_missing_bar_restarts_the_indicator_after_it(name: str) -> None:
    bars = random_candles(300)
    holes = [0, 40, 41, 130]
    for column in COLUMNS:
        getattr(bars, column)[holes] = NAN
    whole = outputs_of(name, bars)
    for start, end in ((1, 40), (42, 130), (131, 300)):
        alone = outputs_of(name, bars.slice(start, end))
        equal({output: column[start:end] for output, column in whole.items()}, alone)
    for column in whole.values():
        assert np.isnan(column[holes]).all()


@every_indicator
def test_a_history_of_nothing_but_holes_has_no_value(name: str) -> None:
    bars = random_candles(60)
    for column in COLUMNS:
        getattr(bars, column)[:] = NAN
    for column in outputs_of(name, bars).values():
        assert np.isnan(column).all()


@every_indicator
def test_a_hole_in_its_source_restarts_it(name: str) -> None:
    declaration = REGISTRY.indicators[name]
    series = [each.name for each in declaration.parameters if each.kind is ParameterKind.SERIES]
    if not series:
        return
    source = market().close.copy()
    source[200] = NAN
    whole = outputs_of(name, market(), {series[0]: source})
    after = outputs_of(name, market().slice(201, BARS), {series[0]: source[201:]})
    equal({output: column[201:] for output, column in whole.items()}, after)


# Markets that stand still, and scales -----------------------------------------------------------------------


def halted() -> Candles:
    """A market that stands still without any volume for 150 bars."""
    bars = random_candles(BARS, seed=6)
    for column in PRICES:
        getattr(bars, column)[100:250] = bars.close[99]
    bars.volume[100:250] = 0.0
    bars.turnover[100:250] = 0.0
    return bars


@every_indicator_by_bars
def test_a_market_that_stands_still_gives_finite_values(name: str) -> None:
    for values in some_values(name, 2):
        before = look_back(name, values)
        for output, column in outputs_of(name, halted(), **values).items():
            assert not np.isinf(column).any(), output
            if name in NO_VALUE_WITHOUT_VOLUME:
                column = np.concatenate((column[:100], column[255 + before :]))
            assert not np.isnan(column[before:]).any(), output


@every_indicator
def test_a_market_that_stands_still_leaves_no_rest_of_what_was_before(name: str) -> None:
    """A running sum keeps rounding errors of large volumes; over a window of nothing they would be the value."""
    declaration = REGISTRY.indicators[name]
    if declaration.recursive:
        return
    for values in some_values(name, 2):
        before = look_back(name, values)
        whole, inside = (
            outputs_of(name, halted(), **values),
            outputs_of(name, halted().slice(105, 250), **values),
        )
        for output, column in inside.items():
            np.testing.assert_allclose(
                whole[output][105 + before : 250], column[before:], rtol=1e-9, atol=1e-9, err_msg=output
            )


@every_indicator_by_bars
def test_a_price_that_never_moved_gives_finite_values(name: str) -> None:
    bars = random_candles(BARS)
    for column in PRICES:
        getattr(bars, column)[:] = 0.1
    before = look_back(name, defaults(REGISTRY.indicators[name]))
    for output, column in outputs_of(name, bars).items():
        assert np.isfinite(column[before:]).all(), output


@every_indicator
def test_outputs_grow_with_the_price_or_not_at_all(name: str) -> None:
    """A market quoted in another unit: what is plotted on the price moves with it, the rest by a power of the unit."""
    unit = 1024.0
    priced = {column: getattr(market(), column) * unit for column in (*PRICES, "turnover")}
    other = outputs_of(name, dataclasses.replace(market(), **priced))
    for output, column in outputs_of(name, market()).items():
        if f"{name}.{output}" in OF_NO_PRICE_SCALE:
            continue
        known = ~np.isnan(column)
        fits = [
            degree
            for degree in (-1, 0, 1, 2)
            if np.allclose(other[output][known], column[known] * unit**degree, rtol=1e-7, atol=1e-7)
        ]
        assert fits, output
        if REGISTRY.indicators[name].plot == "price" and not _is_flag(column[known]):
            assert 1 in fits, output


def _is_flag(column: Column) -> bool:
    return bool(np.isin(column, (-1.0, 0.0, 1.0)).all())


@every_indicator_by_bars
def test_coins_of_a_billionth_and_of_a_billion_have_values(name: str) -> None:
    before = look_back(name, defaults(REGISTRY.indicators[name]))
    for unit in (1e-10, 1e9):
        priced = {column: getattr(market(), column) * unit for column in (*PRICES, "turnover")}
        for output, column in outputs_of(name, dataclasses.replace(market(), **priced)).items():
            assert np.isfinite(column[before:]).all(), (output, unit)


# Memory of the start ----------------------------------------------------------------------------------------


@every_indicator
def test_only_what_is_marked_recursive_depends_on_where_the_history_starts(name: str) -> None:
    declaration = REGISTRY.indicators[name]
    differs = False
    for values in some_values(name, 3):
        before = look_back(name, values)
        whole = outputs_of(name, market(), **values)
        later = outputs_of(name, market().slice(37, BARS), **values)
        for output, column in later.items():
            same = np.allclose(column[before:], whole[output][37 + before :], rtol=1e-7, atol=1e-7)
            assert same or declaration.recursive, (output, values)
            differs |= not same
    assert differs or not declaration.recursive, "it is marked recursive but does not depend on the start"


# Columns ----------------------------------------------------------------------------------------------------


@every_indicator
def test_inputs_stay_as_they_are_and_outputs_are_columns_of_their_own(name: str) -> None:
    declaration = REGISTRY.indicators[name]
    before = {column: getattr(market(), column).copy() for column in COLUMNS}
    results = outputs_of(name, market())  # its columns are read-only
    for column, copy in before.items():
        np.testing.assert_array_equal(getattr(market(), column), copy)
    assert tuple(results) == declaration.outputs
    for output, result in results.items():
        assert result.shape == (BARS,), output
        assert result.dtype == np.float64, output
        assert result.flags.c_contiguous, output
        assert not any(np.may_share_memory(result, getattr(market(), column)) for column in COLUMNS), output


@every_indicator
def test_its_declaration_is_complete(name: str) -> None:
    declaration = REGISTRY.indicators[name]
    pattern = re.compile(r"[a-z][a-z0-9_]*")
    words = (name, *declaration.outputs, *(each.name for each in declaration.parameters))
    assert all(pattern.fullmatch(each) for each in words), words
    assert len(set(declaration.outputs)) == len(declaration.outputs)
    assert declaration.label
    assert declaration.help.endswith(".")
    assert len(declaration.help) <= 120
    assert declaration.compute.__doc__
    assert declaration.plot in {"price", "below"}
    assert declaration.main in {"", *declaration.outputs}
    assert set(declaration.inputs) <= set(INPUT_COLUMNS)
    for each in declaration.parameters:
        assert each.help.endswith("."), each.name
        if each.kind in {ParameterKind.INTEGER, ParameterKind.NUMBER}:
            assert each.low is not None
            assert each.high is not None
            assert isinstance(each.default, int | float)
            assert each.low <= each.default <= each.high, each.name
        if each.kind is ParameterKind.CHOICE:
            assert each.default in each.choices
        if each.kind is ParameterKind.SERIES:
            assert isinstance(each.default, str)
            candle_series(market(), each.default)


@every_indicator
def test_its_defaults_obey_its_own_rule(name: str) -> None:
    declaration = REGISTRY.indicators[name]
    assert declaration.rule is None or not list(declaration.rule(defaults(declaration)))


def test_the_rehearsal_compiles_everything_that_any_indicator_runs() -> None:
    """Compiling happens in a child process, once: a loop called with other types would be compiled in the app."""
    for module in (kernels, loops, ranks):
        module.rehearse()
    for name in NAMES:
        outputs_of(name, market())
        outputs_of(name, random_candles(200))  # its columns can be written to
    for name in ("percentile", "percent_rank"):
        outputs_of(name, market(), length=300)  # so many values are put in order in another way
    for module in (kernels, loops, ranks):
        compiled = {
            each: found
            for each, found in vars(module).items()
            if hasattr(found, "signatures") and not each.startswith("_")  # parts of others
        }
        assert {each for each, found in compiled.items() if len(found.signatures) != 1} == set()


def test_names_and_labels_are_told_apart() -> None:
    labels = [declaration.label for declaration in REGISTRY.indicators.values()]
    assert len(set(labels)) == len(labels)


def test_every_indicator_is_compared_with_an_independent_source() -> None:
    """Each module of tests names in COMPARED what it holds against another library or a plain computation."""
    compared: set[str] = set()
    for path in sorted(Path(__file__).parent.glob("test_indicators*.py")):
        if path != Path(__file__):
            compared |= set(getattr(import_module(f"tests.engine.strategy.{path.stem}"), "COMPARED", ()))
    assert sorted(set(NAMES) - compared) == []
