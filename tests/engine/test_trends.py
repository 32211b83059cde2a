"""The trend of a followed symbol: an hourly close each of the last day, read from the end of its stored file."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tradebot.engine.control.clock import ManualClock
from tradebot.engine.listing import Listing
from tradebot.engine.market import HOUR_MS, BarRow, Category, DatasetKey
from tradebot.engine.messages import DatasetView, TrendView
from tradebot.engine.store import Store, recent
from tradebot.engine.store.check_book import CheckBook
from tradebot.engine.store.recent import recent_bars
from tradebot.engine.trends import Trends

MINUTE_MS = 60_000
NOON_MS = 1_700_006_400_000 + 12 * HOUR_MS
"""The hour under way in these tests begins here."""
BTC = DatasetKey("linear", "BTCUSDT", "1m")
BTC_HOURS = DatasetKey("linear", "BTCUSDT", "1h")


def bar(time_ms: int, close: float) -> BarRow:
    return BarRow(time_ms, str(close), str(close), str(close), str(close), "1", "1")


def minutes(since_ms: int, until_ms: int) -> list[BarRow]:
    """Minutes whose close is the number of hours since NOON_MS."""
    return [bar(at, 100 + (at - NOON_MS) / HOUR_MS) for at in range(since_ms, until_ms, MINUTE_MS)]


def close_of_hour(hours: int) -> float:
    return 100 + (hours * HOUR_MS - MINUTE_MS) / HOUR_MS


@dataclass
class House:
    """A store, what is quoted, and a clock that is ten minutes into the hour."""

    folder: Path
    clock: ManualClock = field(default_factory=lambda: ManualClock(NOON_MS + 10 * MINUTE_MS))
    quoted: list[tuple[Category, str]] = field(default_factory=lambda: [(Category.LINEAR, "BTCUSDT")])

    def __post_init__(self) -> None:
        self.store = Store(self.folder, self.clock)
        self.trends = Trends(self.store, self.clock, self.clock.now_ms, lambda: self.quoted, self.datasets)

    def datasets(self) -> tuple[DatasetView, ...]:
        return Listing(self.store).look({}, CheckBook(self.folder), 0, self.clock.now_ms())

    def views(self, seconds_later: float = 0.0) -> tuple[TrendView, ...]:
        """What is shown after a look that much later."""
        asyncio.run(self.clock.advance(seconds_later))
        self.trends.look()
        return self.trends.views

    def closes(self, seconds_later: float = 0.0) -> tuple[float | None, ...]:
        (view,) = self.views(seconds_later)
        return view.closes


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


@pytest.fixture
def read_bytes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many bytes of text each read gave."""
    found: list[int] = []
    real = recent._end_of_file

    def counted(path: Path, length: int) -> bytes:
        text = real(path, length)
        found.append(len(text))
        return text

    monkeypatch.setattr(recent, "_end_of_file", counted)
    return found


def test_the_last_of_24_closes_is_that_of_the_hour_under_way(house: House) -> None:
    house.store.append(BTC, minutes(NOON_MS - 40 * HOUR_MS, NOON_MS + 10 * MINUTE_MS))
    (view,) = house.views()
    assert view.symbol == "BTCUSDT"
    assert view.closes[:23] == tuple(close_of_hour(hours) for hours in range(-22, 1))
    assert view.closes[23] == pytest.approx(100 + 9 / 60)


def test_hours_without_bars_have_no_close(house: House) -> None:
    house.store.append(BTC, minutes(NOON_MS - 5 * HOUR_MS, NOON_MS - 3 * HOUR_MS))
    house.store.append(BTC, minutes(NOON_MS - HOUR_MS, NOON_MS - 30 * MINUTE_MS))
    assert house.closes() == (
        *(None,) * 18,
        close_of_hour(-4),
        close_of_hour(-3),
        None,
        None,
        pytest.approx(99.5 - 1 / 60),
        None,
    )


def test_of_several_timeframes_the_one_that_covers_most_of_the_day_is_read_then_the_finest(
    house: House,
) -> None:
    house.store.append(BTC_HOURS, [bar(NOON_MS - hours * HOUR_MS, 7.0) for hours in range(48, 0, -1)])
    house.store.append(BTC, minutes(NOON_MS - 2 * HOUR_MS, NOON_MS + 10 * MINUTE_MS))
    assert house.closes()[:23] == (7.0,) * 23
    house.store.merge(BTC, minutes(NOON_MS - 30 * HOUR_MS, NOON_MS - 2 * HOUR_MS))
    assert house.closes(61)[:23] == tuple(close_of_hour(hours) for hours in range(-22, 1))


def test_neither_other_categories_nor_mark_prices_nor_longer_bars_are_taken(house: House) -> None:
    rows = minutes(NOON_MS - 3 * HOUR_MS, NOON_MS)
    house.store.append(DatasetKey("spot", "BTCUSDT", "1m"), rows)
    house.store.append(DatasetKey("linear", "BTCUSDT", "1m", mark=True), rows)
    house.store.append(DatasetKey("linear", "BTCUSDT", "4h"), [bar(NOON_MS - 4 * HOUR_MS, 1.0)])
    assert house.views() == ()


def test_files_are_read_once_a_minute_and_then_only_what_came_since(
    house: House, read_bytes: list[int]
) -> None:
    rows = minutes(NOON_MS - 80 * HOUR_MS, NOON_MS + 10 * MINUTE_MS)
    house.store.append(BTC, rows)
    row_bytes = house.store.parts.layout.bars(BTC).stat().st_size / len(rows)
    house.views()
    assert 24 * 60 * row_bytes < read_bytes[0] < 80 * 60 * row_bytes, "not the whole file"
    house.views(59)
    assert len(read_bytes) == 1
    house.store.append(BTC, [bar(NOON_MS + 10 * MINUTE_MS, 200.0)])
    assert house.closes(1)[23] == 200.0
    assert len(read_bytes) == 2
    assert read_bytes[1] < 3 * 60 * row_bytes


def test_an_hour_that_ends_is_closed_and_the_next_one_begins(house: House) -> None:
    house.store.append(BTC, minutes(NOON_MS - 24 * HOUR_MS, NOON_MS + 10 * MINUTE_MS))
    before = house.closes()
    house.store.append(BTC, minutes(NOON_MS + 10 * MINUTE_MS, NOON_MS + HOUR_MS + 5 * MINUTE_MS))
    assert house.closes(55 * 60) == (*before[1:23], close_of_hour(1), pytest.approx(101 + 4 / 60))


def test_history_that_is_added_later_fills_the_hours_it_belongs_to(house: House) -> None:
    house.store.append(BTC, minutes(NOON_MS - 2 * HOUR_MS, NOON_MS))
    assert house.closes()[:21] == (None,) * 21
    house.store.merge(BTC, minutes(NOON_MS - 24 * HOUR_MS, NOON_MS - 2 * HOUR_MS))
    assert None not in house.closes(61)[:23]


def test_a_symbol_without_bars_is_looked_at_again_soon(house: House) -> None:
    assert house.views() == ()
    house.store.append(BTC, minutes(NOON_MS - HOUR_MS, NOON_MS))
    assert house.views(4) == ()
    assert house.closes(1)[22] == close_of_hour(0)


def test_of_many_symbols_some_are_read_at_a_time(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.quoted[:] = [(Category.LINEAR, f"A{number:03}USDT") for number in range(60)]
    read: list[str] = []

    def closes(quoted: tuple[Category, str], *_: object) -> tuple[float | None, ...]:
        read.append(quoted[1])
        return (1.0,) * 24

    monkeypatch.setattr(house.trends, "_closes", closes)
    assert [len(house.views(1)) for _ in range(4)] == [25, 50, 60, 60]
    assert read == sorted(set(read)), "each once, none left out"
    house.views(58)
    assert read.count("A000USDT") == 2
    assert read.count("A025USDT") == 1, "its minute is not over"


def test_what_is_not_quoted_any_more_is_left_out(house: House) -> None:
    eth = DatasetKey("linear", "ETHUSDT", "1m")
    for key in (BTC, eth):
        house.store.append(key, minutes(NOON_MS - HOUR_MS, NOON_MS))
    house.quoted.append((Category.LINEAR, "ETHUSDT"))
    assert [view.symbol for view in house.views()] == ["BTCUSDT", "ETHUSDT"]
    del house.quoted[0]
    assert [view.symbol for view in house.views()] == ["ETHUSDT"]


def test_a_damaged_end_costs_the_trend_and_nothing_else(house: House) -> None:
    house.store.append(BTC, minutes(NOON_MS - HOUR_MS, NOON_MS))
    datasets = house.datasets()
    with house.store.parts.layout.bars(BTC).open("a", encoding="utf-8", newline="") as file:
        file.write("no,bar\n")
    trends = Trends(house.store, house.clock, house.clock.now_ms, lambda: house.quoted, lambda: datasets)
    trends.look()
    assert trends.views == ()


def test_rows_that_wait_beside_a_locked_file_belong_to_it(house: House) -> None:
    house.store.append(BTC, minutes(NOON_MS - HOUR_MS, NOON_MS))
    path = house.store.parts.layout.bars(BTC)
    path.with_name(path.name + ".journal").write_text(
        f"{NOON_MS},5,5,5,5,1,1\n", encoding="utf-8", newline=""
    )
    bars = recent_bars(Store(house.folder, read_only=True), BTC, NOON_MS - 120_000, NOON_MS + MINUTE_MS)
    assert bars.time.tolist() == [NOON_MS - 120_000, NOON_MS - 60_000, NOON_MS]
    assert bars.values[3][-1] == 5.0
