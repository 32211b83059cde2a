"""The commands do what the README says, print one JSON document where asked, and end with their exit code."""

from __future__ import annotations

import errno
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tradebot.__main__ import main as begin
from tradebot.cli import run
from tradebot.commands.collect import FOLLOWING_STOPPED
from tradebot.commands.demo import KERNELS_FOLDER
from tradebot.commands.progress import ConsoleProgress, duration, progress_line
from tradebot.commands.terminal import has_terminal
from tradebot.engine.control.compiling import cache_folder, kernel_hash
from tradebot.engine.control.progress import Progress, counted
from tradebot.engine.exchange import Exchange, ExchangeError, FailureKind
from tradebot.engine.simulator import SimulatorSettings, SimulatorThread

pytestmark = pytest.mark.sockets
REPOSITORY = Path(__file__).resolve().parents[2]
RESULT_KEYS = (
    *(
        "total_return",
        "cagr",
        "sharpe",
        "sortino",
        "calmar",
        "max_drawdown",
        "max_drawdown_days",
        "volatility",
    ),
    *("ulcer", "var_95", "cvar_95", "profit_factor", "win_rate", "expectancy", "payoff", "sqn", "exposure"),
    *("turnover", "trades", "fees", "funding", "slippage_cost", "final_equity", "buy_hold_return"),
)
Ask = Callable[..., tuple[int, Any]]


@pytest.fixture(scope="module")
def simulator() -> Iterator[SimulatorThread]:
    with SimulatorThread(SimulatorSettings(symbols=3)) as running:
        yield running


@pytest.fixture
def ask(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Run a command on a data folder of its own with --json; (exit code, document)."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> tuple[int, Any]:
        code = run([*arguments, "--data", str(tmp_path / "data"), "--json"])
        captured = capsys.readouterr()
        return code, json.loads(captured.out) if captured.out else captured.err

    return call


def test_collect_stores_bars_and_a_second_run_asks_for_nothing(ask: Ask, simulator: SimulatorThread) -> None:
    arguments = (
        "collect",
        "--symbols",
        "BTCUSDT,eth*",
        "--timeframes",
        "1h",
        "--since",
        "20d",
        "--url",
        simulator.url,
    )
    code, first = ask(*arguments)
    assert (code, first["complete"], first["missing_bars"]) == (0, True, 0)
    assert {each["dataset"] for each in first["datasets"]} == {"linear/BTCUSDT_1h", "linear/ETHUSDT_1h"}
    assert first["bars_added"] in {958, 960}
    code, second = ask(*arguments)
    assert (code, second["bars_added"]) == (0, 0)
    assert second["requests"] < first["requests"]
    code, listed = ask("data", "list")
    assert [each["dataset"] for each in listed["datasets"]] == ["linear/BTCUSDT_1h", "linear/ETHUSDT_1h"]
    assert all(each["gaps"] == 0 for each in listed["datasets"])
    code, checked = ask("data", "check")
    assert code == 0
    assert not any(each["failed"] for each in checked["datasets"])


def test_funding_that_could_not_be_had_is_told_by_the_exit_code(
    ask: Ask, simulator: SimulatorThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(*_: Any) -> Any:
        raise ExchangeError(FailureKind.REFUSED, "The exchange refused it.")

    arguments = ("collect", "--symbols", "BTCUSDT", "--timeframes", "1h", "--since", "5d")
    with monkeypatch.context() as patch:
        patch.setattr(Exchange, "funding_history", refused)
        code, document = ask(*arguments, "--url", simulator.url)
    assert (code, document["complete"], document["missing_bars"]) == (1, False, 0)
    assert document["funding_failed"] == ["BTCUSDT"]
    assert document["sentences"] == ["Funding of BTCUSDT: The exchange refused it."]
    code, document = ask(*arguments, "--url", simulator.url)
    assert (code, document["complete"], document["funding_failed"]) == (0, True, [])


def test_a_backtest_says_what_became_of_damaged_rules(
    ask: Ask, simulator: SimulatorThread, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ask("collect", "--symbols", "BTCUSDT", "--timeframes", "1h", "--since", "60d", "--url", simulator.url)
    rules = tmp_path / "data" / "linear" / "instruments.json"
    rules.write_text("half a fi", encoding="utf-8")
    code = run(["backtest", "ema-trend", "--data", str(tmp_path / "data"), "--out", str(tmp_path / "out")])
    assert code == 0
    assert "instruments.json.damaged" in capsys.readouterr().err
    assert (rules.parent / "instruments.json.damaged").read_text(encoding="utf-8") == "half a fi"


def test_a_backtest_writes_the_folder_of_the_contract(
    ask: Ask, simulator: SimulatorThread, tmp_path: Path
) -> None:
    ask("collect", "--symbols", "BTCUSDT", "--timeframes", "1h", "--since", "120d", "--url", simulator.url)
    code, result = ask(
        "backtest", "ema-trend", "--set", "risk.max_bars=24", "--cash", "5000", "--out", str(tmp_path / "out")
    )
    assert code == 0
    assert set(RESULT_KEYS) <= set(result["metrics"])
    folder = Path(result["folder"])
    assert folder.parent == tmp_path / "out"
    names = {path.name for path in folder.iterdir()}
    assert {"result.json", "trades.csv", "equity.csv", "strategy.toml"} <= names
    assert (folder / "trades.csv").read_text(encoding="utf-8").splitlines()[0] == (
        "trade_id,strategy,symbol,side,entry_time,entry_price,exit_time,exit_price,qty,pnl,r,fees,funding,slippage,"
        "entry_reason,exit_reason,bars,mae,mfe,initial_stop,ambiguous,status"
    )
    assert (
        (folder / "equity.csv").read_text(encoding="utf-8").startswith("time,equity,cash,exposure,drawdown\n")
    )
    assert "max_bars = 24" in (folder / "strategy.toml").read_text(encoding="utf-8")
    assert result["settings"]["cash"] == 5000
    bars = [
        int(line.split(",")[16])
        for line in (folder / "trades.csv").read_text(encoding="utf-8").splitlines()[1:]
    ]
    assert bars
    assert max(bars) <= 24


def test_strategies_are_begun_listed_shown_and_checked(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "tradebot.toml").write_text("", encoding="utf-8")
    code, made = ask("strategy", "new", "mine", "--like", "rsi-pullback")
    assert code == 0
    assert Path(made["path"]) == tmp_path / "config" / "strategies" / "mine.toml"
    _, listed = ask("strategy", "list")
    assert {each["name"]: each["example"] for each in listed["strategies"]}["mine"] is False
    _, shown = ask("strategy", "show", "mine")
    assert shown["toml"] == (REPOSITORY / "config" / "strategies" / "rsi-pullback.toml").read_text(
        encoding="utf-8"
    )
    code, checked = ask("strategy", "check", "mine")
    assert (code, checked["valid"]) == (0, True)
    code, _ = ask("strategy", "new", "mine")
    assert code == 2


def test_sim_prints_its_url_first_and_serves(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "tradebot", "sim", "--symbols", "2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=tmp_path,
    ) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            assert re.fullmatch(r"http://127\.0\.0\.1:\d+", url)
            arguments = ["collect", "--symbols", "all", "--timeframes", "1d", "--since", "10d", "--url", url]
            assert run([*arguments, "--data", str(tmp_path / "data")]) == 0
        finally:
            process.terminate()


def test_the_demo_without_a_terminal_shows_the_pipeline_and_leaves_nothing_outside_its_folder(
    tmp_path: Path,
) -> None:
    # As if it had compiled them there before; that takes half a minute and has a test of its own.
    shutil.copytree(cache_folder(), tmp_path / "demo" / KERNELS_FOLDER / kernel_hash())
    home = tmp_path / "home"
    working = tmp_path / "working"
    home.mkdir()
    working.mkdir()
    environment = {
        name: str(home)
        for name in (
            "HOME",
            "USERPROFILE",
            "APPDATA",
            "LOCALAPPDATA",
            "XDG_CACHE_HOME",
            "XDG_DATA_HOME",
            "XDG_CONFIG_HOME",
        )
    }
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in {"PATH", "SYSTEMROOT", "TEMP", "TMP", "LANG", "PYTHONPYCACHEPREFIX"}
    }
    done = subprocess.run(
        [sys.executable, "-m", "tradebot", "demo", "--headless", "--data", str(tmp_path / "demo")],
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=working,
        env={**kept, **environment, "PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1"},
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Total return" in done.stdout
    assert "Equity" in done.stdout
    assert "26,2" in done.stderr
    assert (tmp_path / "demo" / "linear" / "BTCUSDT_1h.csv").exists()
    assert not list(working.rglob("*"))
    assert not [path for path in home.rglob("*") if path.is_file()]


@pytest.mark.skipif(sys.platform == "win32", reason="a console there sends its interrupt to this process too")
def test_an_interrupt_says_so_and_following_has_answered_before_it_goes_on_live(
    simulator: SimulatorThread, tmp_path: Path
) -> None:
    arguments = [
        "collect",
        "--symbols",
        "BTCUSDT",
        "--timeframes",
        "1h",
        "--since",
        "5d",
        "--follow",
        "--json",
    ]
    with subprocess.Popen(
        [
            sys.executable,
            "-m",
            "tradebot",
            *arguments,
            "--url",
            simulator.url,
            "--data",
            str(tmp_path / "data"),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as process:
        assert process.stderr is not None
        assert process.stdout is not None
        while "Following live" not in process.stderr.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        answer, said = process.stdout.read(), process.stderr.read()
    assert process.returncode == 130
    assert json.loads(answer)["complete"] is True
    assert said == f"{FOLLOWING_STOPPED}\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
@pytest.mark.parametrize("arguments", [["strategy", "list"], ["--help"], ["sim"]], ids=" ".join)
def test_an_output_that_takes_nothing_more_is_a_sentence(arguments: list[str], tmp_path: Path) -> None:
    for unbuffered in ("", "1"):
        with Path("/dev/full").open("w", encoding="utf-8") as full:
            done = subprocess.run(
                [sys.executable, "-m", "tradebot", *arguments],
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
                cwd=tmp_path,
                env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
                check=False,
            )
        assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
        assert "no space is left" in done.stderr


def test_without_standard_streams_and_with_a_full_one_for_notes_the_work_goes_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.chdir(tmp_path)
    for stream in (Full(), None):
        monkeypatch.setattr(sys, "stderr", stream)
        assert run(["strategy", "new", "My Idea"]) == 2
        ConsoleProgress("collect")(Progress(1, 2, "bars", 1.0, 1.0))
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stdin", None)
    assert run(["strategy", "list"]) == 0
    assert not has_terminal()


def test_of_several_files_those_imported_before_a_wrong_one_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    header = "timestamp,open,high,low,close,volume,turnover\n"
    (tmp_path / "GOOD_1m.csv").write_text(header + "1704067200000,1,2,0.5,1.5,10,15\n", encoding="utf-8")
    (tmp_path / "WRONG_1m.csv").write_text(header + "1704067200000,1,2,lots,1.5,10,15\n", encoding="utf-8")
    for options in ([], ["--json"]):
        assert run(["data", "import", "GOOD_1m.csv", "WRONG_1m.csv", "--data", "data", *options]) == 2
        captured = capsys.readouterr()
        told, refused = (captured.err if options else captured.out), captured.err
        assert "GOOD_1m.csv (tradebot CSV) to linear/GOOD_1m" in told
        assert "WRONG_1m.csv, line 2" in refused
        assert not options or not captured.out


def test_a_strategy_that_cannot_be_read_hides_no_other_one(ask: Ask, tmp_path: Path) -> None:
    strategies = tmp_path / "config" / "strategies"
    strategies.mkdir(parents=True)
    (tmp_path / "config" / "tradebot.toml").write_text("", encoding="utf-8")
    (strategies / "noise.toml").write_bytes(b"\xff\xfe\x00")
    code, listed = ask("strategy", "list")
    assert code == 0
    found = {each["name"]: each for each in listed["strategies"]}
    assert {"ema-trend", "noise"} <= set(found)
    assert (found["noise"]["errors"], found["ema-trend"]["errors"]) == (1, 0)
    assert "is not UTF-8 text" in found["noise"]["problem"]


def test_what_only_the_system_refuses_is_a_sentence_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", "place")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "scandir", refused)
    assert run(["data", "list", "--data", "data"]) == 1
    said = "The system refused place (permission denied); allow reading and writing there, or name another place.\n"
    assert capsys.readouterr().err == said


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="everything may be read by this user"
)
def test_a_folder_that_may_not_be_read_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "closed").mkdir(mode=0)
    assert run(["data", "list", "--data", str(tmp_path / "closed")]) == 2
    assert f"--data must be something that may be read, which {tmp_path}" in capsys.readouterr().err


def test_progress_is_a_line_with_share_rate_and_eta() -> None:
    look = Progress(50_000, 200_000, "bars", 12_345.6, 75.0)
    assert (
        progress_line("collect", look, with_bar=False)
        == "collect   25%  50,000 of 200,000 bars  12,346/s  ETA 1:15"
    )
    assert "━━━━━━─" in progress_line("collect", look, with_bar=True)
    assert duration(3_725) == "1:02:05"
    assert [counted(number, "bar") for number in (0, 1, 1440)] == ["0 bars", "1 bar", "1,440 bars"]


def test_without_a_terminal_the_app_says_what_to_use_instead(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tradebot.commands.terminal.has_terminal", lambda: False)
    assert run([]) == 2
    assert "tradebot demo --headless" in capsys.readouterr().err
    assert run(["--version"]) == 0
    assert re.fullmatch(r"tradebot \d+\.\d+\.\d+\n", capsys.readouterr().out)


def test_the_help_page_waits_for_nothing_heavy() -> None:
    code = (
        "import sys; from tradebot.cli import run; run(['--help']); "
        "print(sorted(set(sys.modules) & {'numpy', 'textual', 'pydantic', 'pandas', 'numba', 'pybit', 'rich'}))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.splitlines()[-1] == "[]"


def test_an_interrupt_while_the_modules_are_loaded_is_a_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupting:
        def find_spec(self, name: str, *_: object) -> None:
            if name == "tradebot.cli":
                raise KeyboardInterrupt

    monkeypatch.delitem(sys.modules, "tradebot.cli")
    monkeypatch.setattr(sys, "meta_path", [Interrupting(), *sys.meta_path])
    with pytest.raises(SystemExit) as ended:
        begin()
    assert ended.value.code == 130
    assert capsys.readouterr().err == "Interrupted. Nothing had begun yet.\n"


def test_a_folder_stands_for_the_files_in_it_and_a_wrong_one_hides_no_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    files = tmp_path / "files"
    files.mkdir()
    header = "timestamp,open,high,low,close,volume,turnover\n"
    for name in ("AAAUSDT_1m.csv", "BBBUSDT_1m.csv"):
        (files / name).write_text(header + "1704067200000,1,2,0.5,1.5,10,15\n", encoding="utf-8")
    (files / "notes.txt").write_text("not bars", encoding="utf-8")
    assert run(["data", "import", "files", "--data", "data"]) == 0
    assert sorted(path.name for path in (tmp_path / "data" / "linear").glob("*.csv")) == [
        "AAAUSDT_1m.csv",
        "BBBUSDT_1m.csv",
    ]
    (tmp_path / "empty").mkdir()
    assert run(["data", "import", "empty", "--data", "data"]) == 2
    assert "holds no .csv" in capsys.readouterr().err
