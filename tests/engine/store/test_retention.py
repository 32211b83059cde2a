"""Retention cuts the oldest bars that no rule keeps, and nothing else."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tests.engine.store.helpers import KEY, START_MS, bar, bars, text_of, write
from tests.support.windows_shim import WindowsRules
from tradebot.engine.control.clock import ManualClock
from tradebot.engine.control.errors import CancelledError, InputError, ShortfallError
from tradebot.engine.control.progress import CancelToken, Progress
from tradebot.engine.control.settings import load_settings
from tradebot.engine.market import DAY_MS, HOUR_MS, Category, DatasetKey, Timeframe
from tradebot.engine.market.times import iso_minute
from tradebot.engine.store import RetentionRules, Store, prune

HOURS = DatasetKey("linear", "BTCUSDT", "1h")
OTHER = DatasetKey("linear", "ETHUSDT", "1m")
NOW_MS = START_MS + 10 * DAY_MS


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path, ManualClock(NOW_MS))


def csv(store: Store, key: DatasetKey = KEY) -> Path:
    return store.folder / key.category / key.file_name


def minutes_old(minutes: int) -> RetentionRules:
    """Keeps minutes younger than that, seen from the close of bar 100."""
    return RetentionRules({"1m": minutes * 60_000})


def test_bars_older_than_the_rule_are_cut_and_others_keep_theirs(store: Store) -> None:
    store.append(KEY, bars(*range(100)))
    store.append(HOURS, [bar(index, Timeframe.H1) for index in range(3)])
    report = prune(store, minutes_old(30), bar(100).time_ms, dry_run=False)
    assert csv(store).read_text() == text_of(bars(*range(70, 100)))
    assert len(store.load(HOURS)) == 3
    (cut,) = report.cuts
    assert (cut.dataset, cut.rows, cut.before_ms) == ("linear/BTCUSDT_1m", 70, bar(70).time_ms)
    assert cut.bytes == len(text_of(bars(*range(70)))) - len(text_of([]))
    assert cut.sentence == f"linear/BTCUSDT_1m: 70 rows before {iso_minute(bar(70).time_ms)} (0.0 MB)"
    assert report.sentence == "70 rows cut from 1 file, 0.0 MB."
    assert store.load(KEY).time[0] == bar(70).time_ms
    again = prune(store, minutes_old(30), bar(100).time_ms, dry_run=False)
    assert again.sentence == "Nothing is older or larger than the rules of [retention] keep; nothing was cut."


def test_a_dry_run_says_the_same_and_touches_nothing(store: Store) -> None:
    store.append(KEY, bars(*range(100)))
    store.stage(KEY, bars(-5))
    before = {path: path.read_bytes() for path in store.folder.rglob("*") if path.is_file()}
    dry = prune(Store(store.folder, ManualClock(0), read_only=True), minutes_old(30), bar(100).time_ms, True)
    assert {path: path.read_bytes() for path in store.folder.rglob("*") if path.is_file()} == before
    assert dry.sentence.startswith("70 rows would be cut from 1 file")
    assert prune(store, minutes_old(30), bar(100).time_ms, False).rows == 71, "the staged one too"


def test_without_a_rule_nothing_is_ever_cut(store: Store) -> None:
    store.append(KEY, bars(0))
    with pytest.raises(InputError, match="There is no rule of what to keep"):
        prune(store, RetentionRules.of(load_settings(None, environment={}).retention), NOW_MS, False)


def test_the_rules_are_those_of_the_settings(tmp_path: Path) -> None:
    file = tmp_path / "tradebot.toml"
    write(file, '[retention]\nage = { "1m" = "400d", "1h" = "2y" }\nmegabytes = { "1m" = 1.5 }\n')
    rules = RetentionRules.of(load_settings(file, environment={}).retention)
    assert rules == RetentionRules({"1m": 400 * DAY_MS, "1h": 730 * DAY_MS}, {"1m": 1_500_000})


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('age = { "7m" = "1d" }', "retention.age.7m must be one of '1m', '3m'"),
        ('age = { "1m" = "0d" }', "retention.age.1m must be a span such as 400d"),
        ('megabytes = { "1m" = 0 }', "retention.megabytes.1m must be a number above 0, was 0"),
    ],
)
def test_wrong_rules_are_refused_by_their_key(tmp_path: Path, text: str, sentence: str) -> None:
    file = tmp_path / "tradebot.toml"
    write(file, f"[retention]\n{text}\n")
    with pytest.raises(InputError) as caught:
        load_settings(file, environment={})
    assert f"{file}: {sentence}" in str(caught.value)


def test_by_size_the_oldest_bars_go_whichever_file_they_are_in(store: Store) -> None:
    store.append(KEY, bars(*range(1000)))
    store.append(OTHER, bars(*range(500, 1000)))
    total = csv(store).stat().st_size + csv(store, OTHER).stat().st_size
    limit = total * 2 // 3  # 1,000 of 1,500 bars
    report = prune(store, RetentionRules(size_bytes={"1m": limit}), NOW_MS, False)
    left = csv(store).stat().st_size + csv(store, OTHER).stat().st_size
    assert limit * 0.98 < left <= limit * 1.01
    firsts = [store.load(key).time[0] for key in (KEY, OTHER)]
    for first in firsts:
        assert abs(int(first) - bar(500).time_ms) < 15 * 60_000
    assert sum(cut.bytes for cut in report.cuts) == total - left


def test_files_within_their_size_stay(store: Store) -> None:
    store.append(KEY, bars(*range(100)))
    assert not prune(store, RetentionRules(size_bytes={"1m": 10_000_000}), NOW_MS, False).cuts


@pytest.mark.parametrize("limit", [1, 50, 100, 150, 400, 600, 800])
def test_a_second_pruning_by_size_finds_nothing_more(store: Store, limit: int) -> None:
    # Rows of very different length, and holes in between: an even spread is a poor guess here.
    far = [bar(index, price=str(10 ** (index % 7))) for index in (0, 1, 2, 50, 51, 90, 91, 92, 93, 94)]
    store.append(KEY, far)
    store.append(OTHER, bars(*range(85, 95)))
    rules = RetentionRules(size_bytes={"1m": limit})
    assert prune(store, rules, NOW_MS, False).cuts
    left = sum(len(csv(store, key).read_bytes()) - len(text_of([])) for key in (KEY, OTHER))
    assert left <= limit
    assert not prune(store, rules, NOW_MS, False).cuts


def test_what_ended_before_the_border_of_age_is_left_whole_and_said(store: Store) -> None:
    store.append(KEY, bars(*range(100)))
    store.append(OTHER, bars(*range(50)))
    store.merge_funding(Category.LINEAR, "ETHUSDT", [(START_MS, "0.0001")])
    for dry_run in (True, False):
        report = prune(store, minutes_old(30), bar(100).time_ms, dry_run)
        assert [cut.dataset for cut in report.cuts] == ["linear/BTCUSDT_1m"]
        assert report.left_whole == ("linear/ETHUSDT_1m",)
        assert report.sentence.endswith("MB. 1 dataset of an earlier time left whole.")
        assert report.lines == (
            report.cuts[0].sentence,
            "linear/ETHUSDT_1m: left whole: ends before the border; delete the file yourself if you want it gone",
        )
        assert report.to_json()["left_whole"] == ["linear/ETHUSDT_1m"]
    assert csv(store, OTHER).read_text() == text_of(bars(*range(50)))
    assert len(store.funding(Category.LINEAR, "ETHUSDT")) == 1
    again = prune(store, minutes_old(30), bar(100).time_ms, False)
    assert again.sentence == "Nothing was cut. 1 dataset of an earlier time left whole."


def test_the_last_bar_at_the_border_of_age_is_enough_to_be_cut(store: Store) -> None:
    store.append(KEY, bars(*range(71)))
    prune(store, minutes_old(30), bar(100).time_ms, False)
    assert csv(store).read_text() == text_of(bars(70))


def test_a_file_emptied_by_size_can_be_appended_to(store: Store) -> None:
    store.append(KEY, bars(0, 1))
    prune(store, RetentionRules(size_bytes={"1m": 1}), NOW_MS, False)
    assert csv(store).read_text() == text_of([])
    assert store.append(KEY, bars(50)) == 1
    assert csv(store).read_text() == text_of(bars(50))


def test_funding_and_holes_follow_the_bars_that_are_left(store: Store) -> None:
    store.append(KEY, bars(*range(1440)))
    payments = [(START_MS + hour * HOUR_MS, "0.0001") for hour in (0, 8, 16)]
    store.merge_funding(Category.LINEAR, "BTCUSDT", payments)
    store.merge_funding(Category.LINEAR, "ETHUSDT", payments)
    store.remember_holes(KEY, [(bar(10).time_ms, bar(20).time_ms), (bar(700).time_ms, bar(800).time_ms)], 1)
    report = prune(store, minutes_old(720), bar(1440).time_ms, False)
    assert [cut.dataset for cut in report.cuts] == ["linear/BTCUSDT_1m", "linear/BTCUSDT_funding"]
    assert store.funding(Category.LINEAR, "BTCUSDT").time.tolist() == [payments[2][0]]
    assert len(store.funding(Category.LINEAR, "ETHUSDT")) == 3, "of a symbol that was not cut"
    (hole,) = store.holes(KEY)
    assert (hole.start_ms, hole.end_ms) == (bar(720).time_ms, bar(800).time_ms)


def test_funding_stays_for_the_longest_timeframe(store: Store) -> None:
    store.append(KEY, bars(*range(1440)))
    store.append(HOURS, [bar(index, Timeframe.H1) for index in range(24)])
    store.merge_funding(Category.LINEAR, "BTCUSDT", [(START_MS, "0.0001")])
    prune(store, minutes_old(60), bar(1440).time_ms, False)
    assert len(store.funding(Category.LINEAR, "BTCUSDT")) == 1


def test_a_file_that_cannot_be_read_is_said_and_left(store: Store) -> None:
    store.append(KEY, bars(*range(10)))
    store.append(OTHER, bars(*range(10)))
    write(csv(store, OTHER), text_of(bars(0, 1)) + "rubbish\n" + text_of(bars(3)).partition("\n")[2])
    report = prune(store, minutes_old(2), bar(10).time_ms, False)
    assert [cut.dataset for cut in report.cuts] == ["linear/BTCUSDT_1m"]
    assert "ETHUSDT_1m.csv, line 4" in report.failures[0]
    assert "rubbish" in csv(store, OTHER).read_text()


def test_a_locked_file_is_left_and_said(store: Store, windows: WindowsRules) -> None:
    store.append(KEY, bars(*range(10)))
    with windows.locked(csv(store)):
        report = prune(store, minutes_old(2), bar(10).time_ms, False)
    assert not report.cuts
    assert "cannot be replaced because another program keeps it open" in report.sentence
    assert csv(store).read_text() == text_of(bars(*range(10)))


def test_bars_that_are_mapped_stay_as_they_were_seen(store: Store) -> None:
    store.append(KEY, bars(*range(10)))
    held = store.load(KEY)
    prune(store, minutes_old(2), bar(10).time_ms, False)
    assert held.time.tolist() == [bar(index).time_ms for index in range(10)]
    assert len(store.load(KEY)) == 2


def test_appends_that_race_a_prune_lose_nothing(store: Store) -> None:
    store.append(KEY, bars(*range(200)))
    ended = threading.Event()

    def follow() -> None:
        follower = Store(store.folder)
        for index in range(200, 500):
            assert follower.append(KEY, bars(index)) == 1
        ended.set()

    thread = threading.Thread(target=follow)
    thread.start()
    border = 0
    while not ended.is_set() and border < 190:
        border += 1
        prune(store, minutes_old(200 - border), bar(200).time_ms, False)
    thread.join()
    assert ended.is_set()
    assert csv(store).read_text() == text_of(bars(*range(border, 500)))


def test_it_may_be_cancelled_between_two_files_and_shows_how_far_it_is(store: Store) -> None:
    cancel = CancelToken()
    shown: list[Progress] = []

    def progress(now: Progress) -> None:
        shown.append(now)
        cancel.cancel()

    for key in (KEY, OTHER):
        store.append(key, bars(*range(10)))
    with pytest.raises(CancelledError):
        prune(store, minutes_old(2), bar(10).time_ms, False, progress, cancel)
    assert (shown[0].done, shown[0].total) == (1, 2)
    assert sorted(len(store.load(key)) for key in (KEY, OTHER)) == [2, 10]


def test_a_folder_open_for_reading_only_is_not_pruned(store: Store) -> None:
    store.append(KEY, bars(0))
    with pytest.raises(ShortfallError, match="open for reading only"):
        prune(Store(store.folder, read_only=True), minutes_old(2), NOW_MS, False)
