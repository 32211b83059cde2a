"""What the check says: failures make figures wrong, warnings want a look, a coin that trades seldom is healthy."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from tests.engine.store.helpers import KEY, START_MS, bar, bars, text_of, write
from tradebot.engine.control.clock import ManualClock
from tradebot.engine.control.errors import InputError
from tradebot.engine.market import BarRow, Category, DatasetKey, Timeframe
from tradebot.engine.store import ImportOptions, Store
from tradebot.engine.store.check_across import check_dataset
from tradebot.engine.store.check_findings import CheckReport, Level
from tradebot.engine.store.check_funding import check_funding, funding_files
from tradebot.engine.store.check_market import gap_findings
from tradebot.engine.store.holes import Hole

MINUTE = 60_000
DAY = 86_400_000
MARK = DatasetKey("linear", "BTCUSDT", "1m", mark=True)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "data", ManualClock(START_MS + DAY))


def put(store: Store, rows: Iterable[BarRow], key: DatasetKey = KEY) -> None:
    path = store.folder / key.category / key.file_name
    path.parent.mkdir(parents=True, exist_ok=True)
    write(path, text_of(list(rows)))


def market(count: int, seed: int = 1, every_ms: int = MINUTE) -> list[BarRow]:
    """A random walk with small ranges, volume in coins and turnover that fits."""
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.0004, count)))
    open_ = np.concatenate(([100.0], close[:-1]))
    high = np.maximum(open_, close) * (1 + rng.uniform(0, 0.0004, count))
    low = np.minimum(open_, close) * (1 - rng.uniform(0, 0.0004, count))
    volume = rng.uniform(1, 50, count)
    return [
        BarRow(
            START_MS + index * every_ms,
            *(f"{value[index]:.6f}" for value in (open_, high, low, close, volume)),
            f"{volume[index] * (high[index] + low[index]) / 2:.6f}",
        )
        for index in range(count)
    ]


def found(report: CheckReport, *levels: Level) -> dict[str, str]:
    chosen = levels or (Level.FAILURE, Level.WARNING)
    return {finding.kind: finding.sentence for finding in report.findings if finding.level in chosen}


# -- rows beside the file


def test_staged_rows_wait_to_be_merged_and_only_those_of_the_journal_could_not_be_written(
    store: Store,
) -> None:
    rows = market(30)
    put(store, rows[:10])
    assert store.stage(KEY, rows[15:30]) == 15
    staged = found(store.check(KEY), *Level)
    assert "journal" not in staged
    assert staged["staged"].startswith(
        "15 bars of a collection that was ended wait in BTCUSDT_1m.csv.staged; "
    )
    assert "`tradebot data compact` takes them into the file" in staged["staged"]
    journal = store.folder / "linear" / "BTCUSDT_1m.csv.journal"
    write(journal, text_of(rows[10:15]).partition("\n")[2])
    both = found(store.check(KEY), *Level)
    assert both["journal"].startswith("5 bars wait in BTCUSDT_1m.csv.journal because the file could not be ")
    assert both["staged"].startswith("15 bars ")


# -- gaps and holes


def test_a_hole_of_the_exchange_is_no_failure_and_the_rest_of_a_gap_is(store: Store) -> None:
    store.append(KEY, bars(0, 1, 10, 11, 20))
    store.remember_holes(KEY, [(START_MS + 2 * MINUTE, START_MS + 10 * MINUTE)], START_MS + DAY)
    report = store.check(KEY)
    assert found(report, Level.FAILURE) == {
        "gap": "8 bars are missing from 2024-01-01 00:12 to 2024-01-01 00:20."
    }
    assert found(report, Level.INFO)["hole"] == (
        "8 bars are missing at the exchange itself (asked on 2024-01-02) from 2024-01-01 00:02 to 2024-01-01 00:10."
    )
    store.remember_holes(KEY, [(START_MS + 12 * MINUTE, START_MS + 20 * MINUTE)], START_MS + DAY)
    assert not store.check(KEY).failed


def test_gaps_are_cut_where_holes_begin_and_end() -> None:
    present = np.array([0, 10, 20], dtype=np.int64) * MINUTE
    holes = [
        Hole(2 * MINUTE, 4 * MINUTE, 5),
        Hole(4 * MINUTE, 5 * MINUTE, 6),
        Hole(8 * MINUTE, 15 * MINUTE, 7),
    ]
    gap, hole = gap_findings(present, Timeframe.M1, holes)
    minutes = [(start // MINUTE, end // MINUTE) for start, end in gap.intervals]
    assert minutes == [(1, 2), (5, 8), (15, 20)]
    assert [(s // MINUTE, e // MINUTE) for s, e in hole.intervals] == [(2, 4), (4, 5), (8, 10), (11, 15)]
    assert gap.count + hole.count == 18
    assert "9 bars are missing in 3 gaps, the longest from 1970-01-01 00:15" in gap.sentence


# -- rows


def test_doubles_that_agree_and_that_contradict_are_told_apart(store: Store) -> None:
    put(store, [bar(0), bar(1), bar(1), bar(2), bar(2, price="77"), bar(3), bar(0)])
    report = store.check(KEY)
    assert found(report) == {
        "duplicate": "2 lines (first 4, 8) repeat other rows.",
        "contradiction": "Line 6 has the time of another row and other values.",
    }
    assert report.failed


def test_bars_of_the_future_are_a_warning(tmp_path: Path) -> None:
    store = Store(tmp_path / "data", ManualClock(START_MS + MINUTE))
    put(store, bars(0, 1, 2, 3))
    assert "2 bars up to 2024-01-01 00:03 lie in the future" in found(store.check(KEY))["future"]


# -- spikes


def test_a_bad_print_is_a_spike_and_a_market_that_stays_where_it_went_is_none(store: Store) -> None:
    rows = market(1000)
    assert found_spike(store, rows) == ""
    far = rows[400]._replace(high=f"{float(rows[400].high) * 1.2:.6f}")
    assert "1 bar leaves both neighbours by more than" in found_spike(store, [*rows[:400], far, *rows[401:]])
    scaled = rows[400]._replace(**{name: f"{float(getattr(rows[400], name)) * 10:.6f}" for name in PRICES})
    said = found_spike(store, [*rows[:400], scaled, *rows[401:]])
    assert "the farthest by 90" in said and "at 2024-01-01 06:40" in said
    later = [
        row._replace(**{name: f"{float(getattr(row, name)) * 1.2:.6f}" for name in PRICES})
        for row in rows[400:]
    ]
    assert found_spike(store, [*rows[:400], *later]) == ""
    assert found_spike(store, [*rows[:399], far, *rows[402:]]) == "", (
        "beside a gap nobody knows the neighbour"
    )
    assert found_spike(store, [*rows[:100], far._replace(time_ms=rows[100].time_ms), *rows[101:150]]) == ""


PRICES = ("open", "high", "low", "close")


def found_spike(store: Store, rows: list[BarRow]) -> str:
    put(store, rows)
    return found(store.check(KEY), Level.WARNING).get("spike", "")


# -- volume and turnover


def test_turnover_that_does_not_fit_the_price_is_a_warning(store: Store) -> None:
    rows = market(300)
    put(store, rows)
    assert found(store.check(KEY)) == {}
    put(store, [row._replace(volume=row.turnover, turnover=row.volume) for row in rows])
    assert "Turnover and volume imply 0.0001" in found(store.check(KEY))["turnover"]
    inverse = DatasetKey("inverse", "BTCUSD", "1m")
    put(store, [row._replace(volume=row.turnover, turnover=row.volume) for row in rows], inverse)
    assert found(store.check(inverse)) == {}
    put(store, [row._replace(turnover="") for row in rows])
    assert found(store.check(KEY)) == {}


def test_a_frozen_mark_price_needs_an_hour(store: Store) -> None:
    frozen = [bar(0)._replace(time_ms=bar(index).time_ms) for index in range(59)]
    store.append(MARK, frozen)
    assert found(store.check(MARK)) == {}
    store.append(MARK, [bar(0)._replace(time_ms=bar(59).time_ms)])
    assert found(store.check(MARK))["stale"].startswith(
        "60 bars from 2024-01-01 00:00 to 2024-01-01 01:00 repeat the"
    )
    assert "volume" not in json.dumps(store.check(MARK).to_json())


# -- across files


def test_a_coarse_file_that_contradicts_the_fine_one(store: Store) -> None:
    minutes = market(500)
    put(store, minutes)
    five = DatasetKey("linear", "BTCUSDT", "5m")
    built, _ = store.load_or_build(Category.LINEAR, "BTCUSDT", Timeframe.M5)
    rows = [
        BarRow(int(t), *(repr(float(value)) for value in (o, h, low, c, v)), "")
        for t, o, h, low, c, v in zip(
            built.time, built.open, built.high, built.low, built.close, built.volume, strict=True
        )
    ]
    put(store, rows, five)
    assert found(check_dataset(store, five)) == {}
    rows[10] = rows[10]._replace(volume="3")
    rows[20] = rows[20]._replace(low=f"{built.low[20] * 0.999:.6f}")
    put(store, rows, five)
    report = check_dataset(store, five)
    assert found(report)["finer"] == (
        "2 bars of 100 shared with BTCUSDT_1m.csv differ from what its bars make, the first at 2024-01-01 00:50: "
        "one of the two files is wrong."
    )
    assert not report.failed
    # Where the fine file has a gap, nothing can be said about the coarse bar.
    put(store, [row for index, row in enumerate(minutes) if index not in {52, 101}])
    assert found(check_dataset(store, five)) == {}
    put(store, [minutes[0]._replace(low="0")])
    assert found(check_dataset(store, five)) == {}


def test_a_mark_price_far_from_the_traded_one(store: Store) -> None:
    rows = market(300)
    put(store, rows)
    store.append(MARK, rows)
    assert found(check_dataset(store, MARK)) == {}
    mark = store.folder / "linear" / MARK.file_name
    lines = mark.read_text().splitlines(keepends=True)
    lines[101:103] = [
        f"{rows[place].time_ms},{','.join(f'{float(v) * 1.08:.4f}' for v in rows[place][1:5])}\n"
        for place in (100, 101)
    ]
    write(mark, "".join(lines))
    sentence = found(check_dataset(store, MARK))["mark"]
    assert sentence.startswith(
        "2 bars of 300 shared with BTCUSDT_1m.csv close more than 5% away from the traded price"
    )
    assert "the farthest 8.0% at 2024-01-01 01:" in sentence
    assert found(check_dataset(store, KEY)) == {}


# -- funding


def test_funding_payments(store: Store) -> None:
    hour = 3_600_000
    with pytest.raises(InputError, match="There are no funding payments of linear/BTCUSDT"):
        check_funding(store, Category.LINEAR, "BTCUSDT")
    store.merge_funding(Category.LINEAR, "BTCUSDT", [(START_MS + 8 * hour * i, "0.0001") for i in range(4)])
    assert check_funding(store, Category.LINEAR, "BTCUSDT").findings == ()
    late = [
        (START_MS + 48 * hour, "0.0001"),
        (START_MS + 56 * hour + 1_800_000, "-0.01"),
        (START_MS + 60 * hour, "0.5"),
    ]
    store.merge_funding(Category.LINEAR, "BTCUSDT", late)
    report = check_funding(store, Category.LINEAR, "BTCUSDT")
    assert report.failed
    said = found(report)
    assert "1 payment not on a full hour, the first at 2024-01-03 08:30" in said["grid"]
    assert (
        "1 rate above 10% of the position, the highest 0.5 at 2024-01-03 12:00: are these percent?"
        in said["rate"]
    )
    assert said["gap"].startswith("Payments are missing in 2 gaps, the longest from 2024-01-02 00:00")
    path = store.folder / "linear" / "BTCUSDT_funding.csv"
    assert funding_files(store) == [(Category.LINEAR, "BTCUSDT", path)]
    with path.open("a") as file:
        file.write("1704067200000,x\n")
    assert 'the funding_rate is "x"' in found(check_funding(store, Category.LINEAR, "BTCUSDT"))["unreadable"]


# -- recorded markets


@pytest.mark.realdata
def test_recorded_perpetuals_are_sound_with_few_spikes(tmp_path: Path, shared_market: Path) -> None:
    store = Store(tmp_path / "data", ManualClock(1_785_000_000_000))
    folder = shared_market / "bybit_linear"
    for symbol, spikes in (("AAVEUSDT", 1), ("BTCUSDT", 0)):
        for kind in ("5m", "1h_mark", "funding"):
            store.import_file(folder / f"{symbol}_{kind}.csv.gz")
        report = check_dataset(store, DatasetKey("linear", symbol, "5m"))
        counts = {
            finding.kind: finding.count for finding in report.findings if finding.level is not Level.INFO
        }
        assert counts == ({"spike": spikes} if spikes else {})
        mark = check_dataset(store, DatasetKey("linear", symbol, "1h", mark=True))
        assert set(found(mark)) <= {"spike"}
        assert check_funding(store, Category.LINEAR, symbol).findings == ()


@pytest.mark.realdata
def test_a_real_year_of_minutes_is_checked_in_a_second_and_shows_a_few_spikes(
    tmp_path: Path, shared_market: Path
) -> None:
    store = Store(tmp_path / "data", ManualClock(1_785_000_000_000))
    store.import_file(shared_market / "binance_spot" / "BTCUSDT_1m.csv.gz", ImportOptions("spot"))
    began = time.process_time()
    report = check_dataset(store, DatasetKey("spot", "BTCUSDT", "1m"))
    assert time.process_time() - began < 3.0, (
        "far above what it takes: only an accident of speed shall fail here"
    )
    (spike,) = [finding for finding in report.findings if finding.level is Level.WARNING]
    assert (spike.kind, spike.count, report.failed) == ("spike", 10, False)
    assert "more than 1.1" in spike.sentence
    assert len(spike.details(4)) == 5 and "6 more" in spike.details(4)[-1]
