"""The column cache: the same data bit for bit, whatever happens to the CSV or to the cache."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.engine.store.helpers import KEY, START_MS, bar, bars, text_of, write
from tradebot.engine.control.errors import InputError
from tradebot.engine.market import BarRow, Candles
from tradebot.engine.store import Store, parsing, reading

COLUMNS = ("time", "open", "high", "low", "close", "volume", "turnover")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def csv(store: Store) -> Path:
    return store.folder / "linear" / "BTCUSDT_1m.csv"


def cache(store: Store) -> Path:
    return store.folder / "linear" / ".cache" / "BTCUSDT_1m"


def newest(store: Store) -> Path:
    return max(cache(store).iterdir())


def assert_equal(left: Candles, right: Candles) -> None:
    for name in COLUMNS:
        assert getattr(left, name).tobytes() == getattr(right, name).tobytes(), name


def copied(candles: Candles) -> Candles:
    """Not mapped any more: on Windows nobody can damage a file that we hold."""
    return Candles(candles.timeframe, *(getattr(candles, name).copy() for name in COLUMNS))


def long_digits(index: int) -> BarRow:
    """A bar whose numbers have more digits than a float holds."""
    chance = random.Random(index)
    low = f"{chance.uniform(1e-6, 1e5):.{chance.randint(8, 18)}f}"
    volume = f"{chance.uniform(0, 1e9):.{chance.randint(0, 15)}f}"
    return BarRow(START_MS + index * 60_000, low, low, low, low, volume, f"{chance.uniform(0, 1e9):.10f}")


@pytest.fixture
def text_reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Lengths of the CSV texts that were parsed."""
    seen: list[int] = []
    real = parsing.parse_bars

    def counted(body: bytes, *rest: Any, **named: Any) -> object:
        seen.append(len(body))
        return real(body, *rest, **named)

    monkeypatch.setattr(reading, "parse_bars", counted)
    return seen


@pytest.mark.parametrize("count", [3, 3000], ids=["small file", "large file"])
def test_text_cache_and_memory_give_the_same_bits(store: Store, count: int) -> None:
    rows = [long_digits(index) for index in range(count)]
    store.append(KEY, rows)
    assert_equal(store.load(KEY), Candles.from_rows(KEY.timeframe, rows))
    assert_equal(Store(store.folder).load(KEY), Candles.from_rows(KEY.timeframe, rows))
    more = [long_digits(index) for index in range(count, count + 5)]
    store.append(KEY, more)
    assert_equal(store.load(KEY), Candles.from_rows(KEY.timeframe, rows + more))


def test_a_second_load_parses_nothing(store: Store, text_reads: list[int]) -> None:
    store.append(KEY, bars(*range(100)))
    first = store.load(KEY)
    text_reads.clear()
    assert_equal(Store(store.folder).load(KEY), first)
    assert text_reads == []


def test_after_an_append_only_the_new_line_is_parsed(store: Store, text_reads: list[int]) -> None:
    store.append(KEY, bars(*range(100)))
    store.load(KEY)
    for index in range(100, 110):
        text_reads.clear()
        store.append(KEY, bars(index))
        assert len(store.load(KEY)) == index + 1
        assert sum(text_reads) < 100
    other = Store(store.folder)
    store.append(KEY, bars(110))
    text_reads.clear()
    assert len(other.load(KEY)) == 111, "growth by another writer is taken in after the prefix was compared"
    assert sum(text_reads) < 100


def test_an_edit_by_hand_before_the_growth_is_noticed(store: Store) -> None:
    store.append(KEY, bars(*range(50)))
    store.load(KEY)
    rows = bars(*range(60))
    rows[10] = bar(10, price="77.70")
    write(csv(store), text_of(rows))
    assert store.load(KEY).low[10] == 77.7
    assert_equal(store.load(KEY), Candles.from_rows(KEY.timeframe, rows))


def test_an_edit_of_the_same_length_is_noticed(store: Store) -> None:
    store.append(KEY, bars(*range(50)))
    store.load(KEY)
    content = csv(store).read_text()
    before = csv(store).stat()
    write(csv(store), content.replace("105.10", "105.20"))
    os.utime(csv(store), ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    assert store.load(KEY).open[5] == 105.2


def test_our_append_after_an_edit_by_hand_does_not_hide_the_edit(store: Store) -> None:
    store.append(KEY, bars(*range(50)))
    store.load(KEY)
    write(csv(store), csv(store).read_text().replace("105.10", "105.20"))
    store.append(KEY, bars(50))
    assert store.load(KEY).open[5] == 105.2
    assert len(store.load(KEY)) == 51


def test_a_file_that_shrank_is_read_again(store: Store) -> None:
    store.append(KEY, bars(*range(50)))
    store.load(KEY)
    write(csv(store), text_of(bars(0, 1, 2)))
    assert len(store.load(KEY)) == 3


def test_a_bad_row_in_the_growth_is_named_by_its_line(store: Store) -> None:
    store.append(KEY, bars(0, 1))
    store.load(KEY)
    with csv(store).open("a") as file:
        file.write("1704067320000,1,1,1,x,1,1\n")
    with pytest.raises(InputError, match=r"line 4: the close is \"x\", expected a number"):
        store.load(KEY)


def test_the_cache_may_be_deleted_at_any_time(store: Store) -> None:
    store.append(KEY, bars(*range(10)))
    held = copied(store.load(KEY))
    shutil.rmtree(cache(store).parent)
    assert_equal(store.load(KEY), held)


@pytest.mark.parametrize("place", [0, 9, 40, 66, 80])
def test_a_damaged_header_is_rebuilt_in_silence(store: Store, place: int) -> None:
    store.append(KEY, bars(*range(10)))
    held = copied(store.load(KEY))
    content = bytearray(newest(store).read_bytes())
    content[place] ^= 0x40
    newest(store).write_bytes(content)
    assert_equal(Store(store.folder).load(KEY), held)


@pytest.mark.parametrize("column", range(7))
def test_a_page_lost_in_a_power_cut_is_noticed(store: Store, column: int) -> None:
    rows = [long_digits(index) for index in range(4000)]
    store.append(KEY, rows)
    capacity = (newest_size(store) - 4096) // 56
    content = bytearray(newest(store).read_bytes())
    page = (4096 + column * 8 * capacity) // 4096 + 2
    content[page * 4096 : (page + 1) * 4096] = bytes(4096)
    newest(store).write_bytes(content)
    assert_equal(Store(store.folder).load(KEY), Candles.from_rows(KEY.timeframe, rows))


def newest_size(store: Store) -> int:
    store.load(KEY)
    return newest(store).stat().st_size


@pytest.mark.parametrize("size", [0, 20, 4096, 5000])
def test_a_cut_cache_file_is_rebuilt(store: Store, size: int) -> None:
    store.append(KEY, bars(*range(10)))
    held = copied(store.load(KEY))
    content = newest(store).read_bytes()
    newest(store).unlink()
    (cache(store) / "000007.columns").write_bytes(content[:size])
    assert_equal(Store(store.folder).load(KEY), held)
    assert newest(store).name == "000008.columns"


def test_a_kill_between_rows_and_header_leaves_the_earlier_bars(store: Store) -> None:
    """Rows beyond the header's count are spare room: whatever stands there, they are written again."""
    store.append(KEY, bars(*range(10)))
    store.load(KEY)
    content = bytearray(newest(store).read_bytes())
    capacity = (len(content) - 4096) // 56
    for column in range(7):
        place = 4096 + 8 * (column * capacity + 10)
        content[place : place + 8] = b"\xff" * 8
    newest(store).write_bytes(content)
    store.append(KEY, bars(10))
    assert_equal(Store(store.folder).load(KEY), Candles.from_rows(KEY.timeframe, bars(*range(11))))


def test_columns_cannot_be_written_into(store: Store) -> None:
    store.append(KEY, bars(0))
    with pytest.raises(ValueError, match="read-only"):
        store.load(KEY).close[0] = 1.0


def test_part_of_the_bars(store: Store) -> None:
    store.append(KEY, bars(*range(10)))
    part = store.load(KEY, bar(3).time_ms, bar(6).time_ms)
    np.testing.assert_array_equal(part.time, [bar(index).time_ms for index in (3, 4, 5)])
