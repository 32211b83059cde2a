"""`tradebot chart`: the drawing as text, the same as one document, and a sentence for whatever cannot be drawn."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tradebot.cli import run
from tradebot.engine.market import BarRow, Category, DatasetKey, Timeframe
from tradebot.engine.store import Store

HOUR = 3_600_000
START = 1_704_067_200_000  # 2024-01-01 00:00


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Forty days of hours that rise by one an hour, without those of the second day."""
    rows = [
        BarRow(START + n * HOUR, f"{100 + n}", f"{102 + n}", f"{99 + n}", f"{101 + n}.5", "3", "")
        for n in range(960)
        if not 24 <= n < 48
    ]
    Store(tmp_path).append(DatasetKey.of(Category.LINEAR, "BTCUSDT", Timeframe.H1), rows)
    return tmp_path


Capture = pytest.CaptureFixture[str]


def chart(data: Path, capsys: Capture, *arguments: str) -> tuple[int, str, str]:
    code = run(["chart", *arguments, "--data", str(data)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_it_prints_a_chart_of_the_asked_size_as_plain_text(data: Path, capsys: Capture) -> None:
    code, out, _ = chart(
        data, capsys, "btcusdt", "1h", "--width", "70", "--height", "16", "--indicator", "ema 9"
    )
    lines = out.rstrip("\n").split("\n")
    assert code == 0
    assert len(lines) == 16 + 3
    assert all(len(line) <= 70 for line in lines)
    assert "\x1b" not in out
    assert lines[0] == "BTCUSDT perpetual · 1h · BTCUSDT_1h.csv"
    assert lines[1].startswith("2024-02-09 23:00")
    assert "C 1,060.5" in lines[1]
    assert lines[2].startswith("EMA 9 1,05")
    assert "1,060.5" in out.partition(lines[2])[2]
    assert any("┃" in line or "╽" in line for line in lines)


def test_more_bars_than_columns_share_candles_and_what_is_missing_is_said(
    data: Path, capsys: Capture
) -> None:
    code, out, _ = chart(
        data,
        capsys,
        "BTCUSDT",
        "1h",
        "--from",
        "2024-01-01",
        "--to",
        "2024-01-04",
        "--width",
        "60",
        "--height",
        "14",
    )
    assert code == 0
    assert "2 bars a candle" in out.split("\n")[0]
    assert "12 candles not stored" in out.split("\n")[0]
    assert "no data" in out


def test_bars_says_how_many(data: Path, capsys: Capture) -> None:
    code, out, _ = chart(data, capsys, "BTCUSDT", "4h", "--bars", "10", "--json")
    document = json.loads(out)
    assert code == 0
    assert len(document["candles"]) == 10
    assert document["source"] == "BTCUSDT_1h.csv, 4h bars built from it"
    assert document["candles"][-1] == {
        "time": "2024-02-09T20:00:00.000Z", "open": 1056.0, "high": 1061.0, "low": 1055.0, "close": 1060.5,
        "volume": 12.0,
    }  # fmt: skip


def test_the_document_holds_indicators_beside_the_candles(data: Path, capsys: Capture) -> None:
    _, out, _ = chart(
        data,
        capsys,
        "BTCUSDT",
        "1h",
        "--to",
        "2024-01-20",
        "--bars",
        "5",
        "--indicator",
        "sma 2",
        "--indicator",
        "bbands",
        "--json",
    )
    document = json.loads(out)
    assert [each["time"][:13] for each in document["candles"]] == [
        f"2024-01-19T{hour}" for hour in range(19, 24)
    ]
    assert document["indicators"]["SMA 2"][-1] == 100 + 19 * 24 - 1 + 1
    assert set(document["indicators"]) == {
        "SMA 2",
        *(f"BBANDS 20 2 {band}" for band in ("upper", "middle", "lower")),
    }
    assert document["bars_per_candle"] == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("ETHUSDT", "1h"), "There is no dataset linear/ETHUSDT_1h"),
        (("BTCUSDT", "7m"), "'7m' is not a timeframe"),
        (("BTCUSDT", "5m"), "5m"),
        (("BTCUSDT", "1h", "--from", "soon"), "--from: 'soon' is not a time"),
        (("BTCUSDT", "1h", "--from", "2024-02-01", "--to", "2024-01-01"), "is not after --from"),
        (
            ("BTCUSDT", "1h", "--from", "2020-01-01", "--to", "2020-02-01"),
            "there are some from 2024-01-01 00:00",
        ),
        (("BTCUSDT", "1h", "--indicator", "emma 5"), 'Did you mean "ema"?'),
        (("BTCUSDT", "1h", "--result", "nope"), "There is no result nope"),
        (("BTCUSDT", "1h", "--category", "future"), "'future' is not a category"),
        (
            ("BTCUSDT", "1h", "--from", "2024-01-01", "--to", "2024-01-02", "--bars", "5"),
            "leave one of them out",
        ),
        (("BTCUSDT", "1h", "--width", "5"), "--width must be at least 40"),
    ],
)
def test_what_cannot_be_drawn_is_a_sentence_and_exit_2(
    data: Path, capsys: Capture, arguments: tuple[str, ...], sentence: str
) -> None:
    code, out, err = chart(data, capsys, *arguments)
    assert code == 2
    assert out == ""
    assert sentence in err
    assert len(err.strip().split("\n")) == 1


def test_a_strategy_brings_its_lines(data: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).resolve().parents[2])
    code, out, _ = chart(data, capsys, "BTCUSDT", "1h", "--strategy", "ema-trend", "--bars", "30", "--json")
    document = json.loads(out)
    assert code == 0
    assert {"EMA 21", "EMA 55"} <= set(document["indicators"])
