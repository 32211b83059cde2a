"""A page of bars is a sequence of bars, whatever it is kept as."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradebot.engine.market import BarPage, BarRow

START = 1_700_000_000_000


def bars(count: int, mark: bool = False) -> list[BarRow]:
    tail = ("", "") if mark else ("3.250", "0")
    return [BarRow(START + n * 60_000, f"{n}.10", "9000", "0.5", "17.0", *tail) for n in range(count)]


def page(rows: list[BarRow], mark: bool = False) -> BarPage:
    width = 5 if mark else 7
    lines = [",".join(map(str, row[:width])).encode() for row in rows]
    return BarPage.of_lines(lines, [row.time_ms for row in rows], mark)


@given(st.integers(0, 20), st.booleans(), st.slices(20))
def test_a_page_is_read_like_a_list_of_its_bars(count: int, mark: bool, part: slice) -> None:
    rows = bars(count, mark)
    made = page(rows, mark)
    assert len(made) == count
    assert made == rows
    assert rows == made
    assert made[part] == rows[part]
    assert list(made[part]) == rows[part]
    assert list(made) == rows
    assert [made[n] for n in range(-count, count)] == [rows[n] for n in range(-count, count)]
    assert (made != rows[1:]) == (count > 0)
    assert made.times.tolist() == [row.time_ms for row in rows]


def test_text_is_a_line_for_each_bar_in_the_exchanges_own_digits() -> None:
    assert page(bars(1)).text == b"1700000000000,0.10,9000,0.5,17.0,3.250,0\n"
    assert page(bars(1, mark=True), mark=True).text == b"1700000000000,0.10,9000,0.5,17.0\n"
    assert page([]).text == b""


@given(st.lists(st.integers(0, 5), max_size=4))
def test_pages_that_follow_on_each_other_become_one(lengths: list[int]) -> None:
    rows = bars(sum(lengths))
    pages, at = [], 0
    for length in lengths:
        pages.append(page(rows[at : at + length]))
        at += length
    assert BarPage.join(pages) == rows


def test_beyond_the_end_there_is_no_bar() -> None:
    with pytest.raises(IndexError):
        page(bars(3))[3]
