"""Under Windows' rules: nothing open or mapped is replaced or deleted; a CSV shown by Excel loses no bar."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.engine.store.helpers import KEY, START_MS, bar, bars, text_of, write
from tests.support.windows_shim import WindowsRules
from tradebot.engine.store import ImportOptions, Store


@pytest.fixture
def store(tmp_path: Path, windows: WindowsRules) -> Store:
    return Store(tmp_path)


def csv(store: Store) -> Path:
    return store.folder / "linear" / "BTCUSDT_1m.csv"


def generations(store: Store) -> list[str]:
    return sorted(path.name for path in (store.folder / "linear" / ".cache" / "BTCUSDT_1m").iterdir())


def test_the_shim_refuses_what_windows_refuses(tmp_path: Path, windows: WindowsRules) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"x" * 100)
    mapped = np.memmap(file, mode="r")
    for forbidden in (file.unlink, lambda: (tmp_path / "b").replace(file), lambda: file.write_bytes(b"")):
        (tmp_path / "b").write_bytes(b"y")
        with pytest.raises(OSError):
            forbidden()
    with (tmp_path / "b").open("rb"), pytest.raises(PermissionError):
        (tmp_path / "b").unlink()
    del mapped
    file.unlink()
    (tmp_path / "b").unlink()


def test_mapped_bars_stay_while_the_file_is_rewritten_beside_them(store: Store) -> None:
    store.append(KEY, bars(5, 6))
    held = store.load(KEY)
    store.merge(KEY, bars(1))
    after = store.load(KEY)
    assert held.time.tolist() == [bar(5).time_ms, bar(6).time_ms]
    assert after.time.tolist() == [bar(index).time_ms for index in (1, 5, 6)]
    assert len(generations(store)) == 2, "the mapped generation cannot be deleted yet"
    del held, after
    store.merge(KEY, bars(0))
    assert len(store.load(KEY)) == 4
    assert len(generations(store)) == 1, "older generations go once nobody holds them"


def test_mapped_bars_stay_while_bars_are_appended_and_the_cache_grows(store: Store) -> None:
    held = []
    for index in range(1300):  # more than the spare room of the first generation
        store.append(KEY, bars(index))
        if index % 100 == 0:
            held.append((index, store.load(KEY)))
    for index, candles in held:
        assert len(candles) == index + 1
        assert int(candles.time[-1]) == bar(index).time_ms
        assert candles.close[0] == float(bar(0).close)
    assert len(store.load(KEY)) == 1300


@pytest.mark.parametrize("method", ["append", "merge"])
def test_bars_wait_in_the_journal_while_excel_shows_the_file(
    store: Store, windows: WindowsRules, method: str
) -> None:
    store.append(KEY, bars(0, 1))
    with windows.locked(csv(store)):
        for index in (2, 3):
            result = getattr(store, method)(KEY, bars(index))
            assert (result if isinstance(result, int) else result.added) == 1
        assert csv(store).read_text() == text_of(bars(0, 1))
        assert store.load(KEY).time.tolist() == [bar(index).time_ms for index in range(4)]
        assert store.missing(KEY, START_MS, bar(5).time_ms) == [(bar(4).time_ms, bar(5).time_ms)]
        assert [info.rows for info in store.datasets()] == [4]
        assert store.append(KEY, bars(3)) == 0, "a waiting bar is not taken twice"
        assert any(finding.kind == "journal" for finding in store.check(KEY).findings)
        (notice,) = store.notices()
        assert "another program keeps it open" in notice
    assert store.append(KEY, bars(4)) == 1
    assert csv(store).read_text() == text_of(bars(0, 1, 2, 3, 4))
    assert not csv(store).with_name("BTCUSDT_1m.csv.journal").exists()
    (notice,) = store.notices()
    assert "can be written again; 2 waiting rows were added" in notice


def test_waiting_bars_are_written_when_the_folder_is_opened_again(
    store: Store, windows: WindowsRules
) -> None:
    store.append(KEY, bars(3))
    with windows.locked(csv(store)):
        store.merge(KEY, bars(1, 3, 4))
    reopened = Store(store.folder)
    assert csv(store).read_text() == text_of(bars(1, 3, 4))
    assert "2 waiting rows" in reopened.notices()[0]


def test_a_rewrite_refused_because_somebody_reads_waits_too(store: Store) -> None:
    store.append(KEY, bars(5, 6))
    with csv(store).open("rb"):
        result = store.merge(KEY, bars(4))
        assert (result.added, result.journaled) == (1, True)
        assert store.load(KEY).time[0] == bar(4).time_ms
    assert store.append(KEY, bars(7)) == 1
    assert csv(store).read_text() == text_of(bars(4, 5, 6, 7))


def test_a_torn_end_of_a_locked_file_is_repaired_later(store: Store, windows: WindowsRules) -> None:
    store.append(KEY, bars(0, 1))
    with csv(store).open("ab") as file:
        file.write(b"17040671")
    with windows.locked(csv(store)):
        assert store.append(KEY, bars(2)) == 1
        assert len(store.load(KEY)) == 3
    store.append(KEY, bars(3))
    assert csv(store).read_text() == text_of(bars(0, 1, 2, 3))


def test_import_into_a_file_whose_bars_are_mapped(store: Store, tmp_path: Path) -> None:
    store.append(KEY, bars(10, 11))
    held = store.load(KEY)
    source = tmp_path / "BTCUSDT_1m.csv"
    write(source, text_of(bars(8, 9, 10)))
    assert store.import_file(source, ImportOptions(category="linear")).rows_added == 2
    assert len(held) == 2
    assert len(store.load(KEY)) == 4


def test_listing_and_provenance_can_be_rewritten(store: Store) -> None:
    store.append(KEY, bars(0))
    store.claim_source("mainnet")
    store.datasets()
    store.datasets()
    assert store.source() == "mainnet"
