"""Importing: every layout and every trap is taken in right or refused with the reason; digits stay."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.store.helpers import KEY, START_MS, bar, bars, text_of
from tradebot.engine.control.clock import ManualClock
from tradebot.engine.control.errors import InputError
from tradebot.engine.market import Category, DatasetKey, Timeframe
from tradebot.engine.store import ImportFormat, ImportOptions, Store

NOW_MS = 1_790_000_000_000  # 2026-09-21
UTC_PLUS_3 = ImportOptions(clock_offset_ms=3 * 3_600_000)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "data", ManualClock(NOW_MS))


def put(tmp_path: Path, name: str, content: str | bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def stored(store: Store, name: str) -> str:
    return (store.folder / name).read_text()


def test_our_own_layout_packed_or_not_keeps_every_byte(store: Store, tmp_path: Path) -> None:
    text = text_of(bars(0, 1, 2, 5))
    report = store.import_file(
        put(tmp_path, "BTCUSDT_1m.csv.gz", gzip.compress(text.encode())), ImportOptions("spot")
    )
    assert stored(store, "spot/BTCUSDT_1m.csv") == text
    assert (report.format, report.rows_added, report.gap_count, report.missing_rows) == (
        ImportFormat.OURS,
        4,
        1,
        2,
    )
    assert "2 bars missing in 1 gap; 2024-01-01 00:00 to 2024-01-01 00:05 UTC" in report.sentence
    assert report.to_json()["dataset"] == "spot/BTCUSDT_1m"
    again = store.import_file(put(tmp_path, "BTCUSDT_1m.csv", text), ImportOptions("spot"))
    assert (again.rows_added, again.rows_existing) == (0, 4)
    assert stored(store, "spot/BTCUSDT_1m.csv") == text


@pytest.mark.parametrize(
    "mangle",
    [
        lambda text: b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode(),
        lambda text: text.rstrip("\n").encode(),
        lambda text: (text + "\n\n").encode(),
        lambda text: text.encode("utf-16"),
        lambda text: (text.partition("\n")[0] + "\n" + "\n".join(text.splitlines()[:0:-1]) + "\n").encode(),
    ],
    ids=["bom and crlf", "no last line end", "empty last lines", "utf-16", "newest first"],
)
def test_what_other_programs_make_of_the_same_text(store: Store, tmp_path: Path, mangle: object) -> None:
    assert callable(mangle)
    text = text_of(bars(0, 1, 2))
    store.import_file(put(tmp_path, "BTCUSDT_1m.csv", mangle(text)), ImportOptions("linear"))
    assert stored(store, "linear/BTCUSDT_1m.csv") == text


def test_existing_bars_win_and_the_rest_is_merged(store: Store, tmp_path: Path) -> None:
    store.append(KEY, [bar(3, price="55")])
    report = store.import_file(
        put(tmp_path, "BTCUSDT_1m.csv", text_of(bars(2, 3, 4))), ImportOptions("linear")
    )
    assert (report.rows_added, report.rows_existing) == (2, 1)
    assert stored(store, "linear/BTCUSDT_1m.csv") == text_of([bar(2), bar(3, price="55"), bar(4)])


def test_columns_are_found_by_name_in_any_order(store: Store, tmp_path: Path) -> None:
    text = (
        "Date,Close,open_time,volume,Low,high,open\n"
        f"x,11.50,{START_MS},5,9,12,10.0\n"
        f"y,12.0,{START_MS + 60_000},6,9,12,11.50\n"
    )
    report = store.import_file(put(tmp_path, "ETHUSDT_1m.csv", text), ImportOptions("linear"))
    assert report.format is ImportFormat.COLUMNS
    assert stored(store, "linear/ETHUSDT_1m.csv").splitlines()[1:] == [
        f"{START_MS},10.0,12,9,11.50,5,",
        f"{START_MS + 60_000},11.50,12,9,12.0,6,",
    ]


@pytest.mark.parametrize("factor", [1, 1000], ids=["milliseconds", "microseconds"])
def test_binance_klines_lose_only_the_zeros_at_the_end(store: Store, tmp_path: Path, factor: int) -> None:
    lines = [
        f"{START_MS * factor},92792.05000000,92832.25000000,100.00000000,92782.1,0.00000000,"
        f"{(START_MS + 59_999) * factor},599298.29174060,1660,4.36611000,405183.17952120,0",
        f"{(START_MS + 60_000) * factor},100,92832,100,200.0,1000,{START_MS * factor},500.,1660,4.3,405183.1,0",
    ]
    report = store.import_file(put(tmp_path, "BTCUSDT-1m-2024-01-01.csv", "\n".join(lines)), ImportOptions())
    assert report.format is ImportFormat.BINANCE
    assert report.key == KEY
    assert stored(store, "linear/BTCUSDT_1m.csv").splitlines()[1:] == [
        f"{START_MS},92792.05,92832.25,100,92782.1,0,599298.2917406",
        f"{START_MS + 60_000},100,92832,100,200,1000,500",
    ]


def test_meta_trader_bars_are_moved_to_utc_by_the_stated_clock(store: Store, tmp_path: Path) -> None:
    text = "2024.03.01 00:00,10.500,12,9,11,5.0\n2024.03.01 00:01,11,12.10,9,11,5\n"
    report = store.import_file(put(tmp_path, "BTCUSDT_1m.csv", text), UTC_PLUS_3)
    assert report.format is ImportFormat.META_TRADER
    assert stored(store, "linear/BTCUSDT_1m.csv").splitlines()[1:] == [
        "1709240400000,10.5,12,9,11,5,",
        "1709240460000,11,12.1,9,11,5,",
    ]


@settings(max_examples=25, deadline=None)
@given(
    numbers=st.lists(
        st.decimals(min_value="0.00000001", max_value="99999999", places=8, allow_nan=False),
        min_size=1,
        max_size=8,
    ),
    places=st.integers(0, 8),
)
def test_any_number_keeps_its_value_through_binance_and_meta_trader(
    numbers: list[object], places: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("numbers")
    texts = [f"{number:.{max(places, 1)}f}" for number in numbers]
    texts = [text for text in texts if float(text) > 0] or ["1.0"]
    binance = [f"{START_MS + i * 60_000},{t},{t},{t},{t},{t},0,{t},1,1,1,0" for i, t in enumerate(texts)]
    meta = [f"2024.01.01 00:{i:02d},{t},{t},{t},{t},{t}" for i, t in enumerate(texts)]
    store = Store(folder / "data")
    store.import_file(put(folder, "AUSDT-1m.csv", "\n".join(binance)), ImportOptions())
    store.import_file(put(folder, "BUSDT-1m.csv", "\n".join(meta)), ImportOptions(clock_offset_ms=0))
    for symbol in ("AUSDT", "BUSDT"):
        candles = store.load(DatasetKey("linear", symbol, "1m"))
        assert candles.close.tolist() == [float(text) for text in texts]
        assert candles.volume.tolist() == candles.close.tolist()
        assert candles.time.tolist() == [START_MS + i * 60_000 for i in range(len(texts))]


def test_funding_payments_keep_their_digits_in_plain_notation(store: Store, tmp_path: Path) -> None:
    text = f"timestamp,funding_rate\n{START_MS},1.004e-05\n{START_MS + 28_800_000},-0.00010\n"
    report = store.import_file(put(tmp_path, "BTCUSDT_funding.csv", text), ImportOptions("linear"))
    assert (report.format, report.key, report.dataset) == (
        ImportFormat.FUNDING,
        None,
        "linear/BTCUSDT_funding",
    )
    assert stored(store, "linear/BTCUSDT_funding.csv") == text.replace("1.004e-05", "0.00001004")
    assert report.notes == ("1 number written out in plain digits (1.004e-05 as 0.00001004).",)
    assert store.funding(Category.LINEAR, "BTCUSDT").rate.tolist() == [1.004e-05, -0.0001]


BINANCE = f"{START_MS},10,12,9,11,5,0,50,1,1,1,0\n"


@pytest.mark.parametrize(
    ("name", "content", "options", "sentence"),
    [
        ("BTCUSDT_1m.csv", b"", ImportOptions(), "is empty, expected bars or funding payments"),
        ("BTCUSDT_1m.csv", text_of([]), ImportOptions(), "holds a header but no rows"),
        (
            "BTCUSDT_1m.csv.gz",
            gzip.compress(b"x" * 5000, mtime=0)[:-9],
            ImportOptions(),
            "is a damaged gzip file",
        ),
        ("BTCUSDT_1m.zip", b"PK\x03\x04rest", ImportOptions(), "is a damaged zip archive"),
        (
            "BTCUSDT_1m.csv",
            "hello\nyou\n",
            ImportOptions(),
            'line 1: the header "hello" lacks timestamp, open',
        ),
        ("BTCUSDT_1m.csv", "1;2;3\n", ImportOptions(), 'line 1: "1;2;3" is no known layout'),
        ("bars.csv", text_of(bars(0, 1)), ImportOptions(), "does not say the symbol; state it with --symbol"),
        (
            "BTCUSDT_5m.csv",
            text_of(bars(0, 1, 2)),
            ImportOptions(),
            "most bars are 1m apart, but the name says 5m",
        ),
        (
            "BTCUSDT.csv",
            text_of(bars(0, 1, 2)),
            ImportOptions(timeframe="1h"),
            "most bars are 1m apart, but --timeframe says 1h",
        ),
        (
            "BTCUSDT.csv",
            text_of(bars(0)),
            ImportOptions(),
            "holds one bar, which does not show its timeframe",
        ),
        (
            "BTCUSDT.csv",
            text_of(bars(0, 2, 4)),
            ImportOptions(),
            "most bars are 120 s apart, which is no timeframe",
        ),
        (
            "BTCUSDT_1m.csv",
            text_of(bars(0)),
            ImportOptions(category="futures"),
            '"futures" is not a category',
        ),
        (
            "BTCUSDT_1m.csv",
            text_of(bars(0)),
            ImportOptions(symbol="btc/usdt"),
            '"btc/usdt" cannot be a symbol',
        ),
        ("BTCUSDT_1m.csv", text_of(bars(0)), ImportOptions(timeframe="1M"), '"1M" is not a timeframe'),
        (
            "BTCUSDT_1m.csv",
            text_of([bar(0), bar(1), bar(1, price="7")]),
            ImportOptions(),
            "lines 3 and 4: two different rows of the same time 1704067260000 (2024-01-01T00:01:00.000Z)",
        ),
        (
            "BTCUSDT_1m.csv",
            text_of(bars(0, 1)) + f"{START_MS + 120_000},1,1,1,zero,1,1\n",
            ImportOptions(),
            'line 4: the close is "zero", expected a number',
        ),
        (
            "BTCUSDT_1m.csv",
            text_of(bars(0, 1)) + f"{START_MS + 120_500},1,1,1,1,1,1\n",
            ImportOptions(),
            "line 4: the timestamp 1704067320500 (2024-01-01T00:02:00.500Z) is off the grid",
        ),
        ("BTCUSDT-1m.csv", BINANCE + "1,2\n", ImportOptions(), "line 2: 2 values, expected 12"),
        (
            "BTCUSDT-1m.csv",
            BINANCE + "1" + BINANCE,
            ImportOptions(),
            "expected milliseconds (13 digits) or micro",
        ),
        (
            "BTCUSDT-1m.csv",
            BINANCE.replace("11,5", "-11,5"),
            ImportOptions(),
            "line 1: the close is -11, expected a",
        ),
        (
            "BTCUSDT_1m.csv",
            "2024.02.30 00:00,1,1,1,1,1\n",
            UTC_PLUS_3,
            'the time is "2024.02.30 00:00", expected a time',
        ),
        ("BTCUSDT_1m.csv", "2024.02.03 24:00,1,1,1,1,1\n", UTC_PLUS_3, "expected a time YYYY.MM.DD HH:MM"),
        ("BTCUSDT_1m.csv", "2024.02.03 00:00,1,1,1,1,1\n", ImportOptions(), "e.g. --clock +03:00"),
        (
            "BTCUSDT_funding.csv",
            f"timestamp,funding_rate\n{START_MS},x\n",
            ImportOptions(),
            'line 2: the funding_rate is "x", expected a number',
        ),
    ],
)
def test_what_cannot_be_taken_in_is_refused_with_the_reason_and_nothing_is_stored(
    store: Store, tmp_path: Path, name: str, content: str | bytes, options: ImportOptions, sentence: str
) -> None:
    path = put(tmp_path, name, content)
    with pytest.raises(InputError) as caught:
        store.import_file(path, options)
    assert sentence in str(caught.value)
    assert store.datasets() == []
    assert store.source() is None


def test_a_missing_file_and_a_folder(store: Store, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no file"):
        store.import_file(tmp_path / "nothing.csv")
    with pytest.raises(InputError, match="is a folder, expected a file"):
        store.import_file(tmp_path)


def shifted(*indexes: int) -> str:
    """Bars at these places with the values of their next ones, as a clock that is one minute off would have them."""
    return text_of([bar(index + 1)._replace(time_ms=bar(index).time_ms) for index in indexes])


def test_a_file_that_contradicts_most_of_what_is_held_is_refused_whole(store: Store, tmp_path: Path) -> None:
    store.append(KEY, bars(*range(20)))
    wrong = put(tmp_path, "BTCUSDT_1m.csv", shifted(*range(200)))
    with pytest.raises(InputError) as caught:
        store.import_file(wrong)
    assert str(caught.value).startswith(
        f"{wrong}: 20 of its 20 bars that linear/BTCUSDT_1m holds already (100 %) have other values there"
    )
    for reason in ("--clock", "--symbol", "exchange"):
        assert reason in str(caught.value)
    assert stored(store, "linear/BTCUSDT_1m.csv") == text_of(bars(*range(20)))
    assert store.imported_from(KEY) is None


@pytest.mark.parametrize(
    ("held", "wrong", "refused"),
    [(19, 19, False), (20, 10, False), (20, 11, True), (100, 50, False), (100, 51, True)],
)
def test_few_bars_or_half_of_them_prove_nothing(
    store: Store, tmp_path: Path, held: int, wrong: int, refused: bool
) -> None:
    store.append(KEY, bars(*range(held)))
    text = shifted(*range(wrong)) + text_of(bars(*range(wrong, 120))).partition("\n")[2]
    path = put(tmp_path, "BTCUSDT_1m.csv", text)
    if refused:
        with pytest.raises(InputError, match="have other values there"):
            store.import_file(path)
        return
    report = store.import_file(path)
    assert (report.rows_existing, report.differing, report.rows_added) == (held, wrong, 120 - held)


# -- the recorded traps


@pytest.mark.realdata
def test_trap_milliseconds_and_microseconds(store: Store, shared_market: Path) -> None:
    key = DatasetKey("spot", "BTCUSDT", "1m")
    for day in ("2024-12-31", "2025-01-02"):
        report = store.import_file(
            shared_market / "traps" / f"BTCUSDT-1m-{day}.csv.gz", ImportOptions("spot")
        )
        assert (report.rows_read, report.rows_added, report.gap_count) == (1440, 1440, 0)
        first_ms = 1_735_603_200_000 if day == "2024-12-31" else 1_735_776_000_000
        assert (report.first_ms, report.last_ms) == (first_ms, first_ms + 1439 * 60_000)
        # The one in microseconds has the same bars as it would in milliseconds: its stamps only lose three zeros.
        with gzip.open(report.file, "rt") as file:
            stamps = [int(line.split(",")[0][:13]) for line in file]
        assert store.load(key, first_ms).time.tolist() == stamps
    candles = store.load(key)
    assert candles.time[1440] == 1_735_776_000_000
    first = stored(store, "spot/BTCUSDT_1m.csv").splitlines()[1]
    assert first == "1735603200000,92792.05,92832.25,92782.12,92782.13,6.45789,599298.2917406"
    assert store.missing(key, 1_735_603_200_000, 1_735_862_400_000) == [
        (1_735_689_600_000, 1_735_776_000_000)
    ]
    # The same day stands in the recorded year, which another program wrote.
    store.import_file(shared_market / "binance_spot" / "BTCUSDT_1m.csv.gz", ImportOptions("spot", "YEARUSDT"))
    year = store.load(DatasetKey("spot", "YEARUSDT", "1m"), 1_735_603_200_000)
    assert year.close.tolist() == candles.close[:1440].tolist()
    assert year.turnover.tolist() == candles.turnover[:1440].tolist()


@pytest.mark.realdata
def test_trap_a_clock_ahead_of_utc(store: Store, shared_market: Path) -> None:
    path = shared_market / "traps" / "bybit_metatrader_BTCUSDT_1m_2023-02_utc+3.csv.gz"
    with pytest.raises(InputError, match="--clock"):
        store.import_file(path)
    report = store.import_file(path, UTC_PLUS_3)
    assert (report.key, report.rows_added) == (KEY, 40_321)
    assert report.first_ms == 1_675_198_800_000  # 2023-01-31 21:00 UTC
    assert (report.last_ms, report.gap_count) == (1_677_618_000_000, 0)  # 2023-02-28 21:00 UTC
    line = stored(store, "linear/BTCUSDT_1m.csv").splitlines()[1]
    assert line == "1675198800000,23092.5,23099.5,23078,23099.5,65.321,"


@pytest.mark.realdata
def test_trap_a_hole_and_bars_without_volume(store: Store, shared_market: Path) -> None:
    report = store.import_file(shared_market / "traps" / "CVCUSDT_5m_with_44412_bar_hole.csv.gz")
    assert (report.rows_added, report.gap_count, report.missing_rows) == (77_345, 1, 44_412)
    assert (report.first_ms, report.last_ms) == (1_659_312_000_000, 1_695_838_800_000)
    assert "44,412 bars missing in 1 gap" in report.sentence
    key = DatasetKey("linear", "CVCUSDT", "5m")
    check = store.check(key)
    levels = {finding.kind: finding.level.value for finding in check.findings}
    levels.pop("age", None)
    assert levels == {"gap": "failure", "spike": "warning", "imported": "info", "zero_volume": "info"}
    (gap,) = [finding for finding in check.findings if finding.kind == "gap"]
    assert gap.intervals == ((1_670_554_800_000, 1_683_878_400_000),)
    assert gap.count == 44_412


@pytest.mark.realdata
def test_trap_a_row_doubled_at_a_page_border(store: Store, shared_market: Path) -> None:
    report = store.import_file(
        shared_market / "traps" / "bybit_daily_1000BONKUSDT_duplicate_at_page_border.csv"
    )
    assert (report.symbol, report.timeframe) == ("1000BONKUSDT", Timeframe.D1)
    assert (report.rows_read, report.rows_added, report.duplicates, report.gap_count) == (1044, 1043, 1, 0)
    assert (report.first_ms, report.last_ms) == (1_672_963_200_000, 1_762_992_000_000)
    assert "1,043 bars added, 1 doubled row dropped" in report.sentence
    rows = report.file.read_text().splitlines()[1:]
    doubled = [place for place in range(1, len(rows)) if rows[place] == rows[place - 1]]
    assert [len(rows) - place for place in doubled] == [1000], "at the border of a page of 1,000 rows"
    assert not store.check(DatasetKey("linear", "1000BONKUSDT", "1d")).failed


@pytest.mark.realdata
def test_trap_a_first_candle_that_opens_at_zero(store: Store, shared_market: Path) -> None:
    with pytest.raises(
        InputError, match=r"line 2: the open is 0\.0, expected a price above 0; nothing was imported"
    ):
        store.import_file(shared_market / "traps" / "bybit_daily_BCHUSDT_zero_open.csv")
    assert store.datasets() == []


@pytest.mark.realdata
def test_the_recorded_bybit_files_pass_the_check(store: Store, shared_market: Path) -> None:
    for path in sorted((shared_market / "bybit_linear").glob("*_5m.csv.gz"))[:3]:
        report = store.import_file(path)
        assert (report.category, report.rows_added) == (Category.LINEAR, 86_604)
        assert report.key is not None
        assert not store.check(report.key).failed
        with gzip.open(path, "rt") as file:
            assert stored(store, f"linear/{report.symbol}_5m.csv") == file.read()
        store.import_file(path.with_name(f"{report.symbol}_funding.csv.gz"))
        assert len(store.funding(Category.LINEAR, report.symbol)) == 902


@pytest.mark.realdata
def test_the_real_year_is_taken_in_whole(store: Store, shared_market: Path) -> None:
    path = shared_market / "binance_spot" / "BTCUSDT_1m.csv.gz"
    report = store.import_file(path)
    assert (report.dataset, report.rows_added, report.gap_count) == ("spot/BTCUSDT_1m", 527_040, 0)
    with gzip.open(path, "rb") as file:
        assert (store.folder / "spot" / "BTCUSDT_1m.csv").read_bytes() == file.read()
    key = DatasetKey("spot", "BTCUSDT", "1m")
    assert len(store.load(key)) == 527_040
    assert not store.check(key).failed


@pytest.mark.realdata
def test_trap_the_same_file_again_with_another_clock(store: Store, shared_market: Path) -> None:
    path = shared_market / "traps" / "bybit_metatrader_BTCUSDT_1m_2023-02_utc+3.csv.gz"
    store.import_file(path, UTC_PLUS_3)
    before = {each: each.read_bytes() for each in store.folder.rglob("*.csv")}
    note = (store.folder / ".source.json").read_text()
    with pytest.raises(InputError, match=r"of its 40,261 bars that .* have other values .*\(--clock\)"):
        store.import_file(path, ImportOptions(clock_offset_ms=2 * 3_600_000))
    assert {each: each.read_bytes() for each in store.folder.rglob("*.csv")} == before
    assert (store.folder / ".source.json").read_text() == note
