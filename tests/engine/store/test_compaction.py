"""Compaction writes what waits, removes what is left over, and touches nothing that is in order."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.engine.store.helpers import KEY, START_MS, bar, bars, text_of, write
from tests.support.windows_shim import WindowsRules
from tradebot.engine.control.clock import ManualClock
from tradebot.engine.control.errors import CancelledError, ShortfallError
from tradebot.engine.control.progress import CancelToken
from tradebot.engine.market import Category, DatasetKey
from tradebot.engine.store import Store, compact, staging

OTHER = DatasetKey("linear", "ETHUSDT", "1m")
MARK = DatasetKey("linear", "BTCUSDT", "1m", mark=True)
ORDER = "Everything is in order; nothing was changed."


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path, ManualClock(START_MS))


def csv(store: Store, key: DatasetKey = KEY) -> Path:
    return store.folder / key.category / key.file_name


def states(folder: Path) -> dict[str, tuple[bytes, int, int]]:
    return {
        str(path): (path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_ino)
        for path in folder.rglob("*.csv*")
        if path.is_file()
    }


def test_files_in_order_are_not_touched(store: Store) -> None:
    store.append(KEY, bars(*range(50)))
    store.append(MARK, [bar(index)._replace(volume="", turnover="") for index in range(5)])
    store.merge_funding(Category.LINEAR, "BTCUSDT", [(START_MS, "0.1")])
    store.load(KEY)
    before = states(store.folder)
    assert compact(store).sentence == ORDER
    assert states(store.folder) == before


def test_waiting_rows_are_written(store: Store, windows: WindowsRules) -> None:
    store.append(KEY, bars(5))
    with windows.locked(csv(store)):
        store.append(KEY, bars(6))
        locked = compact(store)
        assert locked.rows_written == 0
        assert store.load(KEY).time.tolist() == [bar(5).time_ms, bar(6).time_ms]
    store.stage(KEY, bars(1, 2))
    report = compact(store)
    assert report.rows_written == 2 + 1
    assert csv(store).read_text() == text_of(bars(1, 2, 5, 6))
    assert compact(store).sentence == ORDER


@pytest.mark.parametrize("chunk", [90, 1000, 2_000_000])
def test_rows_doubled_word_for_word_are_kept_once(
    store: Store, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging, "_CHUNK_BYTES", chunk)
    csv(store).parent.mkdir(parents=True)
    write(csv(store), text_of(bars(0, 0, 1, 2, 2, 2, *range(3, 40), 39)))
    report = compact(store)
    assert report.rows_removed == 4
    assert report.rewritten == ("linear/BTCUSDT_1m.csv",)
    assert csv(store).read_text() == text_of(bars(*range(40)))
    assert len(store.load(KEY)) == 40
    assert compact(store).sentence == ORDER


def test_two_different_rows_of_one_time_are_left_for_a_person(store: Store) -> None:
    csv(store).parent.mkdir(parents=True)
    content = text_of([bar(0), bar(0, price="7"), bar(1)])
    write(csv(store), content)
    assert "come twice or out of order" in compact(store).sentence
    assert csv(store).read_text() == content


@pytest.mark.parametrize("mixed", [False, True])
def test_foreign_line_ends_become_plain(store: Store, mixed: bool) -> None:
    csv(store).parent.mkdir(parents=True)
    lines = text_of(bars(0, 1, 2)).splitlines()
    text = (
        "\ufeff" + "\r\n".join(lines) + "\r\n"
        if not mixed
        else f"{lines[0]}\n{lines[1]}\r\n" + "\n".join(lines[2:]) + "\n"
    )
    write(csv(store), text)
    assert compact(store).rewritten == ("linear/BTCUSDT_1m.csv",)
    assert csv(store).read_bytes() == text_of(bars(0, 1, 2)).encode()
    assert compact(store).sentence == ORDER


def test_left_overs_go_and_the_quarantine_stays(store: Store) -> None:
    for key in (KEY, OTHER):
        store.append(key, bars(*range(5)))
        store.load(key)
    cache = store.folder / "linear" / ".cache"
    (cache / "BTCUSDT_1m" / "000000.columns").write_bytes(b"old")
    write(csv(store).with_name("BTCUSDT_1m.csv.quarantine"), "# x\n")
    write(csv(store, OTHER).with_name("ETHUSDT_1m.csv.quarantine"), "# y\n")
    csv(store, OTHER).unlink()
    fresh, stale = csv(store).with_name(".a.csv.1.2.new"), csv(store).with_name(".b.csv.1.2.new")
    for path, age_ms in ((fresh, 60_000), (stale, 7_200_000)):
        write(path, "x")
        os.utime(path, ns=((START_MS - age_ms) * 1_000_000,) * 2)
    report = compact(store)
    assert set(report.removed) == {
        "linear/.cache/BTCUSDT_1m/000000.columns",
        "linear/.cache/ETHUSDT_1m",
        "linear/.b.csv.1.2.new",
    }
    assert report.orphans == ("linear/ETHUSDT_1m.csv.quarantine",)
    assert report.bytes_freed > 4096
    assert fresh.exists()
    assert len(list(store.folder.rglob("*.quarantine"))) == 2
    assert len(store.load(KEY)) == 5


def test_a_mapped_generation_is_deleted_later(store: Store) -> None:
    store.append(KEY, bars(*range(5)))
    held = store.load(KEY)
    write(csv(store), text_of(bars(0, 1)))
    store.load(KEY)
    compact(store)
    assert len(held) == 5
    del held
    compact(store)
    assert len(list((store.folder / "linear" / ".cache" / "BTCUSDT_1m").glob("*.columns"))) == 1


def test_only_the_datasets_that_were_asked_for(store: Store) -> None:
    for key in (KEY, OTHER):
        store.append(key, bars(5))
        store.stage(key, bars(1))
    assert compact(store, [KEY]).rows_written == 1
    assert store.staged_keys() == [OTHER]


def test_one_bad_file_does_not_keep_the_others_from_it(store: Store) -> None:
    for key in (KEY, OTHER):
        store.append(key, bars(5))
        store.stage(key, bars(1))
    write(csv(store), text_of(bars(5)) + "rubbish\n")
    report = compact(store)
    assert report.rows_written == 1
    assert "BTCUSDT_1m.csv, line 3" in report.failures[0]
    assert store.staged_keys() == [KEY]
    assert compact(store).sentence.startswith("Nothing was changed. ")


def test_what_compacting_does_not_mend_is_not_called_in_order(store: Store) -> None:
    """A block of rows that comes twice, as two overlapping pages of a downloader leave it, is left to repair."""
    store.append(KEY, bars(0))
    for wrong in (text_of(bars(1, 2, 3, 1, 2, 4)), text_of(bars(1, 2)) + "rubbish\n"):
        write(csv(store), wrong)
        report = compact(store)
        assert csv(store).read_text() == wrong
        assert "`tradebot data repair` puts them aside" in report.failures[0]


def test_it_may_be_cancelled_and_needs_a_folder_that_may_be_written(store: Store) -> None:
    store.append(KEY, bars(0))
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(CancelledError):
        compact(store, cancel=cancel)
    with pytest.raises(ShortfallError, match="open for reading only"):
        compact(Store(store.folder, read_only=True))
