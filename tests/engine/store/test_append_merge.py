"""Appending and merging: digits kept, no doubles, existing rows win, a torn end repaired."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.store.helpers import KEY, START_MS, bar, bars, text_of, write
from tradebot.engine.control.errors import InputError, ShortfallError
from tradebot.engine.market import BarRow, Candles
from tradebot.engine.store import Store
from tradebot.engine.store.tables import Tables


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def csv(store: Store) -> Path:
    return store.folder / "linear" / "BTCUSDT_1m.csv"


def test_rows_are_stored_in_the_digits_of_the_exchange(store: Store) -> None:
    rows = [BarRow(START_MS, "42283.50", "42283.5000", "1E-8", "1.0", "0", "")]
    assert store.append(KEY, rows) == 1
    assert csv(store).read_bytes() == (
        b"timestamp,open,high,low,close,volume,turnover\n1704067200000,42283.50,42283.5000,1E-8,1.0,0,\n"
    )


def test_append_passes_over_what_is_not_newer(store: Store) -> None:
    store.append(KEY, bars(0, 1, 2))
    assert store.append(KEY, bars(1, 2, 3)) == 1
    assert csv(store).read_text() == text_of(bars(0, 1, 2, 3))


def test_append_of_nothing_writes_nothing(store: Store) -> None:
    assert store.append(KEY, []) == 0
    assert not csv(store).exists()


def test_an_existing_row_wins_over_a_new_one_of_the_same_time(store: Store) -> None:
    store.append(KEY, bars(0, 2))
    other = bar(2, price="7")
    result = store.merge(KEY, [other, bar(1), bar(3)])
    assert (result.appended, result.inserted, result.existing) == (1, 1, 1)
    assert csv(store).read_text() == text_of(bars(0, 1, 2, 3))


@settings(max_examples=60, deadline=None)
@given(batches=st.lists(st.lists(st.integers(0, 40), max_size=30), max_size=6))
def test_merging_any_batches_gives_every_row_once_in_order(
    batches: list[list[int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    store = Store(tmp_path_factory.mktemp("merge"))
    held: set[int] = set()
    for batch in batches:
        result = store.merge(KEY, bars(*batch))
        assert result.added == len(set(batch) - held)
        assert result.added + result.existing == len(batch)
        held |= set(batch)
    if held:
        assert csv(store).read_text() == text_of(bars(*sorted(held)))
        assert store.load(KEY).time.tolist() == [bar(index).time_ms for index in sorted(held)]
        missing = store.missing(KEY, START_MS, bar(41).time_ms)
        assert sum((end - start) // 60_000 for start, end in missing) == 41 - len(held)


def test_load_gives_the_floats_of_the_digits(store: Store) -> None:
    rows = bars(0, 1, 5)
    store.append(KEY, rows)
    loaded, expected = store.load(KEY), Candles.from_rows(KEY.timeframe, rows)
    for name in ("time", "open", "high", "low", "close", "volume", "turnover"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(expected, name))


def test_a_torn_last_line_is_ignored_on_reading_and_repaired_on_writing(store: Store) -> None:
    store.append(KEY, bars(0, 1))
    with csv(store).open("a") as file:
        file.write("1704067320000,102.10,104.1")
    reopened = Store(store.folder)
    assert len(reopened.load(KEY)) == 2
    assert reopened.append(KEY, bars(2)) == 1
    assert csv(store).read_text() == text_of(bars(0, 1, 2))
    assert "1704067320000,102.10,104.1" in csv(store).with_name("BTCUSDT_1m.csv.quarantine").read_text()
    (notice,) = reopened.notices()
    assert "BTCUSDT_1m.csv ended in half a line" in notice
    assert reopened.notices() == []


@pytest.mark.parametrize("keep", range(0, 60, 7))
def test_a_file_cut_anywhere_is_whole_again_after_the_next_merge(store: Store, keep: int) -> None:
    store.append(KEY, bars(0, 1))
    content = csv(store).read_bytes()
    csv(store).write_bytes(content[:keep])
    reopened = Store(store.folder)
    reopened.merge(KEY, bars(0, 1))
    assert csv(store).read_bytes() == content


def test_rows_that_are_no_bars_are_refused_and_kept_beside(store: Store) -> None:
    bad = BarRow(START_MS + 60_000, "0.0", "2", "0.0", "1", "1", "1")
    result = store.merge(KEY, [bar(0), bad, bar(2)])
    assert (result.appended, result.rejected) == (2, 1)
    assert "1704067260000,0.0,2,0.0,1,1,1" in csv(store).with_name("BTCUSDT_1m.csv.quarantine").read_text()
    (notice,) = store.notices()
    assert "the open is 0.0, expected a price above 0" in notice


def test_editors_line_ends_are_read_and_made_plain_on_the_next_write(store: Store) -> None:
    csv(store).parent.mkdir()
    csv(store).write_bytes(b"\xef\xbb\xbf" + text_of(bars(0, 1)).replace("\n", "\r\n").encode())
    assert len(store.load(KEY)) == 2
    store.append(KEY, bars(2))
    assert csv(store).read_text() == text_of(bars(0, 1, 2))
    assert "Windows line ends" in store.notices()[0]


def test_two_stores_may_write_the_same_file(store: Store) -> None:
    other = Store(store.folder)
    for index in range(0, 20, 2):
        assert store.append(KEY, bars(index)) == 1
        assert other.append(KEY, bars(index, index + 1)) == 1
    assert csv(store).read_text() == text_of(bars(*range(20)))


def test_a_read_only_store_writes_nothing(store: Store) -> None:
    store.append(KEY, bars(0, 1))
    before = sorted(path.name for path in store.folder.rglob("*"))
    reader = Store(store.folder, read_only=True)
    assert len(reader.load(KEY)) == 2
    reader.datasets()
    with pytest.raises(ShortfallError, match="open for reading only"):
        reader.append(KEY, bars(2))
    assert sorted(path.name for path in store.folder.rglob("*")) == before


def test_a_name_that_leads_out_of_the_folder_is_refused(store: Store) -> None:
    with pytest.raises(InputError, match="cannot be a symbol"):
        store.append(type(KEY)("linear", "../../X", "1m"), bars(0))


def test_append_passes_over_older_rows_even_while_others_wait(store: Store) -> None:
    store.append(KEY, bars(5))
    write(csv(store).with_name("BTCUSDT_1m.csv.journal"), text_of(bars(6)).partition("\n")[2])
    assert store.append(KEY, bars(3, 6, 7)) == 1
    assert csv(store).read_text() == text_of(bars(5, 6, 7))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of a file")
@pytest.mark.parametrize("method", ["append", "merge"])
def test_a_full_disk_loses_nothing_and_says_so(store: Store, method: str) -> None:
    import resource  # not on Windows

    store.append(KEY, bars(*range(10, 60)))
    before = csv(store).read_text()
    more = bars(*range(60, 500)) if method == "append" else bars(*range(500))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 1000, limits[1]))
    try:
        with pytest.raises(
            ShortfallError, match=r"could not be written \(file too large\) and stays as it was"
        ):
            getattr(store, method)(KEY, more)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert csv(store).read_text() == before
    assert [path.name for path in csv(store).parent.iterdir() if path.name.endswith(".new")] == []
    assert getattr(store, method)(KEY, more)
    assert len(store.load(KEY)) == (490 if method == "append" else 500)


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    write((tmp_path / "data"), "a file where the folder should be")
    with pytest.raises(ShortfallError, match="Nothing can be written in"):
        Store(tmp_path / "data").append(KEY, bars(0))


def test_a_file_that_never_stands_still_is_given_up_with_a_sentence(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.append(KEY, bars(5))
    build = Tables._build
    contents = iter([bars(5, 6), bars(5, 6, 7), bars(5), bars(5, 9), bars(5, 8)])

    def meanwhile(self: Tables, path: Path, content: bytes) -> Path:
        write(path, text_of(next(contents)))
        return build(self, path, content)

    monkeypatch.setattr(Tables, "_build", meanwhile)
    with pytest.raises(ShortfallError, match="was changed or deleted by another program each time"):
        store.merge(KEY, bars(1))
    assert csv(store).read_text() == text_of(bars(5, 9))
    monkeypatch.undo()
    assert store.merge(KEY, bars(1)).inserted == 1
    assert csv(store).read_text() == text_of(bars(1, 5, 9))
