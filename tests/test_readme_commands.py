"""Every command line of the README runs as it stands there, against the simulated exchange, and does what it says.

Only lengths are cut: `--since` becomes two days, so that the whole page runs in seconds.
"""

from __future__ import annotations

import gzip
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tradebot.cli import run
from tradebot.engine.market import DatasetKey
from tradebot.engine.simulator import SimulatorSettings, SimulatorThread
from tradebot.engine.store import Store

pytestmark = pytest.mark.sockets
README = (Path(__file__).resolve().parents[1] / "README.md").read_text(encoding="utf-8")
HEADER = "timestamp,open,high,low,close,volume,turnover\n"
START_MS = 1_704_067_200_000  # 2024-01-01
HOUR = 3_600_000


def command_lines() -> list[str]:
    """The lines of the README's code blocks that begin with tradebot, without their remarks."""
    blocks = re.findall(r"^```\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines() if line.startswith("tradebot")]
    return [line.partition(" #")[0].strip() for line in lines]


LINES = command_lines()
SERVING = [line for line in LINES if line.startswith("tradebot sim")]
FOLLOWING = [line for line in LINES if "--follow" in line]
OPENING = [line for line in LINES if line.startswith("tradebot --url")]
IMPORTS = [line for line in LINES if line.startswith("tradebot data import")]
BACKTESTS = [line for line in LINES if line.startswith("tradebot backtest")]
RESULTS = [line for line in LINES if line.startswith("tradebot results")]
APART = {*SERVING, *FOLLOWING, *OPENING, *IMPORTS, *BACKTESTS, *RESULTS}
OTHERS = [line for line in LINES if line not in APART]


def shortened(line: str) -> list[str]:
    return shlex.split(re.sub(r"--since \S+", "--since 2d", line))[1:]


@pytest.fixture(scope="module")
def simulator() -> Iterator[SimulatorThread]:
    with SimulatorThread(SimulatorSettings(symbols=4)) as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with the files that the command lines name."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "tradebot.toml").write_text("", encoding="utf-8")
    (tmp_path / "data").mkdir()
    bars = [f"{START_MS + hour * HOUR},100,101,99,100,1,100\n" for hour in range(366 * 24)]
    minutes = [f"{START_MS + minute * 60_000},100,101,99,100,1,100\n" for minute in range(60)]
    klines = [f"{START_MS + minute * 60_000},100,101,99,100,1,0,100,1,1,1,0\n" for minute in range(60)]
    for name, text in {
        "recorded/linear/BTCUSDT_1h.csv": HEADER + "".join(bars),
        "archive/BTCUSDT-1m-2024-01-01.csv": "".join(klines),
        "BTC_USDT_USDT-5m-futures.json": f"[[{START_MS},100,101,99,100,1],[{START_MS + 300_000},100,101,99,100,1]]",
        "faults.toml": "\n".join(
            re.findall(r"^\[\[fault\]\]\n.*?(?=^```)", README, re.MULTILINE | re.DOTALL)
        ),
        "keep.toml": "".join(re.findall(r"^\[retention\]\n.*?(?=^```)", README, re.MULTILINE | re.DOTALL)),
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
    (tmp_path / "BTCUSDT_1m.csv.gz").write_bytes(gzip.compress((HEADER + "".join(minutes)).encode()))
    meta_trader = "2023.02.01 00:00,100,101,99,100,1\n2023.02.01 00:01,100,101,99,100,1\n"
    (tmp_path / "BTCUSDT_1_2023-02.csv.gz").write_bytes(gzip.compress(meta_trader.encode()))
    return tmp_path


def test_collecting_checking_repairing_and_saving(
    folder: Path, simulator: SimulatorThread, capsys: pytest.CaptureFixture[str]
) -> None:
    assert len(OTHERS) >= 10, "the README's commands were not found"
    for line in OTHERS:
        if line == "tradebot demo":
            continue  # has a test of its own: it collects and backtests for half a minute
        arguments = shortened(line)
        if arguments[0] == "collect" or arguments[:2] == ["data", "repair"]:
            arguments += ["--url", simulator.url]
        arguments += ["--data", "data"] if arguments[0] in {"collect", "data"} else []
        code = run(arguments)
        captured = capsys.readouterr()
        assert code == 0, f"{line}\n{captured.out}{captured.err}"
    store = Store(folder / "data")
    held = {str(info.key) for info in store.datasets()}
    assert {"linear/BTCUSDT_1m", "linear/BTCUSDT_15m", "linear/ETHUSDT_1m", "linear/BTCUSDT_1h_mark"} <= held


def test_every_import(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for line in IMPORTS:
        assert run([*shortened(line), "--data", "imported"]) == 0, capsys.readouterr().err
    held = {str(info.key): info.rows for info in Store(folder / "imported").datasets()}
    assert held == {"linear/BTCUSDT_1m": 62, "linear/BTCUSDT_5m": 2, "spot/BTCUSDT_1m": 60}
    assert Store(folder / "imported").load(DatasetKey("linear", "BTCUSDT", "1m")).time[0] == 1_675_198_800_000


def test_the_backtest_its_results_and_what_is_kept(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for line in BACKTESTS:
        assert run([*shortened(line), "--data", "recorded"]) == 0, capsys.readouterr().err
    assert len(RESULTS) >= 6
    for line in RESULTS:
        assert run([*shortened(line), "--data", "recorded"]) == 0, capsys.readouterr().err
    assert (folder / "report.html").is_file()
    assert run(["data", "prune", "--dry-run", "--config", "keep.toml", "--data", "recorded"]) == 0
    assert "Nothing is older or larger than the rules" in capsys.readouterr().out


@pytest.mark.skipif(sys.platform == "win32", reason="a console there sends its interrupt to this process too")
@pytest.mark.parametrize("line", [*SERVING, *FOLLOWING])
def test_what_runs_until_ctrl_c(line: str, folder: Path, simulator: SimulatorThread) -> None:
    arguments = re.sub(r"--port \d+", "--port 0", " ".join(shortened(line))).split()
    waits_for = "Simulated exchange:"
    if line in FOLLOWING:
        arguments += ["--url", simulator.url, "--data", "live"]
        waits_for = "Following live"
    with subprocess.Popen(
        [sys.executable, "-m", "tradebot", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as process:
        assert process.stderr is not None
        said = []
        while waits_for not in (line_said := process.stderr.readline()):
            said.append(line_said)
            assert line_said, "".join(said)
        process.send_signal(signal.SIGINT)
        process.stderr.read()
    assert process.returncode == 130


def test_the_app_needs_a_terminal_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    for line in OPENING:
        assert run(shortened(line)) == 2
        assert "terminal" in capsys.readouterr().err
