"""Edits by hand while we run: noticed once, read anew, never in the way of what is collected."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engine.store.helpers import KEY, bar, bars, text_of, write
from tests.engine.store.test_kill import start
from tradebot.engine.control.errors import InputError
from tradebot.engine.market import DatasetKey
from tradebot.engine.store import RetentionRules, Store, compact, prune

OTHER = DatasetKey("linear", "ETHUSDT", "1m")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path)
    store.append(KEY, bars(*range(100)))
    return store


def csv(store: Store) -> Path:
    return store.folder / "linear" / "BTCUSDT_1m.csv"


def replaced(path: Path, text: str) -> None:
    """As an editor does it: a new file in the place of the old one."""
    new = path.with_name("editor.tmp")
    write(new, text)
    os.replace(new, path)


LOOKS: dict[str, Callable[[Store], object]] = {
    "load": lambda store: store.load(KEY),
    "info": lambda store: store.info(KEY),
    "missing": lambda store: store.missing(KEY, 0, 60_000),
    "list": lambda store: store.datasets(),
    "append": lambda store: store.append(KEY, bars(100)),
    "merge": lambda store: store.merge(KEY, bars(-1)),
}


@pytest.mark.parametrize("look", LOOKS)
def test_a_changed_digit_is_noticed_once_whoever_looks_first(store: Store, look: str) -> None:
    write(csv(store), csv(store).read_text().replace("105.10", "105.20"))
    LOOKS[look](store)
    (notice,) = store.notices()
    assert notice == (
        f"{csv(store)} was changed by another program; it is read anew, and new rows go after its last one."
    )
    for again in LOOKS.values():
        again(store)
    assert store.notices() == []
    assert store.load(KEY).low.tolist().count(105.2) == 2


@pytest.mark.parametrize("how", [write, replaced])
def test_the_last_hour_removed_is_said_before_the_next_bar_leaves_a_hole(
    store: Store, how: Callable[[Path, str], None]
) -> None:
    """A dataset that is followed: the next bar is kept, and everybody can see what is missing."""
    how(csv(store), text_of(bars(*range(40))))
    assert store.append(KEY, bars(100)) == 1
    (notice,) = store.notices()
    assert "ends at 2024-01-01 00:39 now, no longer at 2024-01-01 01:39 UTC" in notice
    assert "stays missing until it is collected again" in notice
    info = store.info(KEY)
    assert info is not None
    assert (info.gap_count, info.missing_rows) == (1, 60)
    assert store.missing(KEY, bar(0).time_ms, bar(101).time_ms) == [(bar(40).time_ms, bar(100).time_ms)]
    assert store.merge(KEY, bars(*range(40, 100))).inserted == 60
    assert csv(store).read_text() == text_of(bars(*range(101)))
    assert store.notices() == []


def test_a_deleted_file_is_said_and_begins_anew(store: Store) -> None:
    csv(store).unlink()
    assert store.append(KEY, bars(100)) == 1
    (notice,) = store.notices()
    assert "was deleted by another program while tradebot was running" in notice
    assert csv(store).read_text() == text_of(bars(100))
    csv(store).unlink()
    assert store.info(KEY) is None
    assert len(store.notices()) == 1
    assert store.info(KEY) is None
    assert store.notices() == []
    store.append(KEY, bars(101))
    csv(store).unlink()
    assert store.datasets() == []
    assert len(store.notices()) == 1


def test_another_file_in_its_place_is_said_and_followed_on(store: Store) -> None:
    replaced(csv(store), text_of(bars(*range(-50, 99), 150)))
    assert store.append(KEY, bars(100, 151)) == 1, "bar 100 is older than the last one now"
    assert len(store.notices()) == 1
    assert csv(store).read_text() == text_of(bars(*range(-50, 99), 150, 151))


def test_an_emptied_file_is_said(store: Store) -> None:
    write(csv(store), text_of([]))
    store.append(KEY, bars(100))
    (notice,) = store.notices()
    assert "ends without a row now" in notice


def test_rows_are_kept_while_the_file_is_broken(store: Store) -> None:
    """Every other dataset goes on; the broken one is said each time until it is mended, and then takes its bars."""
    whole = csv(store).read_text()
    write(csv(store), whole + "half of a ro\n")
    with pytest.raises(InputError, match=r"BTCUSDT_1m\.csv, line 102: "):
        store.append_many({KEY: bars(100), OTHER: bars(100)})
    assert len(store.load(OTHER)) == 1
    write(csv(store), whole)
    assert store.append_many({KEY: bars(100), OTHER: bars(100)}) == {KEY: 1, OTHER: 0}


def test_what_we_do_ourselves_is_never_said(store: Store) -> None:
    other = Store(store.folder)  # e.g. the app beside its collecting child
    other.load(KEY)
    own: list[Callable[[], object]] = [
        lambda: store.append(KEY, bars(100, 101)),
        lambda: store.merge(KEY, bars(-2)),
        lambda: store.append(KEY, bars(102)),
        lambda: store.stage(KEY, bars(-5, -4)),
        lambda: store.settle(KEY),
        lambda: prune(store, RetentionRules({"1m": 60 * 60_000}), bar(103).time_ms, False),
        lambda: compact(store),
        lambda: store.append(KEY, bars(103)),
    ]
    for step in own:
        step()
        for each in (store, other, Store(store.folder, read_only=True)):
            each.load(KEY)
            each.info(KEY)
            each.datasets()
            assert each.notices() == []


def test_a_collecting_child_causes_no_notice(store: Store) -> None:
    child = start(store.folder, 100, 20, "merge")
    assert child.stdout is not None
    try:
        for _ in range(15):
            child.stdout.readline()
            store.load(KEY)
            store.datasets()
    finally:
        child.kill()
        child.stdout.close()
        child.wait()
    assert store.notices() == []


def test_an_edit_between_two_of_our_own_replacements_is_said(store: Store) -> None:
    other = Store(store.folder)
    other.load(KEY)
    store.merge(KEY, bars(-2))
    write(csv(store), csv(store).read_text().replace("105.10", "105.20"))
    other.load(KEY)
    assert len(other.notices()) == 1
    store.merge(KEY, bars(-3))
    assert len(store.notices()) == 1
    assert csv(store).read_text().startswith(text_of(bars(-3, -2)))


def test_without_the_note_beside_the_cache_nothing_breaks(store: Store) -> None:
    other = Store(store.folder)
    other.load(KEY)
    store.merge(KEY, bars(-2))
    note = store.folder / "linear" / ".cache" / "BTCUSDT_1m.written"
    assert note.exists()
    note.unlink()
    assert len(other.load(KEY)) == 101
    assert len(other.notices()) == 1
