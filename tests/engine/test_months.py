"""The month grid and the coverage strip: exact to the bar, whatever the timeframe and wherever the gaps are."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradebot.engine.listing import COVERAGE_BUCKETS, coverage
from tradebot.engine.market import DAY_MS, HOUR_MS, MINUTE_MS, DatasetKey
from tradebot.engine.months import months_view

KEY = DatasetKey("linear", "BTCUSDT", "1h")
JANUARY = round(datetime(2024, 1, 1, tzinfo=UTC).timestamp()) * 1000


def test_days_gaps_and_known_holes_of_two_months() -> None:
    last = JANUARY + 35 * DAY_MS - HOUR_MS
    missing = [
        (JANUARY + 23 * HOUR_MS, JANUARY + 26 * HOUR_MS),
        (JANUARY + 9 * DAY_MS, JANUARY + 10 * DAY_MS),
    ]
    view = months_view(KEY, JANUARY + 6 * HOUR_MS, last, missing, [(*missing[1], 5)])
    assert [(month.year, month.month, len(month.days)) for month in view.months] == [
        (2024, 1, 31),
        (2024, 2, 29),
    ]
    january, february = view.months
    assert january.days[0] == pytest.approx(1 - 1 / 18)  # the day begins with the dataset at 06:00
    assert january.days[1] == pytest.approx(1 - 2 / 24)
    assert january.days[2] == 1.0
    assert january.days[9] == 0.0
    assert january.known == (10,)
    assert february.days[:4] == (1.0,) * 4
    assert set(february.days[4:]) == {-1.0}
    assert [(gap.bars, gap.known, gap.seen_ms) for gap in view.gaps] == [(3, False, 0), (24, True, 5)]


def test_a_hole_of_the_exchange_inside_a_gap_parts_it() -> None:
    step = HOUR_MS
    view = months_view(KEY, JANUARY, JANUARY + 99 * step, [(JANUARY + 10 * step, JANUARY + 20 * step)], [
        (JANUARY + 5 * step, JANUARY + 12 * step, 1), (JANUARY + 15 * step, JANUARY + 17 * step, 2)])  # fmt: skip
    assert [(gap.bars, gap.known) for gap in view.gaps] == [(2, True), (3, False), (2, True), (3, False)]


@given(st.data())
def test_the_bars_of_the_gaps_add_up_whatever_the_holes(data: st.DataObject) -> None:
    bars = data.draw(st.lists(st.integers(0, 2000), unique=True, min_size=1, max_size=40).map(sorted))
    holes = data.draw(st.lists(st.integers(0, 2000), unique=True, max_size=40).map(sorted))
    missing = [(JANUARY + bar * HOUR_MS, JANUARY + (bar + 1) * HOUR_MS) for bar in bars]
    known = [(JANUARY + hole * HOUR_MS, JANUARY + (hole + 1) * HOUR_MS, 7) for hole in holes]
    view = months_view(KEY, JANUARY - HOUR_MS, JANUARY + 2001 * HOUR_MS, missing, known)
    assert sum(gap.bars for gap in view.gaps) == len(bars)
    assert sum(gap.bars for gap in view.gaps if gap.known) == len(set(bars) & set(holes))
    absent = sum((1 - share) for month in view.months for share in month.days if share >= 0)
    assert absent > 0


def test_coverage_is_what_the_bars_cover_of_the_common_time() -> None:
    axis = (JANUARY, JANUARY + 24 * DAY_MS)
    assert coverage(*axis, [], axis) == (1.0,) * COVERAGE_BUCKETS
    shares = coverage(
        JANUARY + 2 * DAY_MS, axis[1] - 12 * HOUR_MS, [(JANUARY + 5 * DAY_MS, JANUARY + 6 * DAY_MS)], axis
    )
    assert shares[:2] == (0.0, 0.0)
    assert shares[5] == 0.0
    assert shares[-1] == pytest.approx(0.5)
    assert set(shares[2:5] + shares[6:-1]) == {1.0}
    minute = coverage(*axis, [(JANUARY + 7 * DAY_MS, JANUARY + 7 * DAY_MS + MINUTE_MS)], axis)
    assert minute[7] == pytest.approx(1 - 1 / 1440)
