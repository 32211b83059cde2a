"""Wrong input: one clear sentence of ours and the stated exit code each, held by a golden file.

`python -m tests.commands.test_refusals` writes the golden file anew; read the difference before committing it.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tradebot.cli import run
from tradebot.engine.simulator import SimulatorSettings, SimulatorThread

GOLDEN = Path(__file__).with_name("refusals.golden.txt")
HEADER = "timestamp,open,high,low,close,volume,turnover\n"
KLINE = "{},1.0,2.0,0.5,1.5,10,0,15,1,1,1,0\n"
GOOD = "1704067200000,1.0,2.0,0.5,1.5,10,15\n"
WRONG_STRATEGY = """\
[strategy]
name = "Three errors"
symbols = ["BTCUSDT"]
timeframe = "7m"

[indicators.fast]
use = "emma"
length = 21

[signals.turn]
use = "cross"
a = "close"
b = "fast"

[entry]
combine = "any"
signals = ["trun"]
"""

CASES: tuple[tuple[str, ...], ...] = (
    # usage
    ("bactest",),
    ("sim", "--prot", "1"),
    ("sim", "--port", "many"),
    ("sim", "--port", "70000"),
    ("backtest",),
    ("data",),
    ("--data", "x", "collect"),
    ("backtest", "ema-trend", "--set", "risk.max_bars"),
    # names
    ("backtest", "ema-trned"),
    ("backtest", "{folder}/nothing.toml"),
    ("backtest", "ema-trend"),
    ("backtest", "ema-trend", "--set", "risk.max_bras=5"),
    ("backtest", "ema-trend", "--set", "indicators.fast.length=many"),
    ("backtest", "ema-trend", "--from", "yesterday"),
    ("backtest", "ema-trend", "--from", "2024-05-01", "--to", "2024-04-01"),
    ("backtest", "ema-trend", "--cash", "-5"),
    ("collect", "--timeframes", "1min"),
    ("collect", "--category", "future"),
    ("collect", "--symbols", ","),
    ("collect", "--since", "soon"),
    ("collect", "--symbols", "BTCUSDT", "--until", "2024-01-01", "--follow"),
    ("data", "check", "BTCUSDT"),
    ("data", "check", "BTCUSDT_1h"),
    # strategies
    ("strategy", "check", "{folder}/wrong.toml"),
    ("backtest", "{folder}/wrong.toml"),
    ("strategy", "check", "{folder}/broken.toml"),
    ("strategy", "new", "My Idea"),
    # files
    ("data", "import", "{folder}/missing.csv"),
    ("data", "import", "{folder}/EMPTY_1m.csv"),
    ("data", "import", "{folder}/BADROW_1m.csv"),
    ("data", "import", "{folder}/HEADER_1m.csv"),
    ("data", "import", "{folder}/NOISE_1m.csv.gz"),
    ("data", "import", "{folder}/noname.csv"),
    ("data", "import", "{folder}/MT_1m.csv", "--symbol", "BTCUSDT", "--timeframe", "1m"),
    ("data", "import", "{folder}/MT_1m.csv", "--symbol", "BTCUSDT", "--timeframe", "1m", "--clock", "Moscow"),
    ("data", "import", "{folder}/MIXED-1m.csv", "--symbol", "BTCUSDT"),
    ("data", "import", "{folder}/FUTURE_1d.csv"),
    ("data", "import", "{folder}/DATES_1m.csv"),
    ("data", "import", "{folder}/BTC_USDT_USDT-1m-futures.json"),
    ("data", "import", "{folder}/archive.zip"),
    ("data", "import", "{folder}/nothing-in-it"),
    ("data", "import", "{folder}/BADROW_1m.csv", "{folder}/DATES_1m.csv"),
    ("data", "check", "ZZZ*"),
    ("data", "check", "BROKEN_funding"),
    ("data", "check", "*_funding"),
    ("data", "holes"),
    ("data", "holes", "BROKEN"),
    ("data", "repair", "BROKEN"),
    ("data", "repair", "BROKEN_1m", "--verify", "some"),
    ("data", "repair", "ZZZ*"),
    ("data", "repair", "BROKEN_1m", "--url", "http://127.0.0.1:{closed_port}"),
    ("data", "backup", "{folder}/noname.csv"),
    ("data", "restore", "{folder}/missing.zip"),
    ("data", "restore", "{folder}/archive.zip"),
    ("data", "restore"),
    ("data", "prune"),
    ("data", "compact", "ZZZ*"),
    ("data", "list"),
    ("data", "check", "BROKEN_1m"),
    ("data", "list"),
    ("data", "check", "HOLLOW_1m"),
    ("backtest", "ema-trend", "--set", "strategy.symbols=HOLLOW"),
    ("backtest", "ema-trend", "--set", "strategy.symbols=BROKEN"),
    ("backtest", "ema-trend", "--set", "strategy.symbols=BROKEN", "--set", "strategy.timeframe=1m"),
    # settings and the exchange
    ("data", "list", "--config", "{folder}/nothing.toml"),
    ("data", "list", "--config", "{folder}/settings.toml"),
    ("data", "list", "--data", "{folder}/noname.csv"),
    ("backtest", "ema-trend", "--data", "{folder}/noname.csv/inside"),
    ("collect", "--url", "bybit"),
    ("collect", "--url", "http://127.0.0.1:{closed_port}"),
    ("sim", "--port", "{used_port}"),
    ("collect", "--url", "{simulator}", "--symbols", "BTCUSD"),
    ("collect", "--url", "{simulator}", "--symbols", "ZZZ*"),
)


def prepare(folder: Path) -> None:
    """The wrong files that the cases name."""
    linear = folder / "data" / "linear"
    linear.mkdir(parents=True)
    files = {
        folder / "wrong.toml": WRONG_STRATEGY,
        folder / "broken.toml": "[strategy]\nname = \n",
        folder / "EMPTY_1m.csv": "",
        folder / "BADROW_1m.csv": HEADER + GOOD + "1704067260000,1.0,2.0,lots,1.5,10,15\n",
        folder / "HEADER_1m.csv": "time,o,h,l,c\n1704067200000,1,2,0.5,1.5\n",
        folder / "noname.csv": HEADER + GOOD,
        folder / "MT_1m.csv": "2023.02.01 00:00,1.0,2.0,0.5,1.5,10\n",
        folder / "MIXED-1m.csv": KLINE.format("1704067200000") + KLINE.format("1704067260000000"),
        folder / "FUTURE_1d.csv": HEADER + "4102444800000,1.0,2.0,0.5,1.5,10,15\n",
        folder / "DATES_1m.csv": "date,open,high,low,close,volume\n2024-01-01 00:00:00,1,2,0.5,1.5,10\n",
        folder / "BTC_USDT_USDT-1m-futures.json": "[[1704067200000,1,2,0.5,null,10]]",
        folder / "settings.toml": "[exchange]\nbudget_percent = 0\nurk = 1\n",
        linear / "HOLLOW_1m.csv": "",
        linear / "BROKEN_1m.csv": HEADER + GOOD + "1704067260000,1.0,0.4,0.5,1.5,10,15\n",
    }
    for path, text in files.items():
        path.write_text(text, encoding="utf-8", newline="")
    (folder / "NOISE_1m.csv.gz").write_bytes(b"\x00\x01not gzip")
    (folder / "archive.zip").write_bytes(b"PK\x03\x04 but no archive")
    (folder / "nothing-in-it").mkdir()


@contextmanager
def places() -> Iterator[dict[str, str]]:
    """A port that is in use, one that nobody listens on, and a simulated exchange."""
    simulator = SimulatorThread(SimulatorSettings(symbols=3))
    with socket.socket() as used, socket.socket() as closed, simulator:
        used.bind(("127.0.0.1", 0))
        used.listen()
        closed.bind(("127.0.0.1", 0))
        yield {
            "used_port": str(used.getsockname()[1]),
            "closed_port": str(closed.getsockname()[1]),
            "simulator": simulator.url,
        }


def transcript(folder: Path, ports: dict[str, str], read: Callable[[], str]) -> str:
    """Every case with what it answers, as the golden file has it."""
    prepare(folder)
    parts = []
    for case in CASES:
        arguments = [each.format(folder=folder, **ports) for each in case]
        takes_folder = case[0] not in {"sim", "data", "--data", "bactest"} or (
            len(case) > 1 and case[0] == "data"
        )
        if takes_folder and "--data" not in case:
            arguments += ["--data", str(folder / "data")]
        code = run(arguments)
        said = read().replace(str(folder), "{folder}")
        for name, place in ports.items():
            said = said.replace(place, f"{{{name}}}")
        said = re.sub(r"[\d,]+ days ago", "N days ago", said)
        said = re.sub(r"\(it is [^)]* UTC\)", "(it is NOW UTC)", said)
        parts.append(f"$ tradebot {' '.join(case)}\n{said.rstrip()}\n[exit {code}]\n")
    return "\n".join(parts)


def test_every_refusal_is_a_sentence_of_ours_with_the_stated_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    def read() -> str:
        captured = capsys.readouterr()
        return captured.out + captured.err

    with places() as ports:
        said = transcript(tmp_path, ports, read)
    assert "Traceback" not in said
    assert said == GOLDEN.read_text(encoding="utf-8")


def test_a_refused_import_leaves_the_data_folder_as_it_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    prepare(tmp_path)
    kept = {path.name: path.read_bytes() for path in (tmp_path / "data").rglob("*.csv")}
    assert run(["data", "import", str(tmp_path / "BADROW_1m.csv"), "--data", str(tmp_path / "data")]) == 2
    assert {path.name: path.read_bytes() for path in (tmp_path / "data").rglob("*.csv")} == kept
    capsys.readouterr()


def _write_golden() -> None:
    said = io.StringIO()

    def read() -> str:
        text = said.getvalue()
        said.seek(0)
        said.truncate()
        return text

    with tempfile.TemporaryDirectory() as folder, places() as ports:
        os.chdir(folder)
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            text = transcript(Path(folder), ports, read)
        os.chdir(GOLDEN.parent)
    GOLDEN.write_text(text, encoding="utf-8", newline="")
    sys.stdout.write(text)


if __name__ == "__main__":
    _write_golden()
