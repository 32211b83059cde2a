"""What may stand in a CSV, and the one sentence for everything that may not."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.store.helpers import KEY, START_MS, bar, bars, text_of
from tradebot.engine.control.errors import InputError, ShortfallError
from tradebot.engine.market import DatasetKey
from tradebot.engine.store import Store
from tradebot.engine.store.check_across import check_dataset
from tradebot.engine.store.layout import BARS, FUNDING
from tradebot.engine.store.parsing import parse_form
from tradebot.engine.store.rows import form_problem

HEADER = "timestamp,open,high,low,close,volume,turnover\n"
GOOD = f"{START_MS},10,12,9,11,5,50\n"
NEXT = START_MS + 60_000


@pytest.fixture
def store(tmp_path: Path) -> Store:
    (tmp_path / "linear").mkdir()
    return Store(tmp_path)


def put(store: Store, content: str | bytes) -> Path:
    path = store.folder / "linear" / "BTCUSDT_1m.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (
            f"{NEXT},10,12,9,11,5\n",
            "6 values, expected 7 values (timestamp,open,high,low,close,volume,turnover)",
        ),
        (f"{NEXT},10,12,9,11,5,50,2024-01-01\n", "8 values, expected 7 values"),
        ("\n", "the line is empty, expected 7 values"),
        (
            "2024-01-01,10,12,9,11,5,50\n",
            'the timestamp is "2024-01-01", expected whole milliseconds since 1970',
        ),
        (f"{NEXT}.0,10,12,9,11,5,50\n", f'the timestamp is "{NEXT}.0", expected whole milliseconds'),
        (f"{NEXT},ten,12,9,11,5,50\n", 'the open is "ten", expected a number'),
        (f"{NEXT},10,nan,9,11,5,50\n", 'the high is "nan", expected a number'),
        (f"{NEXT},10,12,9,11,,50\n", 'the volume is "", expected a number'),
        (f"{NEXT},10,12,9,11,5,inf\n", 'the turnover is "inf", expected a number'),
        (f"{NEXT}, 10,12,9,11,5,50\n", 'the open is " 10", expected a number'),
        (
            f"{NEXT + 1},10,12,9,11,5,50\n",
            "(2024-01-01T00:01:00.001Z) is off the grid, expected the open time of a 1m",
        ),
        (f"{NEXT},0,12,0,11,5,50\n", "the open is 0, expected a price above 0"),
        (f"{NEXT},10,12,-1,11,5,50\n", "the low is -1, expected a price above 0"),
        (
            f"{NEXT},10,10.5,9,11,5,50\n",
            "open 10, high 10.5, low 9, close 11 contradict each other, expected low <=",
        ),
        (f"{NEXT},10,12,9,11,-5,50\n", "the volume is -5, expected 0 or more"),
        (GOOD, "repeats the one of the row before, expected strictly rising timestamps"),
        (f"{START_MS - 60_000},10,12,9,11,5,50\n", "lies before the one above, expected strictly rising"),
    ],
)
@pytest.mark.parametrize("rows_after", [1, 2000], ids=["small file", "large file"])
def test_a_bad_row_is_refused_with_file_line_reason_and_advice(
    store: Store, row: str, sentence: str, rows_after: int
) -> None:
    rest = text_of([bar(index) for index in range(2, 2 + rows_after)]).removeprefix(HEADER)
    path = put(store, HEADER + GOOD + row + rest)
    with pytest.raises(InputError) as caught:
        store.load(KEY)
    assert str(caught.value).startswith(f"{path}, line 3: ")
    assert sentence in str(caught.value)
    assert str(caught.value).endswith("; correct or delete that line.")
    assert store.check(KEY).failed


@pytest.mark.parametrize("stamp", ["x", str(START_MS), str(NEXT + 1)])
def test_bad_times_are_seen_without_reading_the_bars(store: Store, stamp: str) -> None:
    put(store, HEADER + GOOD + f"{stamp},10,12,9,11,5,50\n")
    with pytest.raises(InputError, match="line 3"):
        store.missing(KEY, START_MS, NEXT)
    (info,) = store.datasets()
    assert info.problem is not None


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty, expected the header"),
        (b"time,open\n1,2\n", 'line 1: the header is "time,open", expected "timestamp,open,high'),
        (
            (HEADER.strip() + ",date\n" + GOOD.strip() + ",2024-01-01\n").encode(),
            "run `tradebot data import` on it",
        ),
        (gzip.compress((HEADER + GOOD).encode(), mtime=0), "is compressed (gzip), expected plain text"),
        (GOOD.encode(), "line 1: the header is"),
    ],
    ids=["empty", "wrong header", "extra column", "gzip", "no header"],
)
def test_a_file_of_another_form_is_refused(store: Store, content: bytes, sentence: str) -> None:
    path = put(store, content)
    with pytest.raises(InputError) as caught:
        store.load(KEY)
    assert str(path) in str(caught.value)
    assert sentence in str(caught.value)
    assert store.check(KEY).failed
    (info,) = store.datasets()
    assert info.problem == str(caught.value)


def test_a_folder_in_the_place_of_a_file_is_said_and_hides_no_other_dataset(store: Store) -> None:
    path = put(store, HEADER + GOOD)
    other = path.with_name(path.name.replace("BTC", "ETH"))
    other.mkdir()
    key = DatasetKey(KEY.category, "ETHUSDT", KEY.timeframe_name)
    for refused in (store.load, store.info, store.content_hash):
        with pytest.raises(InputError, match="is a folder, expected a CSV file"):
            refused(key)
    with pytest.raises((InputError, ShortfallError)):
        store.append(key, bars(0))
    sound, wrong = store.datasets()
    assert (sound.key, sound.rows, sound.problem) == (KEY, 1, None)
    assert wrong.problem == f"{other} is a folder, expected a CSV file; move it elsewhere."
    report = check_dataset(store, wrong.key)
    assert report.failed
    assert [finding.sentence for finding in report.findings] == [wrong.problem]


def test_a_header_alone_is_a_dataset_without_bars(store: Store) -> None:
    put(store, HEADER)
    assert len(store.load(KEY)) == 0
    (info,) = store.datasets()
    assert (info.rows, info.first_ms, info.problem) == (0, None, None)
    assert store.missing(KEY, START_MS, NEXT) == [(START_MS, NEXT)]
    assert store.append(KEY, bars(0)) == 1


def test_windows_line_ends_byte_order_mark_and_exponents_are_read(store: Store) -> None:
    put(
        store,
        b"\xef\xbb\xbf"
        + HEADER.replace("\n", "\r\n").encode()
        + f"{START_MS},1e1,1.2E+1,9.,11,.5,\r\n".encode(),
    )
    candles = store.load(KEY)
    assert [candles.open[0], candles.high[0], candles.low[0], candles.volume[0]] == [10.0, 12.0, 9.0, 0.5]


def test_an_unknown_dataset_names_the_nearest(store: Store) -> None:
    store.append(KEY, bars(0))
    with pytest.raises(
        InputError, match=r'There is no dataset linear/BTCUSD_1m in .* Did you mean "linear/BTCUSDT_1m"'
    ):
        store.load(DatasetKey("linear", "BTCUSD", "1m"))
    with pytest.raises(InputError, match=r'"7m" is not a timeframe; expected one of 1m, 3m'):
        store.load(DatasetKey("linear", "BTCUSDT", "7m"))
    with pytest.raises(InputError, match=r'"liner" is not a category.*Did you mean "linear"'):
        store.load(DatasetKey("liner", "BTCUSDT", "1m"))


def test_a_packed_file_in_the_folder_is_pointed_out(store: Store) -> None:
    put(store, HEADER).rename(store.folder / "linear" / "BTCUSDT_1m.csv.gz")
    with pytest.raises(InputError, match=r"only BTCUSDT_1m\.csv\.gz; run `tradebot data import"):
        store.load(KEY)


FIELD = st.one_of(
    st.sampled_from(["1", "1.5", "-1", "+2", "1e5", "1E-7", ".5", "5.", "0", ""]),
    st.sampled_from(
        ["nan", "inf", "NA", "None", "1_0", "0x1", "1e", "e1", ".", "1.2.3", '"1"', " 1", "1 ", "1e999", "é"]
    ),
)


@settings(max_examples=300, deadline=None)
@given(
    fields=st.lists(FIELD, min_size=1, max_size=9),
    stamp=st.sampled_from(
        [str(START_MS), str(START_MS), "", "x", "1.0", "-5", "1704067200000000000000", "17 "]
    ),
    place=st.sampled_from([0, 5, 2999]),
    kind=st.sampled_from([BARS, FUNDING]),
    large=st.booleans(),
)
def test_the_fast_reader_accepts_exactly_what_the_exact_one_accepts(
    fields: list[str], stamp: str, place: int, kind: object, large: bool
) -> None:
    assert kind in (BARS, FUNDING)
    table = BARS if kind is BARS else FUNDING
    good = f"{START_MS},1.5,2,1,1.7,3,\n" if table is BARS else f"{START_MS},0.0001\n"
    lines = [good] * (3000 if large else 6)
    lines[min(place, len(lines) - 1)] = ",".join([stamp, *fields]) + "\n"
    columns = parse_form("".join(lines).encode(), table)
    sound = form_problem([stamp, *fields], table) is None
    assert (columns is not None) == sound
    if columns is not None:
        assert len(columns) == len(lines)
