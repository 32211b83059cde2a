"""What a data folder knows beside its bars: listing, check, funding, instruments, source, hashes."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.store.helpers import KEY, START_MS, bar, bars, text_of, write
from tradebot.engine.control.clock import ManualClock
from tradebot.engine.control.errors import InputError
from tradebot.engine.market import HOUR_MS, Category, DatasetKey, Instrument, Timeframe
from tradebot.engine.store import ImportOptions, Level, Store, inventory
from tradebot.engine.store import store as store_module
from tradebot.engine.store.funding import missing_payments


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "data", ManualClock(START_MS + 86_400_000))


def csv(store: Store) -> Path:
    return store.folder / "linear" / "BTCUSDT_1m.csv"


class TestListing:
    def test_an_empty_and_an_absent_folder(self, store: Store) -> None:
        assert store.datasets() == []
        assert not store.folder.exists(), "looking creates nothing"

    def test_datasets_are_sorted_and_say_what_they_hold(self, store: Store) -> None:
        store.append(DatasetKey("spot", "AUSDT", "1h"), [bar(0, Timeframe.H1)])
        store.append(KEY, bars(*range(10), *range(15, 20)))
        store.append(DatasetKey("linear", "AUSDT", "1m"), bars(3))
        write((store.folder / "linear" / "notes.txt"), "x")
        write((store.folder / "linear" / "BTCUSDT_1m_index.csv"), "x")
        infos = store.datasets()
        assert [str(info.key) for info in infos] == ["linear/AUSDT_1m", "linear/BTCUSDT_1m", "spot/AUSDT_1h"]
        info = infos[1]
        assert (info.rows, info.gap_count, info.missing_rows, info.exact) == (15, 1, 5, True)
        assert (info.first_ms, info.last_ms) == (START_MS, bar(19).time_ms)
        assert info.bytes == csv(store).stat().st_size
        assert info.coverage[0] == 1.0
        assert min(info.coverage) == 0.0
        assert sum(info.coverage) / len(info.coverage) == pytest.approx(15 / 20)

    @settings(max_examples=40, deadline=None)
    @given(batches=st.lists(st.sets(st.integers(0, 60), max_size=20), min_size=1, max_size=5))
    def test_what_is_known_grows_with_the_file(
        self, batches: list[set[int]], tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        grown = Store(tmp_path_factory.mktemp("grown"))
        held: set[int] = set()
        for batch in batches:
            grown.merge(KEY, bars(*batch))
            held |= batch
            fresh = Store(grown.folder).info(KEY)
            assert grown.info(KEY) == fresh
            if fresh is None or not held:
                continue
            assert fresh.rows == len(held)
            assert fresh.missing_rows == max(held) - min(held) + 1 - len(held)
            asked = START_MS - 300_000, bar(70).time_ms
            ranges = grown.missing(KEY, *asked)
            absent = {time for start, end in ranges for time in range(start, end, 60_000)}
            assert absent == set(range(*asked, 60_000)) - {bar(index).time_ms for index in held}
            assert all(left[1] < right[0] for left, right in itertools.pairwise(ranges))

    def test_large_files_are_estimated_first_and_exact_later(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("AUSDT", "BUSDT", "CUSDT"):
            store.append(DatasetKey("linear", name, "1m"), bars(*range(500), *range(600, 1000)))
        size = store.datasets()[0].bytes
        monkeypatch.setattr(store_module, "_LIST_BUDGET_BYTES", size)
        fresh = Store(store.folder)
        seen = [[info.exact for info in fresh.datasets()] for _ in range(3)]
        assert seen == [[True, False, False], [True, True, False], [True, True, True]]
        fresh = Store(store.folder)
        info = fresh.datasets()[2]
        assert (info.first_ms, info.last_ms, info.gap_count) == (START_MS, bar(999).time_ms, None)
        assert info.rows == pytest.approx(900, rel=0.15)

    def test_what_was_scanned_is_remembered(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(store_module, "_SAVE_INVENTORY_BYTES", 0)
        store.append(KEY, bars(*range(10), 20))
        known = store.datasets()
        monkeypatch.setattr(inventory, "scan", None)  # would fail if it were called
        assert Store(store.folder).datasets() == known
        monkeypatch.undo()
        write((store.folder / ".inventory.json"), "{damaged")
        assert Store(store.folder).datasets() == known

    def test_gaps_beyond_the_kept_ones_are_scanned_again_when_asked_for(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(store_module, "_SAVE_INVENTORY_BYTES", 0)
        monkeypatch.setattr(inventory, "_KEPT_GAPS", 2)
        store.append(KEY, bars(0, 2, 4, 8, 10))
        store.datasets()
        reopened = Store(store.folder)
        assert [info.gap_count for info in reopened.datasets()] == [4]
        assert len(reopened.missing(KEY, START_MS, bar(11).time_ms)) == 4


class TestCheck:
    def kinds(self, store: Store) -> dict[str, Level]:
        return {finding.kind: finding.level for finding in store.check(KEY).findings}

    def test_a_sound_dataset_has_nothing_to_say(self, store: Store) -> None:
        store.append(KEY, [row._replace(volume="1", turnover=row.open) for row in bars(*range(1430))])
        report = store.check(KEY)
        assert report.findings == ()
        assert not report.failed

    def test_zero_volume_is_information_and_a_gap_is_a_failure(self, store: Store) -> None:
        store.append(KEY, [row._replace(volume="0") for row in bars(0, 1, 2)])
        assert self.kinds(store) == {"zero_volume": Level.INFO}
        store.append(KEY, bars(1438, 1439))
        report = store.check(KEY)
        assert report.failed
        assert (
            report.findings[0].sentence == "1,435 bars are missing from 2024-01-01 00:03 to 2024-01-01 23:58."
        )
        assert report.to_json()["findings"][0]["intervals"] == [
            ["2024-01-01T00:03:00.000Z", "2024-01-01T23:58:00.000Z"]
        ]
        json.dumps(report.to_json())

    def test_everything_wrong_is_found_at_once_with_its_lines(self, store: Store) -> None:
        csv(store).parent.mkdir(parents=True)
        good = text_of(bars(0)).splitlines(keepends=True)[1].partition(",")[2]
        lines = [
            f"{bar(0).time_ms},{good}",
            f"{bar(0).time_ms},{good}",  # line 3: doubled
            f"{bar(2).time_ms},{good}",
            f"{bar(1).time_ms},{good}",  # line 5: out of order
            f"{bar(3).time_ms},0,2,0,1,1,1\n",  # line 6: zero price
            f"{bar(4).time_ms},5,4,3,3.5,1,1\n",  # line 7: high below open
            f"{bar(5).time_ms},1,1,1,1,-1,1\n",  # line 8: negative volume
            f"{bar(6).time_ms + 1},1,1,1,1,1,1\n",  # line 9: off the grid
            "rubbish\n",  # line 10
            f"{bar(7).time_ms},{good}",
            "17040",
        ]
        write(csv(store), text_of([]) + "".join(lines))
        report = store.check(KEY)
        lines_of = {finding.kind: finding.lines for finding in report.findings}
        assert lines_of["duplicate"] == (3,)
        assert lines_of["order"] == (5,)
        assert lines_of["price"] == (6,)
        assert lines_of["ohlc"] == (7,)
        assert lines_of["volume"] == (8,)
        assert lines_of["grid"] == (9,)
        assert lines_of["unreadable"] == (10,)
        assert {kind for kind, level in self.kinds(store).items() if level is Level.WARNING} == {"torn_end"}
        levels = [list(Level).index(finding.level) for finding in report.findings]
        assert levels == sorted(levels, reverse=True), "the worst come first"
        assert "Line 10 cannot be read: 1 value, expected 7 values" in report.findings[0].sentence

    def test_a_frozen_feed_is_a_warning(self, store: Store) -> None:
        frozen = [bar(0)._replace(time_ms=bar(index).time_ms, volume="2") for index in range(20)]
        store.append(KEY, frozen)
        assert self.kinds(store) == {"stale": Level.WARNING}
        assert not store.check(KEY).failed

    def test_old_data_and_imports_are_said(self, store: Store, tmp_path: Path) -> None:
        source = tmp_path / "BTCUSDT_1m.csv"
        write(source, text_of([bar(-2000)]))
        store.import_file(source, ImportOptions("linear"))
        assert set(self.kinds(store)) >= {"imported", "age"}

    def test_an_unknown_dataset(self, store: Store) -> None:
        with pytest.raises(InputError, match="There is no dataset"):
            store.check(KEY)


class TestFunding:
    def test_payments_are_merged_in_their_digits(self, store: Store) -> None:
        first = [(START_MS + 8 * HOUR_MS, "0.00010"), (START_MS, "-1.0e-05")]
        assert store.merge_funding(Category.LINEAR, "BTCUSDT", first).added == 2
        again = store.merge_funding(
            Category.LINEAR, "BTCUSDT", [(START_MS, "9"), (START_MS + 16 * HOUR_MS, "0")]
        )
        assert (again.added, again.existing) == (1, 1)
        path = store.folder / "linear" / "BTCUSDT_funding.csv"
        assert path.read_text().splitlines()[1:] == [
            f"{START_MS},-1.0e-05",
            f"{START_MS + 8 * HOUR_MS},0.00010",
            f"{START_MS + 16 * HOUR_MS},0",
        ]
        held = store.funding(Category.LINEAR, "BTCUSDT")
        assert held.rate.tolist() == [-1e-05, 0.0001, 0.0]
        assert len(store.funding(Category.LINEAR, "ETHUSDT")) == 0
        assert store.datasets() == [], "payments are no bars"

    def test_a_bad_row_is_refused(self, store: Store) -> None:
        with pytest.raises(InputError, match='the funding_rate is "x", expected a number'):
            store.merge_funding(Category.LINEAR, "BTCUSDT", [(START_MS, "x")])
        store.merge_funding(Category.LINEAR, "BTCUSDT", [(START_MS, "1")])
        path = store.folder / "linear" / "BTCUSDT_funding.csv"
        write(path, path.read_text() + f"{START_MS},2\n")
        with pytest.raises(InputError, match=r"line 3: the timestamp .* repeats the one of the row before"):
            store.funding(Category.LINEAR, "BTCUSDT")

    @pytest.mark.parametrize(
        ("hours", "span", "missing"),
        [
            ([], (0, 24), [(0, 24)]),
            ([0, 8, 16], (0, 24), []),
            ([0, 8, 16], (0, 25), [(16, 25)]),
            ([8, 16], (0, 24), [(0, 8)]),
            ([0, 24], (0, 30), [(0, 24)]),
            ([0, 1, 2], (0, 5), [(2, 5)]),
            ([0, 1, 2], (0, 3), []),
            ([100, 108], (0, 24), [(0, 24)]),
            ([0, 8], (8, 8), []),
        ],
    )
    def test_where_payments_may_be_missing(
        self, hours: list[int], span: tuple[int, int], missing: list[tuple[int, int]]
    ) -> None:
        times = np.array([hour * HOUR_MS for hour in hours], dtype=np.int64)
        found = missing_payments(times, span[0] * HOUR_MS, span[1] * HOUR_MS)
        assert [(round(start / HOUR_MS), round(end / HOUR_MS)) for start, end in found] == missing


INSTRUMENT = Instrument(
    "BTCUSDT", Category.LINEAR, "BTC", "USDT", Decimal("0.10"), Decimal("0.001"), Decimal("0.001"), Decimal(5)
)


class TestInstruments:
    def test_rules_come_back_exactly_with_the_date_they_were_seen(self, store: Store) -> None:
        tiny = replace(
            INSTRUMENT,
            symbol="PEPEUSDT",
            tick_size=Decimal("1E-8"),
            max_market_quantity=Decimal("1E+9"),
            max_leverage=Decimal("12.5"),
            funding_interval_minutes=240,
        )
        spot = replace(INSTRUMENT, category=Category.SPOT)
        store.save_instruments([INSTRUMENT, tiny, spot], START_MS)
        held = store.instruments()
        assert held == {
            (Category.LINEAR, "BTCUSDT"): INSTRUMENT,
            (Category.LINEAR, "PEPEUSDT"): tiny,
            (Category.SPOT, "BTCUSDT"): spot,
        }
        text = (store.folder / "linear" / "instruments.json").read_text()
        assert '"tick_size": "0.00000001"' in text
        assert '"seen": "2024-01-01T00:00:00.000Z"' in text

    def test_newer_rules_take_the_place_of_older_ones(self, store: Store) -> None:
        store.save_instruments([INSTRUMENT, replace(INSTRUMENT, symbol="ETHUSDT")], START_MS)
        store.save_instruments([replace(INSTRUMENT, tick_size=Decimal("0.5"))], START_MS + 1)
        held = store.instruments()
        assert held[Category.LINEAR, "BTCUSDT"].tick_size == Decimal("0.5")
        assert held[Category.LINEAR, "ETHUSDT"].tick_size == Decimal("0.1")

    @pytest.mark.parametrize(
        ("content", "sentence"),
        [
            ("{\n nonsense", "instruments.json, line 2: this is not JSON"),
            ("[]", 'the key "instruments" is missing'),
            ('{"instruments": {"BTCUSDT": {"tick_size": "x"}}}', "the entry of BTCUSDT is damaged"),
        ],
    )
    def test_a_damaged_file_is_put_aside_and_said(self, store: Store, content: str, sentence: str) -> None:
        path = store.folder / "linear" / "instruments.json"
        path.parent.mkdir(parents=True)
        for number in ("", ".2", ".3"):
            write(path, content + number)
            assert store.instruments() == {}
            (notice,) = store.notices()
            assert sentence in notice or "is not JSON" in notice
            assert f"put aside as instruments.json.damaged{number}, " in notice
            assert path.with_name(f"instruments.json.damaged{number}").read_text() == content + number
            assert not path.exists()
        assert store.instruments() == {}
        assert store.notices() == []

    def test_a_damaged_file_is_put_aside_before_new_rules_are_kept(self, store: Store) -> None:
        path = store.folder / "linear" / "instruments.json"
        path.parent.mkdir(parents=True)
        write(path, "{")
        store.save_instruments([INSTRUMENT], START_MS)
        assert store.instruments() == {(Category.LINEAR, "BTCUSDT"): INSTRUMENT}
        assert path.with_name("instruments.json.damaged").read_text() == "{"

    def test_a_store_for_reading_leaves_a_damaged_file_and_says_so_once(self, store: Store) -> None:
        path = store.folder / "linear" / "instruments.json"
        path.parent.mkdir(parents=True)
        write(path, "{")
        reading = Store(store.folder, read_only=True)
        assert reading.instruments() == {}
        assert ["open for reading only" in notice for notice in reading.notices()] == [True]
        assert reading.instruments() == {}
        assert reading.notices() == []
        assert path.read_text() == "{"

    def test_work_goes_on_where_a_damaged_file_cannot_be_put_aside(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = store.folder / "linear" / "instruments.json"
        path.parent.mkdir(parents=True)
        write(path, "{")

        def refuse(*_: object) -> None:
            raise PermissionError(13, "Access is denied")

        monkeypatch.setattr("tradebot.engine.store.json_files.os.replace", refuse)
        assert store.instruments() == {}
        (notice,) = store.notices()
        assert "the work goes on without it, and the file cannot be put aside" in notice


class TestSource:
    def imported(self, store: Store, tmp_path: Path) -> None:
        source = tmp_path / "BTCUSDT_1m.csv"
        write(source, text_of(bars(0, 1)))
        store.import_file(source, ImportOptions("linear"))

    def test_bars_of_another_source_are_refused(self, store: Store) -> None:
        assert store.source() is None
        store.claim_source("mainnet")
        store.claim_source("mainnet")
        assert Store(store.folder).source() == "mainnet"
        with pytest.raises(
            InputError, match="holds bars of mainnet, so bars of simulator seed 1 are refused"
        ):
            store.claim_source("simulator seed 1")

    @pytest.mark.parametrize("source", ["mainnet", "demo"])
    def test_imports_stand_beside_real_bars(self, store: Store, tmp_path: Path, source: str) -> None:
        self.imported(store, tmp_path)
        store.claim_source(source)
        self.imported(store, tmp_path)
        content = json.loads((store.folder / ".source.json").read_text())
        assert content["source"] == source
        assert content["imports"]["linear/BTCUSDT_1m"]["file"] == "BTCUSDT_1m.csv"

    @pytest.mark.parametrize("source", ["testnet", "simulator seed 1"])
    def test_imports_are_not_mixed_with_made_up_bars(self, tmp_path: Path, source: str) -> None:
        made_up = Store(tmp_path / "made up")
        made_up.claim_source(source)
        with pytest.raises(InputError, match="which imported bars must not be mixed with"):
            self.imported(made_up, tmp_path)
        assert made_up.datasets() == []
        real = Store(tmp_path / "real")
        self.imported(real, tmp_path)
        with pytest.raises(InputError, match="holds imported bars"):
            real.claim_source(source)

    def test_a_damaged_note_is_a_sentence(self, store: Store) -> None:
        store.folder.mkdir(parents=True)
        write((store.folder / ".source.json"), "[")
        with pytest.raises(InputError, match="is damaged, expected JSON"):
            store.source()

    def test_a_damaged_note_refuses_writing_and_not_the_check(self, store: Store) -> None:
        store.append(KEY, bars(0, 1))
        write((store.folder / ".source.json"), "[")
        assert not store.check(KEY).failed
        assert ["is damaged, expected JSON" in notice for notice in store.notices()] == [True]
        assert [info.rows for info in store.datasets()] == [2]
        with pytest.raises(InputError, match="is damaged, expected JSON"):
            store.claim_source("mainnet")


def test_the_content_hash_follows_the_file(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "_SAVE_INVENTORY_BYTES", 0)
    store.append(KEY, bars(0))
    first = store.content_hash(KEY)
    assert first == store.content_hash(KEY)
    monkeypatch.setattr(store_module, "read_file", None)  # would fail if it were called
    assert Store(store.folder).content_hash(KEY) == first
    monkeypatch.undo()
    store.append(KEY, bars(1))
    assert store.content_hash(KEY) != first
    write(csv(store), text_of(bars(0)))
    assert store.content_hash(KEY) == first


def test_one_call_appends_to_many_files(store: Store) -> None:
    keys = [DatasetKey("linear", f"C{number}USDT", "1m") for number in range(30)]
    assert store.append_many({key: bars(0, 1) for key in keys}) == dict.fromkeys(keys, 2)
    assert store.append_many({key: bars(1, 2) for key in keys}) == dict.fromkeys(keys, 1)
    assert [info.rows for info in store.datasets()] == [3] * 30
