"""Pages of bars: only whole, positive numbers pass; the order of a page never matters."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradebot.engine.exchange import MalformedError
from tradebot.engine.exchange.bars import parse_klines
from tradebot.engine.market import BarRow, Timeframe

M1 = Timeframe.M1
AT = 1_670_605_200_000


def row(minute: int = 0, **fields: str) -> list[str]:
    values = {"open": "10", "high": "12.5", "low": "9", "close": "11", "volume": "0", "turnover": "0"}
    return [str(AT + minute * 60_000), *(values | fields).values()]


def answer(rows: list[Any]) -> dict[str, Any]:
    return {"result": {"symbol": "BTCUSDT", "list": rows}}


def test_bars_of_the_mark_price_have_no_volume() -> None:
    bars = parse_klines(answer([row()[:5]]), "BTCUSDT", mark=True)
    assert bars.within(M1, AT, AT) == [BarRow(AT, "10", "12.5", "9", "11", "", "")]
    assert bars.problems == ()


def test_a_page_of_the_other_kind_is_refused() -> None:
    with pytest.raises(MalformedError, match=r"mark price kline answer.*7 fields instead of 5"):
        parse_klines(answer([row()]), mark=True)
    with pytest.raises(MalformedError, match=r"kline answer.*5 fields instead of 7"):
        parse_klines(answer([row()[:5]]))


@pytest.mark.parametrize("zero", ["0", "0.0", "0.000", "00"])
@pytest.mark.parametrize("name", ["open", "high", "low", "close"])
def test_a_row_with_a_price_of_zero_is_left_out_and_said_and_the_others_are_kept(
    name: str, zero: str
) -> None:
    bars = parse_klines(answer([row(2), row(1, **{name: zero}), row(0)]))
    assert bars.times == [AT + 120_000, AT]
    (problem,) = bars.problems
    assert f"`{name}`" in problem
    assert str(AT + 60_000) in problem


def test_no_trade_in_a_minute_is_no_fault() -> None:
    bars = parse_klines(answer([row(volume="0", turnover="0.0000")]))
    assert (bars.times, bars.problems) == ([AT], ())


@pytest.mark.parametrize(
    "value", ["NaN", "Infinity", "-1", "1e5", "", " 1", "1 ", "+1", "٣", "1_0", ".5", "5."]
)
@pytest.mark.parametrize("name", ["open", "close", "volume"])
def test_what_is_no_plain_decimal_number_is_refused(name: str, value: str) -> None:
    with pytest.raises(MalformedError, match=f"`{name}`"):
        parse_klines(answer([row(), row(1, **{name: value})]))


@given(
    st.lists(st.integers(0, 40), max_size=30),
    st.integers(-5, 45),
    st.integers(-5, 45),
)
def test_rows_within_a_range_rise_each_once(minutes: list[int], first: int, last: int) -> None:
    bars = parse_klines(answer([row(minute) for minute in minutes]))
    found = bars.within(M1, AT + first * 60_000, AT + last * 60_000)
    assert [bar.time_ms for bar in found] == [
        AT + minute * 60_000 for minute in sorted(set(minutes)) if first <= minute <= last
    ]


def test_the_usual_page_and_a_shuffled_one_give_the_same() -> None:
    usual = [row(minute) for minute in range(9, -1, -1)]
    shuffled = usual[3:] + usual[:5]
    span = (AT + 60_000, AT + 7 * 60_000)
    first, second = (parse_klines(answer(page)).within(M1, *span) for page in (usual, shuffled))
    assert first == second
    assert len(first) == 7


@pytest.mark.parametrize("minutes", [[0], [2, 1, 0], [0, 2]])
def test_a_bar_off_the_grid_is_refused_in_any_page(minutes: list[int]) -> None:
    page = [[str(int(time_ms) + 1), *values] for time_ms, *values in map(row, minutes)]
    with pytest.raises(MalformedError, match="grid"):
        parse_klines(answer(page)).within(M1, 0, 2 * AT)


def test_times_far_apart_cost_no_memory() -> None:
    page = [["99999999999999", *row()[1:]], ["100000000000", *row()[1:]]]
    with pytest.raises(MalformedError, match="grid"):
        parse_klines(answer(page)).within(M1, 0, 10**15)
