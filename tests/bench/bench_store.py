"""How fast the data layer is: `python -m pytest tests/bench/bench_store.py --benchmark-only -n 0 -s`.

Bars of design.md section 5: a symbol-year of minutes loads in <= 0.2 s from CSV, <= 5 ms from the cache and after one
appended bar; CSV append and merge >= 500,000 rows/s; one bar to each of 1,650 files <= 0.2 s, with fsync <= 1 s;
opening Data on 1,650 datasets and 40 million rows <= 1 s. Yardsticks: pandas' reader on the same file, and the bare
calls of the system that any such writer needs.
"""

from __future__ import annotations

import gzip
import os
import shutil
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pandas as pd
import psutil
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from tradebot.engine.market import BarRow, DatasetKey
from tradebot.engine.store import ImportOptions, RetentionRules, Store, back_up, prune, restore

KEY = DatasetKey("spot", "BTCUSDT", "1m")
START_MS = 1_704_067_200_000
FILES = 1650
ROWS = 40_000_000


@pytest.fixture(scope="module")
def year(shared_market: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recorded year of minutes as CSV."""
    path = tmp_path_factory.mktemp("year") / "BTCUSDT_1m.csv"
    with gzip.open(shared_market / "binance_spot" / "BTCUSDT_1m.csv.gz") as source, path.open("wb") as target:
        shutil.copyfileobj(source, target)
    return path


@pytest.fixture
def loaded(year: Path, tmp_path: Path) -> Store:
    (tmp_path / "spot").mkdir()
    shutil.copy(year, tmp_path / "spot" / "BTCUSDT_1m.csv")
    store = Store(tmp_path)
    store.load(KEY)
    return store


def best_of(rounds: int, call: Callable[[], object]) -> float:
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return min(times)


def rows(first: int, number: int) -> list[BarRow]:
    return [
        BarRow(
            START_MS + index * 60_000,
            "42283.58",
            "42298.62",
            "42261.02",
            "42298.61",
            "35.92724",
            "1519031.69",
        )
        for index in range(first, first + number)
    ]


def resident_megabytes() -> float:
    return psutil.Process().memory_info().rss / 1e6


def tell(benchmark: BenchmarkFixture, what: str, bar: str, yardstick: str, seconds: float) -> None:
    stats = benchmark.stats.stats
    print(
        f"\n{what}: best {stats.min * 1e3:.2f} ms, median {stats.median * 1e3:.2f} ms (bar {bar}); "
        f"{yardstick} {seconds * 1e3:.2f} ms, ratio {stats.min / seconds:.2f}"
    )


def test_first_load_of_a_year(benchmark: BenchmarkFixture, loaded: Store, year: Path) -> None:
    """From CSV: read, checked row by row, cache written. The import of pandas (once in a process) is not included."""

    def without_cache() -> None:
        shutil.rmtree(loaded.folder / "spot" / ".cache")

    benchmark.pedantic(lambda: loaded.load(KEY), setup=without_cache, rounds=9)
    tell(benchmark, "first load", "200 ms", "pandas.read_csv", best_of(5, lambda: pd.read_csv(year)))


def test_load_of_a_year_from_the_cache(benchmark: BenchmarkFixture, loaded: Store) -> None:
    """With a touch of every page of the closes."""
    candles = benchmark.pedantic(lambda: loaded.load(KEY), rounds=50, warmup_rounds=3)
    tell(
        benchmark,
        "load from cache",
        "5 ms",
        "copy of the columns",
        best_of(5, lambda: candles.close.copy()) * 7,
    )


def test_load_of_a_year_after_one_appended_bar(benchmark: BenchmarkFixture, loaded: Store) -> None:
    number = count(527_040)
    benchmark.pedantic(
        lambda: loaded.load(KEY), setup=lambda: loaded.append(KEY, rows(next(number), 1)) and None, rounds=50
    )
    print(f"\nload after one appended bar: median {benchmark.stats.stats.median * 1e3:.2f} ms (bar 5 ms)")


@pytest.mark.parametrize("batch", [1000, 500_000])
def test_append_of_half_a_million_rows(benchmark: BenchmarkFixture, tmp_path: Path, batch: int) -> None:
    """In pages of 1,000 as they come from the exchange, and at once."""
    pages = [rows(first, batch) for first in range(0, 500_000, batch)]
    numbers = count()

    def append() -> None:
        store, key = Store(tmp_path), DatasetKey("linear", f"A{next(numbers)}USDT", "1m")
        for page in pages:
            store.append(key, page)

    benchmark.pedantic(append, rounds=3)
    text = "".join(",".join([str(row.time_ms), *row[1:]]) + "\n" for page in pages for row in page)
    rate = 500_000 / benchmark.stats.stats.min
    print(f"\nappend in batches of {batch:,}: {rate:,.0f} rows/s (bar 500,000)", end="")
    tell(benchmark, "", "1000 ms", "bare write", best_of(3, lambda: (tmp_path / "bare").write_text(text)))


def test_a_million_older_rows_before_a_million(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    """A thousand pages of a thousand older rows, newest first, gathered beside the file and taken in at once.

    Yardstick: one such page merged by itself, which rewrites the file, a thousand times over.
    """
    store, key = Store(tmp_path), DatasetKey("linear", "AUSDT", "1m")
    for first in range(1_000_000, 2_000_000, 10_000):
        store.append(key, rows(first, 10_000))
    single = best_of(1, lambda: store.merge(key, rows(999_000, 1000)))
    seconds = []
    for first in range(998_000, -1, -1000):
        page = rows(first, 1000)
        started = time.perf_counter()
        store.stage(key, page)
        seconds.append(time.perf_counter() - started)
    store.info(key)
    before = resident_megabytes()
    result = benchmark.pedantic(lambda: store.settle(key), rounds=1)
    settled = benchmark.stats.stats.min
    total = sum(seconds) + settled
    assert result.inserted == 999_000
    print(
        f"\n1,000 pages of 1,000 older rows before a million: {total:.2f} s ({999_000 / total:,.0f} rows/s; bar "
        f"500,000): staged {sum(seconds):.2f} s, median {sorted(seconds)[500] * 1e3:.2f} ms a page; settled "
        f"{settled:.2f} s with {resident_megabytes() - before:.0f} MB more; one page merged by itself "
        f"{single * 1e3:.0f} ms, a thousand of them {single * 1000:.0f} s"
    )


def test_backup_and_restore_of_a_year(benchmark: BenchmarkFixture, year: Path, tmp_path: Path) -> None:
    """Packed, read back, hashed; then verified and written into another folder. Yardstick: copying the file."""
    (tmp_path / "data" / "spot").mkdir(parents=True)
    shutil.copy(year, tmp_path / "data" / "spot" / "BTCUSDT_1m.csv")
    numbers = count()
    store = Store(tmp_path / "data")
    benchmark.pedantic(lambda: back_up(store, tmp_path / f"{next(numbers)}.zip"), rounds=2)
    saved = benchmark.stats.stats.min
    restored = best_of(2, lambda: restore(Store(tmp_path / f"other{next(numbers)}"), tmp_path / "0.zip"))
    copied = best_of(3, lambda: shutil.copy(year, tmp_path / "copy.csv"))
    size, packed = year.stat().st_size, (tmp_path / "0.zip").stat().st_size
    print(
        f"\nbackup of a year: {saved:.2f} s, {packed / size:.0%} of its {size / 1e6:.0f} MB; restored in "
        f"{restored:.2f} s; copying alone {copied * 1e3:.0f} ms"
    )


def test_pruning_a_year(benchmark: BenchmarkFixture, year: Path, tmp_path: Path) -> None:
    """The older half of a year of minutes is cut; then nothing is to do."""
    (tmp_path / "spot").mkdir()
    shutil.copy(year, tmp_path / "spot" / "BTCUSDT_1m.csv")
    store = Store(tmp_path)
    info = store.info(KEY)
    assert info is not None
    assert info.last_ms is not None
    rules = RetentionRules({"1m": 183 * 86_400_000})
    now_ms = info.last_ms
    benchmark.pedantic(lambda: prune(store, rules, now_ms, False), rounds=1)
    cut = benchmark.stats.stats.min
    idle = best_of(3, lambda: prune(store, rules, now_ms, False))
    print(f"\npruning half a year of minutes: {cut * 1e3:.0f} ms; with nothing to do {idle * 1e3:.1f} ms")


def test_merge_of_half_a_million_rows(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    """Every second row is there already; the file is replaced."""
    whole = rows(0, 500_000)
    store = Store(tmp_path)
    numbers = count()

    def half() -> tuple[tuple[DatasetKey], dict[str, object]]:
        key = DatasetKey("linear", f"A{next(numbers)}USDT", "1m")
        store.append(key, whole[::2])
        return (key,), {}

    benchmark.pedantic(lambda key: store.merge(key, whole), setup=half, rounds=3)
    print(f"\nmerge: {500_000 / benchmark.stats.stats.min:,.0f} rows/s (bar 500,000)")


@pytest.mark.parametrize("fsync", [False, True], ids=["flush", "fsync"])
def test_one_bar_to_each_of_1650_files(benchmark: BenchmarkFixture, tmp_path: Path, fsync: bool) -> None:
    store = Store(tmp_path, fsync=fsync)
    keys = [DatasetKey("linear", f"C{number}USDT", "1m") for number in range(FILES)]
    numbers = count()

    def bars() -> tuple[tuple[dict[DatasetKey, list[BarRow]]], dict[str, object]]:
        row = rows(next(numbers), 1)
        return (dict.fromkeys(keys, row),), {}

    benchmark.pedantic(store.append_many, setup=bars, rounds=7, warmup_rounds=1)

    def bare() -> None:
        for key in keys:
            with (tmp_path / "linear" / f"{key.symbol}.bare").open("ab", buffering=0) as file:
                file.write(b"1704067200000,42283.58,42298.62,42261.02,42298.61,35.92724,1519031.69\n")
                if fsync:
                    os.fsync(file.fileno())

    bar = "1000 ms" if fsync else "200 ms"
    tell(
        benchmark,
        f"one bar to {FILES:,} files, fsync {fsync}",
        bar,
        "bare open, write, close",
        best_of(4, bare),
    )


def test_listing_1650_datasets_of_40_million_rows(
    benchmark: BenchmarkFixture, year: Path, tmp_path: Path
) -> None:
    """A new process opens a folder whose files were listed before, one bar appended to each since.

    Then the same folder seen for the first time (estimates), and with nothing changed.
    """
    (tmp_path / "spot").mkdir()
    with year.open("rb") as file:
        content = file.read(ROWS // FILES * 72)
    content = content[: content.rfind(b"\n") + 1]
    for number in range(FILES):
        (tmp_path / "spot" / f"C{number}USDT_1m.csv").write_bytes(content)
    started = time.perf_counter()
    infos = Store(tmp_path).datasets()
    first = time.perf_counter() - started
    store = Store(tmp_path)
    while not all(info.exact for info in infos):
        infos = store.datasets()
    total = sum(info.rows for info in infos)
    last = infos[0].last_ms
    assert last is not None
    index = (last - START_MS) // 60_000 + 1
    store.append_many({info.key: rows(index, 1) for info in infos})
    benchmark.pedantic(lambda: Store(tmp_path).datasets(), rounds=5)
    unchanged = Store(tmp_path)
    unchanged.datasets()
    again = best_of(3, unchanged.datasets)
    print(
        f"\nlisting {FILES:,} datasets, {total:,} rows: best {benchmark.stats.stats.min * 1e3:.0f} ms after one bar to "
        f"each (bar 1000 ms); never seen before {first * 1e3:.0f} ms; unchanged {again * 1e3:.0f} ms"
    )


def test_import_of_a_year(benchmark: BenchmarkFixture, shared_market: Path, tmp_path: Path) -> None:
    """Packed, checked, written; < 3 s."""
    packed = shared_market / "binance_spot" / "BTCUSDT_1m.csv.gz"
    numbers = count()
    benchmark.pedantic(
        lambda: Store(tmp_path / str(next(numbers))).import_file(packed, ImportOptions("spot")), rounds=3
    )
    bare = best_of(3, lambda: gzip.decompress(packed.read_bytes()))
    tell(benchmark, "import of a year", "3000 ms", "unpacking alone", bare)
