"""Files of other programs: each is taken in with its digits, moved to UTC, or refused with the line and the reason."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import random
import zipfile
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.store.helpers import KEY, START_MS, bar, bars, text_of
from tradebot.engine.control.clock import ManualClock
from tradebot.engine.control.errors import CancelledError, InputError
from tradebot.engine.control.progress import CancelToken, Progress
from tradebot.engine.market import Category, DatasetKey
from tradebot.engine.store import ImportFormat, ImportOptions, Store, back_up
from tradebot.engine.store.import_batch import files_to_import, import_files
from tradebot.engine.store.import_formats import plain_numbers
from tradebot.engine.store.import_source import name_hints

NOW_MS = 1_790_000_000_000
MINUTE = 60_000
BINANCE_HEADER = (
    "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,"
    "taker_buy_quote_volume,ignore\n"
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "data", ManualClock(NOW_MS))


def put(tmp_path: Path, name: str, content: str | bytes) -> Path:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def rows_of(store: Store, name: str) -> list[str]:
    return (store.folder / name).read_text().splitlines()[1:]


def kline(minute: int, factor: int = 1) -> str:
    time_ms = START_MS + minute * MINUTE
    return f"{time_ms * factor},10.10,12,9.50,11,5,{(time_ms + MINUTE) * factor - 1},50.5,7,1,2,0\n"


def zipped(*members: tuple[str, str]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members:
            archive.writestr(name, text)
    return content.getvalue()


# -- Binance


@pytest.mark.parametrize("header", ["", BINANCE_HEADER], ids=["without header", "with header"])
@pytest.mark.parametrize("factor", [1, 1000], ids=["milliseconds", "microseconds"])
@pytest.mark.parametrize("packed", [False, True], ids=["csv", "zip"])
def test_binance_archives(store: Store, tmp_path: Path, header: str, factor: int, packed: bool) -> None:
    text = header + kline(0, factor) + kline(1, factor)
    name = "BTCUSDT-1m-2024-01"
    path = put(
        tmp_path,
        f"spot/{name}.zip" if packed else f"spot/{name}.csv",
        zipped((f"{name}.csv", text)) if packed else text,
    )
    report = store.import_file(path)
    assert (report.format, report.dataset) == (ImportFormat.BINANCE, "spot/BTCUSDT_1m")
    assert rows_of(store, "spot/BTCUSDT_1m.csv") == [
        f"{START_MS},10.1,12,9.5,11,5,50.5",
        f"{START_MS + MINUTE},10.1,12,9.5,11,5,50.5",
    ]


@pytest.mark.parametrize("first", [1, 1000])
def test_a_file_that_changes_its_unit_is_refused_with_the_line(
    store: Store, tmp_path: Path, first: int
) -> None:
    text = kline(0, first) + kline(1, first) + kline(2, 1001 - first)
    with pytest.raises(
        InputError, match=r"line 3: the timestamp is .*, expected m\w+ \(1\d digits\) like the rows"
    ):
        store.import_file(put(tmp_path, "BTCUSDT-1m.csv", text))
    assert store.datasets() == []


def test_a_binance_archive_names_its_category_and_its_prices_by_its_folders(tmp_path: Path) -> None:
    def hints(path: str) -> tuple[object, ...]:
        found = name_hints(tmp_path / path)
        content = found.content.value if found.content else None
        return found.category and found.category.value, found.symbol, content, found.foreign

    assert hints("spot/monthly/klines/BTCUSDT/1m/BTCUSDT-1m-2024-01.zip") == ("spot", "BTCUSDT", None, "")
    assert hints("futures/um/daily/klines/BTCUSDT/1m/BTCUSDT-1m-2024-01-01.zip")[0] == "linear"
    assert hints("futures/cm/daily/klines/BTCUSD_PERP/1m/BTCUSD_PERP-1m-2024-01-01.zip")[:2] == (
        "inverse",
        "BTCUSD",
    )
    mark = hints("futures/um/daily/markPriceKlines/BTCUSDT/1m/BTCUSDT-1m-2024-01-01.zip")
    assert mark == ("linear", "BTCUSDT", "mark prices", "")
    assert hints("um/indexPriceKlines/BTCUSDT/1m/BTCUSDT-1m.zip")[3] == "index prices"
    assert hints("um/BTCUSDT-fundingRate-2024-01.zip")[2] == "funding payments"


def test_mark_prices_and_funding_of_binance(store: Store, tmp_path: Path) -> None:
    folder = "um/markPriceKlines/BTCUSDT"
    report = store.import_file(
        put(tmp_path, f"{folder}/BTCUSDT-1m-2024-01.csv", BINANCE_HEADER + kline(0) + kline(1))
    )
    assert report.dataset == "linear/BTCUSDT_1m_mark"
    assert rows_of(store, "linear/BTCUSDT_1m_mark.csv")[0] == f"{START_MS},10.1,12,9.5,11"
    text = f"calc_time,funding_interval_hours,last_funding_rate\n{START_MS},8,-0.00010200\n"
    report = store.import_file(put(tmp_path, "um/BTCUSDT-fundingRate-2024-01.csv", text))
    assert (report.dataset, report.rows_added) == ("linear/BTCUSDT_funding", 1)
    assert rows_of(store, "linear/BTCUSDT_funding.csv") == [f"{START_MS},-0.00010200"]
    with pytest.raises(InputError, match="holds index prices, which are stored nowhere here"):
        store.import_file(put(tmp_path, "um/indexPriceKlines/BTCUSDT-1m.csv", kline(0)))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (zipped(("a.csv", "x"), ("b.csv", "y")), "is a zip archive of 2 files, expected one CSV in it"),
        (zipped(), "is a zip archive of 0 files"),
        (
            zipped(("READ ME.txt", "Thank you for the download\nof these bars, all of them.\n")),
            "holds one file, READ ME.txt, and its first line 'Thank you for the download' is no row of bars; "
            "expected one CSV of bars or funding payments",
        ),
        (zipped(("a.csv", "\n\n")), "is empty, expected bars"),
        (zipped(("a.csv", kline(0) * 50))[:-40], "is a damaged zip archive"),
    ],
    ids=["two files", "no file", "plain text", "nothing", "damaged"],
)
def test_zip_archives_that_cannot_be_taken_in(
    store: Store, tmp_path: Path, content: bytes, sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        store.import_file(put(tmp_path, "BTCUSDT-1m.zip", content))


def test_a_backup_of_ours_is_sent_to_restore(store: Store, tmp_path: Path) -> None:
    store.append(KEY, bars(0, 1))
    back_up(store, tmp_path / "saved.zip")
    with pytest.raises(InputError, match=r"is a backup of a data folder.*`tradebot data restore saved\.zip`"):
        Store(tmp_path / "other").import_file(tmp_path / "saved.zip")
    assert not (tmp_path / "other" / ".source.json").exists()


def test_the_checksum_published_beside_an_archive_is_held(store: Store, tmp_path: Path) -> None:
    content = zipped(("BTCUSDT-1m.csv", kline(0) + kline(1)))
    path = put(tmp_path, "BTCUSDT-1m.zip", content)
    put(tmp_path, "BTCUSDT-1m.zip.CHECKSUM", f"{hashlib.sha256(content[:-1]).hexdigest()}  BTCUSDT-1m.zip\n")
    with pytest.raises(
        InputError, match=r"is not the file that BTCUSDT-1m\.zip\.CHECKSUM beside it describes"
    ):
        store.import_file(path)
    put(tmp_path, "BTCUSDT-1m.zip.CHECKSUM", f"{hashlib.sha256(content).hexdigest()}  BTCUSDT-1m.zip\n")
    assert store.import_file(path).rows_added == 2


# -- freqtrade


@pytest.mark.parametrize(
    ("name", "dataset"),
    [
        ("BTC_USDT-5m.json", "spot/BTCUSDT_5m"),
        ("BTC_USDT_USDT-5m-futures.json", "linear/BTCUSDT_5m"),
        ("1000PEPE_USDT_USDT-5m-futures.json.gz", "linear/1000PEPEUSDT_5m"),
        ("BTC_USD_BTC-5m-futures.json", "inverse/BTCUSD_5m"),
        ("ETH_USDC_USDC-5m-futures.json", "linear/ETHPERP_5m"),
        ("BTC_USDT_USDT-5m-mark.json", "linear/BTCUSDT_5m_mark"),
    ],
)
def test_freqtrade_names_decide_pair_timeframe_and_category(
    store: Store, tmp_path: Path, name: str, dataset: str
) -> None:
    text = (
        f"[[{START_MS},10.10,12.0,9.5,11,5.000],[{START_MS + 5 * MINUTE},1e-05,1.2E-05,0.00001,1.05e-5,0.0]]"
    )
    report = store.import_file(
        put(tmp_path, name, gzip.compress(text.encode()) if name.endswith("gz") else text)
    )
    assert (report.format, report.dataset, report.rows_added) == (ImportFormat.FREQTRADE, dataset, 2)
    volumes = ("", "") if "mark" in name else (",5.000,", ",0.0,")
    assert rows_of(store, f"{dataset}.csv") == [
        f"{START_MS},10.10,12.0,9.5,11{volumes[0]}",
        f"{START_MS + 5 * MINUTE},0.00001,0.000012,0.00001,0.0000105{volumes[1]}",
    ]
    assert "3 numbers written out in plain digits (1e-05 as 0.00001)." in report.notes
    assert ("perpetual ETHPERP at Bybit" in " ".join(report.notes)) == ("USDC" in name)


def test_funding_rates_of_freqtrade(store: Store, tmp_path: Path) -> None:
    text = f"[[{START_MS},1e-4,0.0,0.0,0.0,0.0],[{START_MS + 28_800_000},-0.0002,0.0,0.0,0.0,0.0]]"
    report = store.import_file(put(tmp_path, "BTC_USDT_USDT-8h-funding_rate.json", text))
    assert report.dataset == "linear/BTCUSDT_funding"
    assert rows_of(store, "linear/BTCUSDT_funding.csv") == [
        f"{START_MS},0.0001",
        f"{START_MS + 28_800_000},-0.0002",
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[[1704067200000,1,2", "is damaged, expected a JSON list"),
        ("[]", "holds no bars"),
        ('{"a": 1}', "holds no bars"),
        ("[[1704067200000,1,2,0.5,1.5,9],[1704067500000,1,2,0.5,null,9]]", "bar 2: .* is no bar, expected"),
        ("[[1704067200000,1,2,0.5,1.5,9],[1704067500000,1,2,0.5,1.5]]", "bar 2: .* is no bar, expected"),
        (
            "[[1704067200000,1,2,0.5,1.5,9],[1704067500000,1,2,NaN,1.5,9]]",
            'bar 2: the low is "NaN", expected a number',
        ),
        ("[[1704067200000,1,2,3,1.5,9]]", "bar 1: open 1, high 2, low 3, close 1.5 contradict each other"),
        ("[[1704067200,1,2,0.5,1.5,9]]", "bar 1: the timestamp 1704067200 .* .are these seconds"),
    ],
)
def test_damaged_freqtrade_files(store: Store, tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        store.import_file(put(tmp_path, "BTC_USDT_USDT-5m-futures.json", text))
    assert store.datasets() == []


@settings(max_examples=60, deadline=None)
@given(number=st.floats(min_value=1e-9, max_value=1e18, allow_nan=False))
def test_scientific_notation_is_written_out_exactly_and_nothing_else_is_touched(number: float) -> None:
    line = f"1704067200000,{number:e},{number!r},100e,1e5x,ab1e5\n".encode()
    written, count, _ = plain_numbers(line)
    fields = written.decode().rstrip("\n").split(",")
    assert Decimal(fields[1]) == Decimal(f"{number:e}")
    assert Decimal(fields[2]) == Decimal(repr(number))
    assert "e" not in fields[1] + fields[2]
    assert fields[3:] == ["100e", "1e5x", "ab1e5"]
    assert count == 1 + ("e" in repr(number))


# -- dates


@pytest.mark.parametrize(
    ("dates", "clock"),
    [
        (("2024-01-01 00:00:00+00:00", "2024-01-01 00:01:00+00:00"), None),
        (("2024-01-01T00:00:00Z", "2024-01-01T00:01:00Z"), None),
        (("2024-01-01 00:00:00 UTC", "2024-01-01 00:01:00 UTC"), None),
        (("2024-01-01 03:00:00+03:00", "2023-12-31 19:01:00-05:00"), None),
        (("2024-01-01 03:00:00.000", "2024-01-01 03:01:00.000"), 3 * 3_600_000),
        (("2024-01-01 00:00", "2024-01-01 00:01"), 0),
    ],
)
@pytest.mark.parametrize("name", ["date", "", "datetime", "Open time"])
def test_tables_as_pandas_writes_them(
    store: Store, tmp_path: Path, dates: tuple[str, str], clock: int | None, name: str
) -> None:
    text = f"{name},open,high,low,close,volume\n{dates[0]},10.10,12,9.5,11,5.0\n{dates[1]},11,12,9.5,11,6\n"
    report = store.import_file(
        put(tmp_path, "BTCUSDT_1m.csv", text), ImportOptions("spot", clock_offset_ms=clock)
    )
    assert report.format is ImportFormat.DATES
    assert rows_of(store, "spot/BTCUSDT_1m.csv") == [
        f"{START_MS},10.10,12,9.5,11,5.0,",
        f"{START_MS + MINUTE},11,12,9.5,11,6,",
    ]


def test_an_epoch_column_goes_before_a_column_of_dates_or_row_numbers(store: Store, tmp_path: Path) -> None:
    text = f",date,open,high,low,close,volume,open_time\n0,2024-01-01,1,2,0.5,1.5,3,{START_MS}000\n"
    store.import_file(put(tmp_path, "BTCUSDT_1m.csv", text), ImportOptions("linear"))
    assert rows_of(store, "linear/BTCUSDT_1m.csv") == [f"{START_MS},1,2,0.5,1.5,3,"]


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (
            "2024-01-01 00:00:00,1,2,0.5,1.5,3\n",
            "line 2: .* does not say its clock, .* --clock UTC or --clock",
        ),
        ("2024-01-01 00:00:00Z,1,2,0.5,1.5,3\nyesterday,1,2,0.5,1.5,3\n", 'line 3: the date is "yesterday"'),
        ("2024-01-01 00:00:00Z,1,2,0.5,1.5,3\n2024-02-30 00:00:00Z,1,2,0.5,1.5,3\n", "line 3: the date is"),
        (
            "2024-01-01 00:00:00Z,1,2,0.5,1.5,3\n2024-01-01 00:01,1,2,0.5,1.5,3\n",
            "line 3: .* does not say its clock",
        ),
        ("2024-01-01 00:00:00Z,1,2,0.5,1.5\n", "line 2: 5 values, expected 6"),
    ],
)
def test_dates_that_cannot_be_placed(store: Store, tmp_path: Path, rows: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        store.import_file(put(tmp_path, "BTCUSDT_1m.csv", "date,open,high,low,close,volume\n" + rows))


def test_meta_trader_with_date_and_time_apart_and_as_version_5_exports_it(
    store: Store, tmp_path: Path
) -> None:
    options = ImportOptions("linear", clock_offset_ms=2 * 3_600_000)
    four = "2024.01.01,02:00,10.50,12,9,11,5\n2024.01.01,02:01,11,12,9,11,5\n"
    store.import_file(put(tmp_path, "AAAUSDT_1m.csv", four), options)
    expected = [f"{START_MS},10.5,12,9,11,5,", f"{START_MS + MINUTE},11,12,9,11,5,"]
    assert rows_of(store, "linear/AAAUSDT_1m.csv") == expected
    names = "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>\n"
    five = (
        names
        + "2024.01.01\t02:00:00\t10.50\t12\t9\t11\t77\t5\t0\n2024.01.01\t02:01:00\t11\t12\t9\t11\t78\t5\t0\n"
    )
    report = store.import_file(put(tmp_path, "BBBUSDT_1m.csv", five), options)
    assert rows_of(store, "linear/BBBUSDT_1m.csv") == expected
    assert report.notes == ()
    ticks = five.replace("\t5\t0\n", "\t0\t0\n")
    report = store.import_file(put(tmp_path, "CCCUSDT_1m.csv", ticks), options)
    assert rows_of(store, "linear/CCCUSDT_1m.csv")[0].endswith(",77,")
    assert "tick volume" in report.notes[0]
    with pytest.raises(InputError, match="unstated clock"):
        store.import_file(put(tmp_path, "DDDUSDT_1m.csv", four))


# -- what no market can have printed


def test_bars_of_the_future_are_refused_with_the_line_and_the_running_bar_is_left_out(tmp_path: Path) -> None:
    clock = ManualClock(START_MS + 2 * MINUTE + 30_000)
    store = Store(tmp_path / "data", clock)
    report = store.import_file(
        put(tmp_path, "BTCUSDT_1m.csv", text_of(bars(0, 1, 2))), ImportOptions("linear")
    )
    assert (report.rows_read, report.rows_added) == (3, 2)
    assert report.notes == ("The last bar (2024-01-01 00:02) is still running and was left out.",)
    with pytest.raises(InputError, match=r"line 3: the timestamp .* lies in the future .* correct the unit"):
        store.import_file(put(tmp_path, "BTCUSDT_1m.csv", text_of(bars(2, 3))), ImportOptions("linear"))
    with pytest.raises(InputError, match="which is still running; import it when the bar has closed"):
        store.import_file(put(tmp_path, "BTCUSDT_1m.csv", text_of(bars(2))), ImportOptions("linear"))
    wrong_unit = text_of([bar(0)._replace(time_ms=4_102_444_800_000)])
    with pytest.raises(
        InputError, match=r"line 2: the timestamp 4102444800000 \(2100-01-01T00:00:00.000Z\) lies in"
    ):
        store.import_file(put(tmp_path, "ETHUSDT_1m.csv", wrong_unit), ImportOptions("linear"))
    seconds = text_of([bar(0)._replace(time_ms=START_MS // 1000)])
    with pytest.raises(InputError, match="are these seconds"):
        store.import_file(put(tmp_path, "ETHUSDT_1d.csv", seconds), ImportOptions("linear"))
    assert [str(info.key) for info in store.datasets()] == ["linear/BTCUSDT_1m"]


def test_rows_held_with_other_values_are_counted_and_stay(store: Store, tmp_path: Path) -> None:
    store.append(DatasetKey("linear", "BTCUSDT", "1m"), bars(0, 1, 2))
    changed = [bar(0), bar(1, price="77"), bar(2), bar(3)]
    report = store.import_file(put(tmp_path, "BTCUSDT_1m.csv", text_of(changed)), ImportOptions("linear"))
    assert (report.rows_added, report.rows_existing, report.differing) == (1, 3, 1)
    assert "3 were there already, 1 of them with other values, and the ones held stay" in report.sentence
    assert rows_of(store, "linear/BTCUSDT_1m.csv")[1].startswith(f"{START_MS + MINUTE},101.10,")


def test_mark_price_files_of_ours(store: Store, tmp_path: Path) -> None:
    text = f"timestamp,open,high,low,close\n{START_MS},10.10,12,9.5,11\n{START_MS + 3_600_000},11,12,9.5,11\n"
    report = store.import_file(put(tmp_path, "BTCUSDT_1h_mark.csv.gz", gzip.compress(text.encode())))
    assert (report.format, report.dataset) == (ImportFormat.MARK, "linear/BTCUSDT_1h_mark")
    assert (store.folder / "linear/BTCUSDT_1h_mark.csv").read_text() == text
    with pytest.raises(InputError, match="lacks volume"):
        store.import_file(put(tmp_path, "BTCUSDT_1h.csv", text))


# -- many files


def test_a_folder_of_daily_files_becomes_one_dataset_whatever_their_order(
    store: Store, tmp_path: Path
) -> None:
    days = list(range(40))
    random.Random(7).shuffle(days)
    for name, day in enumerate(days):
        rows = "".join(kline(day * 1440 + minute) for minute in range(0, 1440, 240))
        put(tmp_path, f"archive/{name % 3}/BTCUSDT-4h-{name:03d}.csv", rows)
    put(tmp_path, "archive/notes.txt", "not bars")
    put(tmp_path, "archive/instruments.json", "{}")
    put(tmp_path, "archive/.cache/BTCUSDT_1m.csv", "hidden")
    put(tmp_path, "archive/ETH_USDT_USDT-4h-futures.json", "[broken")
    files = files_to_import([tmp_path / "archive"])
    assert len(files) == 41
    shown: list[Progress] = []
    outcome = import_files(store, files, ImportOptions(), NOW_MS, shown.append)
    assert sum(report.rows_added for report in outcome.imported) == 40 * 6
    assert [report.first_ms for report in outcome.imported] == sorted(r.first_ms for r in outcome.imported)
    assert ["ETH_USDT_USDT-4h-futures.json is damaged" in str(error) for error in outcome.refused] == [True]
    info = store.info(DatasetKey("linear", "BTCUSDT", "4h"))
    assert info is not None and (info.rows, info.gap_count) == (240, 0)
    imports = json.loads((store.folder / ".source.json").read_text())["imports"]["linear/BTCUSDT_4h"]
    noted = {each["file"]: each["sha256"] for each in (imports, *imports["earlier"])}
    assert noted == {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files if path.suffix == ".csv"
    }
    again = import_files(store, files[:3], ImportOptions(), NOW_MS)
    assert [report.rows_existing for report in again.imported] == [6, 6, 6]
    imports = json.loads((store.folder / ".source.json").read_text())["imports"]["linear/BTCUSDT_4h"]
    assert len(imports["earlier"]) == 39, "a file imported twice is noted once"
    assert (shown[-1].done, shown[-1].total, shown[0].note) == (41, 41, files[0].name)


def test_a_batch_may_be_cancelled_between_two_files(store: Store, tmp_path: Path) -> None:
    files = [put(tmp_path, f"{name}USDT-1m.csv", kline(0)) for name in "AB"]
    token = CancelToken()
    with pytest.raises(CancelledError):
        import_files(store, files, ImportOptions(), NOW_MS, lambda _: token.cancel(), token)
    with pytest.raises(InputError, match=r"holds no \.csv, \.csv\.gz, \.zip or freqtrade \.json"):
        (tmp_path / "empty").mkdir()
        files_to_import([tmp_path / "empty"])


@pytest.mark.realdata
def test_the_recorded_mark_prices_and_funding(store: Store, shared_market: Path) -> None:
    folder = shared_market / "bybit_linear"
    report = store.import_file(folder / "BTCUSDT_1h_mark.csv.gz")
    assert (report.dataset, report.rows_added, report.gap_count) == ("linear/BTCUSDT_1h_mark", 7217, 0)
    report = store.import_file(folder / "BTCUSDT_funding.csv.gz")
    assert (report.dataset, report.rows_added) == ("linear/BTCUSDT_funding", 902)
    rows = rows_of(store, "linear/BTCUSDT_funding.csv")
    assert rows[0] == "1758700800000,0.00001004"
    with gzip.open(folder / "BTCUSDT_funding.csv.gz", "rt") as file:
        said = [line.split(",") for line in file.read().splitlines()[1:]]
    assert [Decimal(row.split(",")[1]) for row in rows] == [Decimal(rate) for _, rate in said]
    assert store.funding(Category.LINEAR, "BTCUSDT").rate.tolist() == [float(rate) for _, rate in said]


def test_the_real_year_goes_through_freqtrade_json_unchanged(store: Store, tmp_path: Path) -> None:
    rows = [[bar(i).time_ms, *map(Decimal, bar(i)[1:6])] for i in range(2000)]
    text = "[" + ",".join("[" + ",".join(map(str, row)) + "]" for row in rows) + "]"
    assert len(json.loads(text)) == 2000
    report = store.import_file(put(tmp_path, "BTC_USDT_USDT-1m-futures.json", text))
    assert (report.rows_added, report.gap_count) == (2000, 0)
    assert rows_of(store, "linear/BTCUSDT_1m.csv")[7] == ",".join(map(str, bar(7)[:6])) + ","
