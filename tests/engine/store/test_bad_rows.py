"""Bad rows go into the quarantine beside the file: good rows keep their bytes, nothing is lost, a kill does no harm."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.store.helpers import KEY, START_MS, bar, bars, text_of, write
from tests.support.windows_shim import WindowsRules
from tradebot.engine.control.clock import ManualClock
from tradebot.engine.control.errors import InputError, ShortfallError
from tradebot.engine.market import DatasetKey
from tradebot.engine.store import Store, bad_rows
from tradebot.engine.store.bad_rows import move_bad_rows
from tradebot.engine.store.tables import Tables

MINUTE = 60_000
HEADER = "timestamp,open,high,low,close,volume,turnover\n"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "data", ManualClock(START_MS + 86_400_000))


def put(store: Store, *rows: str, key: DatasetKey = KEY) -> Path:
    path = store.folder / key.category / key.file_name
    path.parent.mkdir(parents=True, exist_ok=True)
    write(path, HEADER + "".join(row + "\n" for row in rows))
    return path


def row(minute: int, **changes: str) -> str:
    fields = dict(
        zip(HEADER.strip().split(","), text_of([bar(minute)]).splitlines()[1].split(","), strict=True)
    )
    return ",".join({**fields, **changes}.values())


def moved_text(path: Path) -> list[str]:
    return path.with_name(path.name + ".quarantine").read_text().splitlines()


def minute_range(first: int, after: int) -> tuple[int, int]:
    return START_MS + first * MINUTE, START_MS + after * MINUTE


@pytest.mark.parametrize(
    ("bad", "reason", "missing"),
    [
        (row(2, close="lots"), 'the close is "lots", expected a number', (2, 3)),
        ("<html>502 Bad Gateway</html>", "1 value, expected 7 values", (2, 3)),
        (row(2, low="0"), "the low is 0, expected a price above 0", (2, 3)),
        (row(2, high="1"), "contradict each other, expected low <= open", (2, 3)),
        (row(2, volume="-1"), "the volume is -1, expected 0 or more", (2, 3)),
        (row(2, timestamp=str(START_MS + 2 * MINUTE + 7)), "is off the grid", (2, 3)),
        (row(2, timestamp=str(START_MS + 9 * MINUTE)), "is out of order", (2, 3)),
        (row(1), "repeats line 3", None),
    ],
)
def test_a_row_that_fails_is_moved_with_its_reason_and_the_others_keep_their_bytes(
    store: Store, bad: str, reason: str, missing: tuple[int, int] | None
) -> None:
    good = [row(0), row(1), row(3, close="103.1000")] if missing else [row(0), row(1), row(2)]
    path = put(store, good[0], good[1], bad, good[2])
    moved = move_bad_rows(store, KEY)
    assert moved.rows == 1
    expected = [minute_range(*missing)] if missing else []
    if "out of order" in reason:
        expected.append(minute_range(9, 10))
    assert list(moved.ranges) == expected
    assert path.read_text() == HEADER + "".join(each + "\n" for each in good)
    comment, kept = moved_text(path)
    assert comment.startswith("# 2024-01-02T00:00:00.000Z moved out of BTCUSDT_1m.csv: ")
    assert reason in comment and kept == bad
    assert f"1 bad row moved to BTCUSDT_1m.csv.quarantine (line 4: {comment[56:]}" in moved.sentence
    assert len(store.load(KEY)) == 3
    assert move_bad_rows(store, KEY).rows == 0


def test_of_rows_that_contradict_each_other_none_is_believed(store: Store) -> None:
    path = put(store, row(0), row(1), row(1, close="101.2"), row(2))
    moved = move_bad_rows(store, KEY)
    assert (moved.rows, moved.ranges) == (2, (minute_range(1, 2),))
    comment, *rows = moved_text(path)
    assert "2 rows of the time 2024-01-01T00:01:00.000Z contradict each other" in comment
    assert rows == [row(1), row(1, close="101.2")]


def test_a_row_far_ahead_of_its_place_costs_one_row_and_a_torn_end_is_kept_too(store: Store) -> None:
    path = put(store, row(0), row(5000), *(row(minute) for minute in range(1, 50)))
    with path.open("ab") as file:
        file.write(b"17040672")
    moved = move_bad_rows(store, KEY)
    assert moved.rows == 2
    assert [line for line in moved_text(path) if not line.startswith("#")] == [row(5000), "17040672"]
    assert store.missing(KEY, START_MS, START_MS + 50 * MINUTE) == []


def test_a_sound_file_is_not_touched_and_wrong_ones_are_said(store: Store) -> None:
    path = put(store, row(0), row(1))
    before = path.stat()
    assert move_bad_rows(store, KEY).sentence == "linear/BTCUSDT_1m holds no bad row."
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == (before.st_mtime_ns, before.st_ino)
    with pytest.raises(InputError, match="There is no dataset linear/ETHUSDT_1m"):
        move_bad_rows(store, DatasetKey("linear", "ETHUSDT", "1m"))
    write(path, "a,b\n1,2\n")
    with pytest.raises(InputError, match="line 1: the header is"):
        move_bad_rows(store, KEY)
    with pytest.raises(ShortfallError, match="open for reading only"):
        move_bad_rows(Store(store.folder, read_only=True), KEY)


def test_mark_prices_too(store: Store) -> None:
    key = DatasetKey("linear", "BTCUSDT", "1m", mark=True)
    path = store.folder / "linear" / key.file_name
    path.parent.mkdir(parents=True)
    write(path, f"timestamp,open,high,low,close\n{START_MS},1,2,0.5,1\n{START_MS + MINUTE},1,2,0,1\n")
    moved = move_bad_rows(store, key)
    assert (moved.rows, moved.ranges) == (1, (minute_range(1, 2),))
    assert store.load(key).close.tolist() == [1.0]


def test_the_column_cache_and_an_append_follow(store: Store) -> None:
    path = put(store, *(row(minute) for minute in range(200)))
    assert len(store.load(KEY)) == 200
    text = path.read_text().replace(row(100), row(100, high="0.1"))
    write(path, text)
    assert move_bad_rows(store, KEY).ranges == (minute_range(100, 101),)
    assert len(store.load(KEY)) == 199
    assert store.append(KEY, bars(200)) == 1
    assert store.merge(KEY, bars(100)).inserted == 1
    assert len(store.load(KEY)) == 201


def test_a_kill_between_quarantine_and_file_loses_and_doubles_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(store, row(0), row(1, low="0"), row(2))
    before = path.read_bytes()

    class Killed(BaseException):
        pass

    def killed(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Tables, "put_in_place", killed)
        with pytest.raises(Killed):
            move_bad_rows(store, KEY)
    assert path.read_bytes() == before
    assert row(1, low="0") in moved_text(path)
    assert move_bad_rows(store, KEY).rows == 1
    assert moved_text(path).count(row(1, low="0")) == 1
    assert path.read_text() == HEADER + row(0) + "\n" + row(2) + "\n"


def test_rows_appended_meanwhile_are_not_lost(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(store, row(0), row(1, low="0"), row(2))
    build = bad_rows.build_beside
    appended = iter([3, 4])

    def slow(*arguments: object) -> Path:
        minute = next(appended, None)
        if minute is not None:
            assert Store(store.folder, ManualClock()).append(KEY, bars(minute)) == 1
        return build(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(bad_rows, "build_beside", slow)
    assert move_bad_rows(store, KEY).rows == 1
    assert path.read_text() == HEADER + "".join(row(minute) + "\n" for minute in (0, 2, 3, 4))


def test_a_file_that_another_program_keeps_open_stays_as_it_is(store: Store, windows: WindowsRules) -> None:
    path = put(store, row(0), row(1, low="0"))
    before = path.read_bytes()
    with windows.locked(path), pytest.raises(ShortfallError, match="could not be written"):
        move_bad_rows(store, KEY)
    assert path.read_bytes() == before
    assert list(path.parent.glob("*.new")) == []
    assert move_bad_rows(store, KEY).rows == 1


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), faults=st.integers(0, 12))
def test_whatever_is_wrong_afterwards_only_gaps_are_and_every_line_is_somewhere(
    seed: int, faults: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    rng = random.Random(seed)
    store = Store(tmp_path_factory.mktemp("data"), ManualClock(START_MS + 86_400_000))
    rows = [row(minute) for minute in range(40)]
    for _ in range(faults):
        place = rng.randrange(len(rows))
        rows[place : place + 1] = rng.choice(
            [
                [row(place, high="0")],
                [rows[place], rows[place]],
                [rows[place], row(place, close="100.5")],
                ["noise"],
                [row(rng.randrange(80))],
                [rows[place].replace("000,", "001,", 1)],
                [],
            ]
        )
        rows = rows or [row(0)]
    path = put(store, *rows)
    moved = move_bad_rows(store, KEY)
    kept = path.read_text().splitlines()[1:]
    aside = [line for line in moved_text(path) if not line.startswith("# ")] if moved.rows else []
    assert sorted(kept + aside) == sorted(rows)
    failures = {finding.kind for finding in store.check(KEY).findings if finding.level.value == "failure"}
    assert failures <= {"gap"}
    assert len(aside) == moved.rows
    held = set(store.load(KEY).time.tolist())
    for start, end in moved.ranges:
        assert not held & set(range(start, end, MINUTE))
