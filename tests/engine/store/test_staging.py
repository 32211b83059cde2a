"""Older history gathered page by page beside a dataset and taken in at once: nothing lost, doubled or read twice."""

from __future__ import annotations

import itertools
import json
import random
import re
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.store.helpers import KEY, START_MS, bar, bars, text_of, write
from tests.support.windows_shim import WindowsRules
from tradebot.engine.market import BarRow, Category, DatasetKey, Timeframe
from tradebot.engine.store import Store, settling, staging
from tradebot.engine.store.holes import Hole, with_seen
from tradebot.engine.store.replacing import build_beside


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def csv(store: Store) -> Path:
    return store.folder / "linear" / "BTCUSDT_1m.csv"


def staged(store: Store) -> Path:
    return csv(store).with_name("BTCUSDT_1m.csv.staged")


def times(*indexes: int) -> list[int]:
    return [bar(index).time_ms for index in indexes]


def test_staged_rows_count_at_once_and_the_file_is_written_only_when_they_are_settled(store: Store) -> None:
    store.append(KEY, bars(10, 11))
    before = csv(store).read_bytes()
    assert store.stage(KEY, bars(8, 7, 9)) == 3
    assert store.stage(KEY, bars(2, 3)) == 2
    assert csv(store).read_bytes() == before
    assert store.load(KEY).time.tolist() == times(2, 3, 7, 8, 9, 10, 11)
    info = store.info(KEY)
    assert info is not None
    assert (info.rows, info.first_ms, info.last_ms, info.missing_rows) == (7, *times(2, 11), 3)
    assert [each.rows for each in store.datasets()] == [7]
    assert store.missing(KEY, START_MS, bar(13).time_ms) == [
        (times(0)[0], times(2)[0]),
        (times(4)[0], times(7)[0]),
        (times(12)[0], times(13)[0]),
    ]
    assert store.staged_keys() == [KEY]
    result = store.settle(KEY)
    assert (result.inserted, result.appended, result.existing) == (5, 0, 0)
    assert csv(store).read_text() == text_of(bars(2, 3, 7, 8, 9, 10, 11))
    assert not staged(store).exists()
    assert store.staged_keys() == []
    assert store.settle(KEY).added == 0


def test_a_dataset_may_begin_with_staged_rows(store: Store) -> None:
    store.stage(KEY, bars(3, 1))
    assert [(each.key, each.rows) for each in store.datasets()] == [(KEY, 2)]
    assert store.load(KEY).time.tolist() == times(1, 3)
    assert len(store.content_hash(KEY)) == 64
    assert store.append(KEY, bars(5)) == 1
    assert store.settle(KEY).inserted == 2
    assert csv(store).read_text() == text_of(bars(1, 3, 5))


def test_newer_bars_are_appended_while_older_ones_are_staged(store: Store) -> None:
    store.append(KEY, bars(10))
    store.stage(KEY, bars(*range(5)))
    for index in (11, 12):
        assert store.append(KEY, bars(index)) == 1
    assert csv(store).read_text() == text_of(bars(10, 11, 12)), "an append does not pay for what is staged"
    store.settle(KEY)
    assert csv(store).read_text() == text_of(bars(*range(5), 10, 11, 12))


def test_staged_rows_that_are_all_newer_are_appended(store: Store) -> None:
    store.append(KEY, bars(0))
    inode = csv(store).stat().st_ino
    store.stage(KEY, bars(3, 2))
    assert store.settle(KEY).appended == 2
    assert csv(store).read_text() == text_of(bars(0, 2, 3))
    assert csv(store).stat().st_ino == inode


@settings(max_examples=60, deadline=None)
@given(
    held=st.sets(st.integers(0, 60), max_size=30),
    pages=st.lists(st.lists(st.integers(0, 60), min_size=1, max_size=12), max_size=8),
    step=st.integers(1, 7),
    chunk=st.integers(80, 600),
)
def test_settling_equals_merging_whatever_the_pieces(
    held: set[int], pages: list[list[int]], step: int, chunk: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    store = Store(tmp_path_factory.mktemp("settle"))
    store.merge(KEY, bars(*held))
    for page in pages:
        assert store.stage(KEY, bars(*page)) == len(set(page))
    every = held.union(*pages)
    if not every:
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(staging, "_CHUNK_BYTES", chunk)
        patch.setattr(settling, "_STEP_ROWS", step)
        info = store.info(KEY)
        assert info is not None
        assert info.rows == len(every)
        result = store.settle(KEY)
    assert csv(store).read_text() == text_of(bars(*sorted(every)))
    staged_times = set().union(*pages)
    last = max(held, default=-1)
    assert result.added == len(every) - len(held)
    assert result.appended == len({index for index in staged_times - held if index > last})
    assert result.existing == len(staged_times & held)


def test_the_row_in_the_file_stays_and_of_staged_ones_the_first(store: Store) -> None:
    store.append(KEY, bars(1))
    store.stage(KEY, [bar(1, price="7"), bar(0)])
    store.stage(KEY, [bar(0, price="8")])
    store.settle(KEY)
    assert csv(store).read_text() == text_of(bars(0, 1))


def test_a_page_costs_one_write_and_no_reading(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.append(KEY, bars(5000))
    store.stage(KEY, bars(*range(4000, 4100)))
    for name in ("staged_rows", "chunks"):
        monkeypatch.setattr(staging, name, None)  # would fail if it were called
    monkeypatch.setattr("tradebot.engine.store.side_files._whole_bytes", None)
    for first in range(3900, 0, -100):
        store.stage(KEY, bars(*range(first, first + 100)))
    monkeypatch.undo()
    assert store.settle(KEY).inserted == 4000


def test_what_is_known_of_staged_rows_grows_without_reading_them_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    real = staging.chunks
    monkeypatch.setattr(
        staging, "chunks", lambda path, start, end: (read.append(end - start), *real(path, start, end))[1:]
    )
    other = Store(store.folder)  # e.g. the app, while its collecting child stages
    for first in range(1000, 0, -100):
        store.stage(KEY, bars(*range(first, first + 100)))
        info = other.info(KEY)
        assert info is not None
        assert info.rows == 1100 - first
    assert sum(read) == staged(store).stat().st_size
    store.settle(KEY)
    store.stage(KEY, bars(0))
    info = other.info(KEY)
    assert info is not None
    assert info.rows == 1001, "the file of staged rows is another one now"


@pytest.mark.parametrize("cut", range(1, 200, 17))
def test_a_page_cut_by_a_kill_leaves_whole_rows_and_the_rest_can_be_staged_again(
    store: Store, cut: int
) -> None:
    store.stage(KEY, bars(4, 5))
    before = staged(store).read_bytes()
    store.stage(KEY, bars(1, 2, 3))
    write(staged(store), staged(store).read_text()[: len(before) + cut])
    reopened = Store(store.folder)
    assert set(times(4, 5)) <= set(reopened.load(KEY).time.tolist())
    reopened.stage(KEY, bars(0, 1, 2, 3))
    reopened.settle(KEY)
    assert csv(store).read_text() == text_of(bars(0, 1, 2, 3, 4, 5))


def test_a_kill_between_the_replacement_and_the_end_of_the_staged_rows_doubles_nothing(store: Store) -> None:
    store.append(KEY, bars(3))
    store.stage(KEY, bars(1, 2))
    kept = staged(store).read_bytes()
    store.settle(KEY)
    staged(store).write_bytes(kept)
    reopened = Store(store.folder)
    assert reopened.load(KEY).time.tolist() == times(1, 2, 3)
    assert reopened.settle(KEY).existing == 2
    assert csv(store).read_text() == text_of(bars(1, 2, 3))
    assert not staged(store).exists()


def test_bars_appended_while_the_new_file_is_built_are_kept(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.append(KEY, bars(10))
    store.stage(KEY, bars(*range(5)))
    appended = iter([11, 12])

    def meanwhile(path: Path, parts: object) -> Path:
        built = build_beside(path, parts)  # type: ignore[arg-type]  # handed through
        for index in appended:
            Store(store.folder).append(KEY, bars(index))
            break
        return built

    monkeypatch.setattr("tradebot.engine.store.tables.build_beside", meanwhile)
    assert store.settle(KEY).inserted == 5
    assert csv(store).read_text() == text_of(bars(*range(5), 10, 11, 12))


def test_rows_staged_while_settling_stay_for_the_next_time(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.append(KEY, bars(10))
    store.stage(KEY, bars(1))

    def meanwhile(path: Path, parts: object) -> Path:
        built = build_beside(path, parts)  # type: ignore[arg-type]  # handed through
        store.stage(KEY, bars(2))
        return built

    monkeypatch.setattr("tradebot.engine.store.tables.build_beside", meanwhile)
    store.settle(KEY)
    monkeypatch.undo()
    assert store.load(KEY).time.tolist() == times(1, 2, 10)
    store.settle(KEY)
    assert csv(store).read_text() == text_of(bars(1, 2, 10))


def test_settling_a_locked_file_keeps_the_rows_readable_and_says_so(
    store: Store, windows: WindowsRules
) -> None:
    store.append(KEY, bars(5))
    store.stage(KEY, bars(1, 2))
    with windows.locked(csv(store)):
        assert store.settle(KEY).journaled
        assert store.append(KEY, bars(6)) == 1
        assert store.load(KEY).time.tolist() == times(1, 2, 5, 6)
        assert any("wait in BTCUSDT_1m.csv.staged" in notice for notice in store.notices())
    store.settle(KEY)
    assert csv(store).read_text() == text_of(bars(1, 2, 5, 6))
    assert list(csv(store).parent.glob("*.csv.*")) == []


def test_staged_rows_that_somebody_reads_are_emptied_where_they_cannot_be_deleted(store: Store) -> None:
    store.append(KEY, bars(5))
    store.stage(KEY, bars(1, 2))
    with staged(store).open("rb"):
        store.settle(KEY)
        assert staged(store).stat().st_size == 0
    assert [info.rows for info in store.datasets()] == [3]
    store.stage(KEY, bars(0))
    store.settle(KEY)
    assert csv(store).read_text() == text_of(bars(0, 1, 2, 5))


def test_damaged_staged_lines_are_kept_in_the_quarantine(store: Store) -> None:
    store.append(KEY, bars(5))
    store.stage(KEY, bars(1, 2))
    content = text_of(bars(2)).partition("\n")[2]
    write(staged(store), f"\0\0\0\n{START_MS},1,2\n" + content)
    assert store.settle(KEY).inserted == 1
    assert csv(store).read_text() == text_of(bars(2, 5))
    assert f"{START_MS},1,2" in csv(store).with_name("BTCUSDT_1m.csv.quarantine").read_text()
    assert any("damaged lines" in notice for notice in store.notices())


def test_a_bad_row_is_not_staged(store: Store) -> None:
    bad = BarRow(START_MS, "0", "1", "1", "1", "1", "1")
    assert store.stage(KEY, [bad, bar(1)]) == 1
    assert "the open is 0" in csv(store).with_name("BTCUSDT_1m.csv.quarantine").read_text()


def test_memory_does_not_grow_with_the_text(store: Store) -> None:
    """Half a million rows of 60 bytes are settled within a fraction of the 30 MB they are."""
    rows = bars(*range(2000))
    store.append(KEY, rows[-1:])
    line = text_of(rows[:1]).splitlines()[1].partition(",")[2]
    chance = random.Random(1)
    pages = [range(first, first + 1000) for first in range(-500_000, 0, 1000)]
    chance.shuffle(pages)
    with staged(store).open("w", newline="") as file:
        for page in pages:
            file.writelines(f"{START_MS + index * 60_000},{line}\n" for index in page)
    size = staged(store).stat().st_size
    tracemalloc.start()
    try:
        assert store.settle(KEY).inserted == 500_000
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < size + 40_000_000
    info = store.info(KEY)
    assert info is not None
    assert (info.rows, info.gap_count) == (500_001, 1)


MARK = DatasetKey("linear", "BTCUSDT", "1m", mark=True)


def mark_bars(*indexes: int) -> list[BarRow]:
    return [bar(index)._replace(volume="", turnover="") for index in indexes]


class TestMark:
    def test_mark_bars_have_a_file_of_five_columns_and_no_volume(self, store: Store) -> None:
        store.append(MARK, mark_bars(2, 3))
        store.merge(MARK, mark_bars(0))
        store.stage(MARK, mark_bars(1))
        store.settle(MARK)
        path = store.folder / "linear" / "BTCUSDT_1m_mark.csv"
        head, first, *_ = path.read_text().splitlines()
        assert head == "timestamp,open,high,low,close"
        assert first == f"{START_MS},100.10,102.1,100.10,102.1"
        for _ in range(2):  # from the text, and from the cache
            candles = store.load(MARK)
            assert candles.time.tolist() == times(0, 1, 2, 3)
            assert candles.close[0] == 102.1
            assert all(value != value for value in (*candles.volume, *candles.turnover))
        store.append(MARK, mark_bars(4))
        assert len(store.load(MARK)) == 5
        assert [str(info.key) for info in store.datasets()] == ["linear/BTCUSDT_1m_mark"]
        assert not store.check(MARK).failed

    def test_they_stand_apart_from_traded_bars(self, store: Store) -> None:
        store.append(MARK, mark_bars(*range(10)))
        store.append(KEY, bars(*range(5)))
        built, text = store.load_or_build(Category.LINEAR, "BTCUSDT", Timeframe.M5, mark=True)
        assert (len(built), text) == (2, "BTCUSDT_1m_mark.csv, 5m bars built from it")
        assert all(value != value for value in built.volume)
        traded, text = store.load_or_build(Category.LINEAR, "BTCUSDT", Timeframe.M5)
        assert (len(traded), text) == (1, "BTCUSDT_1m.csv, 5m bars built from it")

    def test_they_wait_in_a_journal_too(self, store: Store, windows: WindowsRules) -> None:
        store.append(MARK, mark_bars(0))
        with windows.locked(store.folder / "linear" / "BTCUSDT_1m_mark.csv"):
            store.append(MARK, mark_bars(1))
            assert len(store.load(MARK)) == 2
        reopened = Store(store.folder)
        assert (store.folder / "linear" / "BTCUSDT_1m_mark.csv").read_text().count("\n") == 3
        assert len(reopened.load(MARK)) == 2

    def test_a_bad_mark_bar_is_refused(self, store: Store) -> None:
        assert store.append(MARK, [mark_bars(0)[0]._replace(low="x"), *mark_bars(1)]) == 1
        assert "the low is" in store.notices()[0]


class TestHoles:
    def test_holes_are_remembered_in_order_with_the_time_they_were_seen(self, store: Store) -> None:
        store.remember_holes(KEY, [(600_000, 900_000), (60_000, 120_000)], seen_ms=1_123)
        store.remember_holes(MARK, [(0, 60_000)], seen_ms=2)
        reopened = Store(store.folder)
        held = [(hole.start_ms, hole.end_ms, hole.seen_ms) for hole in reopened.holes(KEY)]
        assert held == [(60_000, 120_000, 1_123), (600_000, 900_000, 1_123)]
        assert list(reopened.all_holes()) == [KEY, MARK]
        reopened.forget_holes(KEY)
        assert store.holes(KEY) == ()
        assert list(store.all_holes()) == [MARK]

    def test_a_newer_look_takes_the_place_of_an_older_one(self, store: Store) -> None:
        store.remember_holes(KEY, [(0, 600_000)], seen_ms=1)
        store.remember_holes(KEY, [(120_000, 180_000)], seen_ms=2)
        held = [(hole.start_ms, hole.end_ms, hole.seen_ms) for hole in store.holes(KEY)]
        assert held == [(0, 120_000, 1), (120_000, 180_000, 2), (180_000, 600_000, 1)]

    def test_looks_apart_are_counted_and_looks_at_once_are_one(self, store: Store) -> None:
        for seen_ms in (0, 60_000, 600_000):
            store.remember_holes(KEY, [(0, 120_000)], seen_ms)
        store.remember_holes(KEY, [(60_000, 240_000)], 4_000_000)
        held = [(hole.start_ms, hole.end_ms, hole.seen_ms, hole.confirmations) for hole in store.holes(KEY)]
        assert held == [
            (0, 60_000, 600_000, 2),
            (60_000, 120_000, 4_000_000, 3),
            (120_000, 240_000, 4_000_000, 1),
        ]

    def test_a_file_of_an_earlier_version_has_one_look_at_each_hole(self, store: Store) -> None:
        store.remember_holes(KEY, [(0, 60_000)], 1)
        path = store.folder / "linear" / "holes.json"
        text = path.read_text("utf-8")
        assert '"confirmations": 1' in text
        older = re.sub(r',\s*"confirmations": 1', "", text)
        assert older != text
        path.write_text(older, "utf-8")
        assert [hole.confirmations for hole in store.holes(KEY)] == [1]

    @settings(max_examples=100, deadline=None)
    @given(st.lists(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=4), max_size=5))
    def test_any_looks_together_cover_what_each_saw(self, looks: list[list[tuple[int, int]]]) -> None:
        known: tuple[Hole, ...] = ()
        seen_at: dict[int, int] = {}
        for number, ranges in enumerate(looks):
            known = with_seen(known, ranges, number)
            seen_at |= {at: number for start, end in ranges for at in range(start, end)}
        assert {at: hole.seen_ms for hole in known for at in range(hole.start_ms, hole.end_ms)} == seen_at
        assert all(left.end_ms <= right.start_ms for left, right in itertools.pairwise(known))

    def test_a_damaged_file_is_put_aside_and_said(self, store: Store) -> None:
        store.remember_holes(KEY, [(0, 60_000)], 1)
        path = store.folder / "linear" / "holes.json"
        content = json.loads(path.read_text())
        content["holes"]["BTCUSDT_1m"] = [{"start": 3}]
        write(path, json.dumps(content))
        assert store.holes(KEY) == ()
        (notice,) = store.notices()
        assert "holes.json: the entry of BTCUSDT_1m is damaged" in notice
        assert "put aside as holes.json.damaged," in notice
        write(path, "{")
        store.remember_holes(KEY, [(0, 60_000)], 1)
        assert store.all_holes() == {KEY: (Hole(0, 60_000, 1),)}
        assert path.with_name("holes.json.damaged.2").read_text() == "{"
