"""Every registered indicator: against a plain computation, never from a later bar, never before its look-back."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

from tests.engine.strategy.helpers import NAN, REGISTRY, random_candles
from tradebot.engine.market import Candles
from tradebot.engine.strategy.compute import compute_indicator
from tradebot.engine.strategy.registry import ParameterKind, Value
from tradebot.engine.strategy.series import candle_series

Columns = dict[str, list[float]]


def outputs(name: str, bars: Candles, source: np.ndarray | None = None, **values: Value) -> Columns:
    """The outputs of an indicator with its defaults, and with `source` in place of the close."""
    declaration = REGISTRY.indicators[name]
    complete = {each.name: each.default for each in declaration.parameters} | values
    columns = [candle_series(bars, column) for column in declaration.inputs]
    if any(each.kind is ParameterKind.SERIES for each in declaration.parameters):
        columns.append(bars.close if source is None else source)
    others = {name: value for name, value in complete.items() if name != "source"}
    computed = compute_indicator(declaration, columns, complete, others)
    return {output: column.tolist() for output, column in zip(declaration.outputs, computed, strict=True)}


# The plain computations ------------------------------------------------------------------------------------


def plain_sma(values: list[float], length: int) -> list[float]:
    return [
        math.fsum(values[i - length + 1 : i + 1]) / length if i >= length - 1 else NAN
        for i in range(len(values))
    ]


def plain_ema(values: list[float], length: int, seed_end: int | None = None) -> list[float]:
    """Seeded with the mean of the `length` values that end at `seed_end`."""
    end = length - 1 if seed_end is None else seed_end
    result = [NAN] * len(values)
    result[end] = math.fsum(values[end - length + 1 : end + 1]) / length
    for i in range(end + 1, len(values)):
        result[i] = result[i - 1] + 2 / (length + 1) * (values[i] - result[i - 1])
    return result


def wilder(values: list[float], length: int, first: int) -> list[float]:
    """Wilder's mean, started with the plain mean of the `length` values from `first` on."""
    result = [NAN] * len(values)
    result[first + length - 1] = math.fsum(values[first : first + length]) / length
    for i in range(first + length, len(values)):
        result[i] = (result[i - 1] * (length - 1) + values[i]) / length
    return result


def plain_rsi(values: list[float], length: int) -> list[float]:
    changes = [NAN] + [after - before for before, after in pairwise(values)]
    gains = wilder([max(change, 0.0) for change in changes], length, 1)
    losses = wilder([max(-change, 0.0) for change in changes], length, 1)
    return [100 * gain / (gain + loss) for gain, loss in zip(gains, losses, strict=True)]


def true_ranges(bars: Candles) -> list[float]:
    high, low, close = bars.high.tolist(), bars.low.tolist(), bars.close.tolist()
    return [NAN] + [max(high[i], close[i - 1]) - min(low[i], close[i - 1]) for i in range(1, len(bars))]


def plain_adx(bars: Candles, length: int) -> Columns:
    """Wilder's sums as TA-Lib takes them: the first one over `length - 1` bars, then `sum - sum / length + new`."""
    high, low = bars.high.tolist(), bars.low.tolist()
    ups = [0.0] + [high[i] - high[i - 1] for i in range(1, len(bars))]
    downs = [0.0] + [low[i - 1] - low[i] for i in range(1, len(bars))]
    plus = [up if up > down and up > 0 else 0.0 for up, down in zip(ups, downs, strict=True)]
    minus = [down if down > up and down > 0 else 0.0 for up, down in zip(ups, downs, strict=True)]

    def summed(values: list[float]) -> list[float]:
        total = math.fsum(values[1:length])
        result = [NAN] * length
        for value in values[length:]:
            total = total - total / length + value
            result.append(total)
        return result

    ranges = summed(true_ranges(bars))
    plus_di = [100 * part / whole for part, whole in zip(summed(plus), ranges, strict=True)]
    minus_di = [100 * part / whole for part, whole in zip(summed(minus), ranges, strict=True)]
    index = [100 * abs(up - down) / (up + down) for up, down in zip(plus_di, minus_di, strict=True)]
    return {"adx": wilder(index, length, length), "plus_di": plus_di, "minus_di": minus_di}


def plain_macd(values: list[float], fast: int, slow: int, signal: int) -> Columns:
    """Both averages are seeded at the bar on which the slow one can be."""
    slow_line, fast_line = plain_ema(values, slow), plain_ema(values, fast, slow - 1)
    line = [one - other for one, other in zip(fast_line, slow_line, strict=True)]
    average = [NAN] * (slow - 1) + plain_ema(line[slow - 1 :], signal)
    return {
        "macd": line,
        "signal": average,
        "histogram": [one - other for one, other in zip(line, average, strict=True)],
    }


def plain_bbands(values: list[float], length: int, deviations: float) -> Columns:
    middle = plain_sma(values, length)
    upper, lower = [NAN] * len(values), [NAN] * len(values)
    for i in range(length - 1, len(values)):
        window = values[i - length + 1 : i + 1]
        deviation = math.sqrt(math.fsum((value - middle[i]) ** 2 for value in window) / length)
        upper[i], lower[i] = middle[i] + deviations * deviation, middle[i] - deviations * deviation
    return {"upper": upper, "middle": middle, "lower": lower}


PLAIN: dict[str, Callable[..., Columns]] = {
    "sma": lambda bars, length: {"value": plain_sma(bars.close.tolist(), length)},
    "ema": lambda bars, length: {"value": plain_ema(bars.close.tolist(), length)},
    "rsi": lambda bars, length: {"value": plain_rsi(bars.close.tolist(), length)},
    "atr": lambda bars, length: {"value": wilder(true_ranges(bars), length, 1)},
    "macd": lambda bars, **values: plain_macd(bars.close.tolist(), **values),
    "bbands": lambda bars, **values: plain_bbands(bars.close.tolist(), **values),
    "adx": lambda bars, length: plain_adx(bars, length),
}
COMPARED = set(PLAIN)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("sma", {"length": 2}),
        ("sma", {"length": 20}),
        ("ema", {"length": 2}),
        ("ema", {"length": 21}),
        ("rsi", {"length": 2}),
        ("rsi", {"length": 14}),
        ("atr", {"length": 1}),
        ("atr", {"length": 14}),
        ("macd", {"fast": 12, "slow": 26, "signal": 9}),
        ("macd", {"fast": 3, "slow": 5, "signal": 1}),
        ("bbands", {"length": 2, "deviations": 1.0}),
        ("bbands", {"length": 20, "deviations": 2.5}),
        ("adx", {"length": 2}),
        ("adx", {"length": 14}),
    ],
)
def test_agrees_with_a_plain_computation(name: str, values: dict[str, Value]) -> None:
    bars = random_candles(400, seed=7)
    look_back = REGISTRY.indicators[name].look_back(values)
    expected = PLAIN[name](bars, **values)
    for output, column in outputs(name, bars, **values).items():
        assert np.isnan(column[:look_back]).all()
        assert column[look_back:] == pytest.approx(expected[output][look_back:], rel=1e-9, abs=1e-9), output


def test_an_indicator_of_an_indicator_starts_where_its_source_has_values() -> None:
    bars = random_candles(100)
    mean = np.array(outputs("sma", bars, length=10)["value"])
    smoothed = outputs("ema", bars, source=mean, length=5)["value"]
    assert np.isnan(smoothed[:13]).all()
    assert smoothed[13:] == pytest.approx(plain_ema(mean[9:].tolist(), 5)[4:], rel=1e-9)


def test_declarations_are_complete() -> None:
    """The form, the check and `--set` are made from them."""
    for family in ("indicators", "signals", "combinations", "sizings", "stops", "targets", "sections"):
        for declaration in REGISTRY.family(family).values():
            assert declaration.label
            assert declaration.help.endswith(".")
            for parameter in declaration.parameters:
                assert parameter.help.endswith("."), (declaration.name, parameter.name)
                if parameter.kind in {ParameterKind.INTEGER, ParameterKind.NUMBER} and family == "indicators":
                    assert parameter.low is not None
                    assert parameter.high is not None
                    assert parameter.low <= parameter.default <= parameter.high
    for declaration in REGISTRY.indicators.values():
        assert declaration.plot in {"price", "below"}
        assert declaration.main in {"", *declaration.outputs}


def test_a_name_is_registered_once() -> None:
    with pytest.raises(ValueError, match="sma"):
        type(REGISTRY)([REGISTRY.indicators["sma"], REGISTRY.indicators["sma"]])


@pytest.mark.parametrize(
    ("name", "values", "look_back"),
    [
        ("sma", {"length": 20}, 19),
        ("ema", {"length": 20}, 19),
        ("rsi", {"length": 14}, 14),  # a change needs two bars
        ("atr", {"length": 14}, 14),
        ("macd", {"fast": 12, "slow": 26, "signal": 9}, 33),
        ("bbands", {"length": 20, "deviations": 2.0}, 19),
        ("adx", {"length": 14}, 27),
    ],
)
def test_look_backs(name: str, values: dict[str, Value], look_back: int) -> None:
    assert REGISTRY.indicators[name].look_back(values) == look_back


def test_an_indicator_may_take_the_times_of_the_bars() -> None:
    """UTC milliseconds, exact in float64."""
    late = 4_102_444_799_999  # the last millisecond of 2099
    bars = dataclasses.replace(random_candles(3), time=np.array([0, 60_000, late]))
    assert candle_series(bars, "time").tolist() == [0, 60_000, late]
    assert candle_series(bars, "close_time").tolist() == [60_000, 120_000, late + 60_000]
    with pytest.raises(KeyError):
        candle_series(bars, "date")
