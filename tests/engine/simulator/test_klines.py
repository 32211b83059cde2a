"""Which klines a request gets (Bybit's window rules)."""

from __future__ import annotations

import pytest

from tradebot.engine.market import DAY_MS, HOUR_MS, MINUTE_MS
from tradebot.engine.simulator.bars import Interval
from tradebot.engine.simulator.klines import KlineWindow

NOW = 1_741_774_830_500  # 10:20:30.5
MINUTE = NOW // MINUTE_MS
LAUNCH = NOW - 10 * DAY_MS


def window(start: int | None, end: int | None, limit: int = 10) -> tuple[int, int]:
    return KlineWindow(Interval("1"), start, end, limit).numbers(LAUNCH, NOW)


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (None, None, (MINUTE - 9, MINUTE)),
        (None, NOW - HOUR_MS, (MINUTE - 69, MINUTE - 60)),
        (NOW - HOUR_MS, None, (MINUTE - 60, MINUTE - 51)),
        (NOW - 3 * MINUTE_MS, None, (MINUTE - 3, MINUTE)),
        (NOW - 5 * MINUTE_MS, NOW - 2 * MINUTE_MS, (MINUTE - 5, MINUTE - 2)),
        (NOW - HOUR_MS, NOW - 2 * MINUTE_MS, (MINUTE - 11, MINUTE - 2)),
        (NOW - 5 * MINUTE_MS, NOW + DAY_MS, (MINUTE - 5, MINUTE)),
        (LAUNCH - DAY_MS, None, (LAUNCH // MINUTE_MS, LAUNCH // MINUTE_MS + 9)),
    ],
    ids=[
        "nothing: the newest, running candle included",
        "only end: the newest up to it",
        "only start: the first from it",
        "only start near now: up to the running candle",
        "both: from floor(start) to end, inclusive",
        "both, too wide: the newest within",
        "end in the future: up to now",
        "start before the listing: from the listing",
    ],
)
def test_window(start: int | None, end: int | None, expected: tuple[int, int]) -> None:
    assert window(start, end) == expected


@pytest.mark.parametrize(
    ("start", "end"), [(None, LAUNCH - DAY_MS), (LAUNCH - 2 * DAY_MS, LAUNCH - DAY_MS), (NOW + HOUR_MS, None)]
)
def test_nothing_lies_before_the_listing_or_after_now(start: int | None, end: int | None) -> None:
    first, last = window(start, end)
    assert first > last


def test_weeks_begin_on_monday_and_months_on_the_first() -> None:
    week, month = Interval("W"), Interval("M")
    assert week.open_ms(week.number(NOW)) == 1_741_564_800_000  # Monday 2025-03-10
    assert month.open_ms(month.number(NOW)) == 1_740_787_200_000  # 2025-03-01
    assert month.open_ms(month.number(NOW) + 1) == 1_743_465_600_000  # 2025-04-01


@pytest.mark.parametrize("name", ["7", "1m", "", "d", "Y"])
def test_an_unknown_interval_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="interval"):
        Interval(name)
