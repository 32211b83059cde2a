"""The fast check of a page lets in exactly the text the exact rules let in."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.store.helpers import START_MS, bar
from tradebot.engine.market import BarRow, Timeframe
from tradebot.engine.store import pages
from tradebot.engine.store.incoming import sound_lines
from tradebot.engine.store.layout import BARS, MARK_BARS, TableKind
from tradebot.engine.store.pages import plainly_sound
from tradebot.engine.store.rows import bar_problem

NUMBER = st.one_of(
    st.from_regex(r"[0-9]{0,9}\.?[0-9]{0,9}", fullmatch=True),
    st.sampled_from(["1", "1.0", "0", "0.0", "00.1", "1e3", "-1", "+1", ".", "", "1,2", "1\n2", "1.2.3"]),
    st.sampled_from(["nan", "inf", " 1", "1_0", "٣", "12345678901234567890", "0.30000000000000004"]),
)


def fields(row: BarRow, kind: TableKind) -> list[str]:
    return [str(row.time_ms), *row[1:]][: len(kind.columns)]


@settings(max_examples=400, deadline=None)
@given(
    place=st.integers(0, 19),
    column=st.integers(1, 6),
    number=NUMBER,
    shift=st.sampled_from([0, 0, 0, 1, -START_MS]),
    mark=st.booleans(),
)
def test_what_the_fast_check_lets_in_the_exact_rules_let_in_too(
    place: int, column: int, number: str, shift: int, mark: bool
) -> None:
    kind = MARK_BARS if mark else BARS
    rows = [bar(index) for index in range(20)]
    changed = list(rows[place])
    changed[column] = number
    changed[0] = rows[place].time_ms + shift
    rows[place] = BarRow(*changed)  # type: ignore[arg-type]  # built from a list
    sound = all(bar_problem(fields(row, kind), Timeframe.M1, kind) is None for row in rows)
    lines = plainly_sound(rows, Timeframe.M1, kind)
    assert lines is None or sound
    taken, refused = sound_lines(rows, Timeframe.M1, kind)
    assert (refused == []) == sound
    assert len(taken) == 20 - len(refused)
    plain = all(
        set(field) <= set("0123456789.") and len(field) <= 16 for row in rows for field in fields(row, kind)
    )
    if sound and plain and shift == 0:
        assert lines is not None, "what is plain is checked fast"
        assert lines.text == "".join(",".join(fields(row, kind)) + "\n" for row in rows).encode()


@settings(max_examples=300, deadline=None)
@given(st.lists(st.from_regex(r"[1-9][0-9]{0,7}(\.[0-9]{1,7})?", fullmatch=True), min_size=4, max_size=4))
def test_prices_are_compared_as_the_numbers_they_are(prices: list[str]) -> None:
    row = BarRow(START_MS, prices[0], prices[1], prices[2], prices[3], "0", "")
    sound = bar_problem(fields(row, BARS), Timeframe.M1) is None
    assert (plainly_sound([row], Timeframe.M1, BARS) is not None) == sound


@pytest.mark.parametrize("bad", [None, 0, 4, 5, 11])
def test_many_rows_are_checked_page_by_page(monkeypatch: pytest.MonkeyPatch, bad: int | None) -> None:
    monkeypatch.setattr(pages, "_PAGE_ROWS", 5)
    rows = [bar(index) for index in range(12)]
    if bad is not None:
        rows[bad] = rows[bad]._replace(low="0")
    lines = plainly_sound(rows, Timeframe.M1, BARS)
    assert (lines is None) == (bad is not None)
    if lines is not None:
        assert lines.times.tolist() == [row.time_ms for row in rows]
        assert lines.text.count(b"\n") == 12
