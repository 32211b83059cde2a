"""The engine as a whole, over real sockets: commands in, snapshots out, the same numbers as the command line."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tradebot.cli import run
from tradebot.engine.collect.child import ChildOutcome
from tradebot.engine.collecting import closing_sentence
from tradebot.engine.control.errors import InputError, ShortfallError
from tradebot.engine.control.folders import find_folders
from tradebot.engine.control.settings import load_settings
from tradebot.engine.engine import Engine, EngineOptions
from tradebot.engine.messages import (
    CancelJob,
    CheckData,
    Collect,
    EditForm,
    EngineSnapshot,
    FormEdit,
    GetResult,
    GetTradeBars,
    GetTrades,
    ImportFiles,
    NewStrategy,
    OpenForm,
    RunBacktest,
    SaveStrategy,
    from_json,
    to_json,
)
from tradebot.engine.simulator import SimulatorSettings, SimulatorThread

pytestmark = pytest.mark.sockets
REPOSITORY = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 60.0


def wait_for(found: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (value := found()):
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.02)
    return value


def ended(engine: Engine, job_id: int) -> Any:
    def job() -> Any:
        found = next((each for each in engine.snapshot().jobs if each.job_id == job_id), None)
        return found if found is not None and found.ended_ms is not None else None

    return wait_for(job, f"job {job_id}")


@pytest.fixture(scope="module")
def simulator() -> Iterator[SimulatorThread]:
    with SimulatorThread(SimulatorSettings(symbols=5)) as running:
        yield running


def engine_on(folder: Path, url: str, budget_percent: float = 75.0) -> Engine:
    folders = find_folders(REPOSITORY).for_demo(folder)
    values = {"exchange.url": url, "exchange.budget_percent": budget_percent}
    engine = Engine(EngineOptions(load_settings(None, values, {}), folders))
    engine.start()
    engine.wait_until_ready()
    return engine


@pytest.fixture(scope="module")
def collected(simulator: SimulatorThread, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """An engine that has collected BTCUSDT 1h of a year and follows it."""
    engine = engine_on(tmp_path_factory.mktemp("engine"), simulator.url)
    wait_for(lambda: engine.snapshot().connection.rest == "ok" and engine.snapshot().source, "the exchange")
    job = engine.execute(Collect(("BTCUSDT",), ("1h",), "300d", follow=True)).result(10)
    status = ended(engine, job)
    assert status.state == "done", status.sentence
    yield engine
    engine.stop()


def test_collecting_and_following_shows_in_the_snapshot(collected: Engine) -> None:
    def live() -> Any:
        snapshot = collected.snapshot()
        dataset = next((each for each in snapshot.datasets if each.key == "linear/BTCUSDT_1h"), None)
        return snapshot if dataset is not None and dataset.state == "live" and snapshot.quotes else None

    snapshot = wait_for(live, "a live dataset")
    assert snapshot.source == "simulator seed 1"
    assert snapshot.connection.stream == "ok"
    dataset = snapshot.datasets[0]
    assert dataset.rows in {7199, 7200}
    assert dataset.gaps == 0
    assert {view.kind for view in snapshot.streams} == {"kline", "tickers"}
    assert from_json(to_json(snapshot)) == snapshot
    assert collected.execute(CheckData("linear/BTCUSDT_1h")).result(10).passed


def test_the_snapshot_tells_how_the_engine_itself_is_and_how_the_day_went(collected: Engine) -> None:
    def measured() -> Any:
        snapshot = collected.snapshot()
        health = snapshot.health
        known = health.loop_lag_ms is not None and health.cpu_percent is not None and snapshot.trends
        return snapshot if known else None

    snapshot = wait_for(measured, "the engine's health and a trend")
    health = snapshot.health
    assert 0 <= health.loop_lag_ms < 1000
    assert health.cpu_percent >= 0
    assert 20e6 < health.memory_bytes < 5e9
    states = {each.name: each.state for each in health.services}
    assert {states[name] for name in ("connection", "datasets", "trends", "loop lag", "alerts")} == {
        "running"
    }
    assert {each.name for each in health.queues} == {"jobs", "preview", "requests", "live bars", "files"}
    assert all(each.waiting == 0 for each in health.queues), health.queues
    (trend,) = snapshot.trends
    assert trend.symbol == "BTCUSDT"
    assert len(trend.closes) == 24
    assert None not in trend.closes[:22]


def test_a_backtest_gives_the_app_and_the_command_line_the_same_numbers(
    collected: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    toml = (REPOSITORY / "config" / "strategies" / "ema-trend.toml").read_text(encoding="utf-8")
    status = ended(collected, collected.execute(RunBacktest("ema-trend", toml, end="2d")).result(10))
    assert status.state == "done", status.sentence
    view = collected.execute(GetResult(status.result_id)).result(10)
    folder = collected.snapshot().data_folder
    assert run(["backtest", "ema-trend", "--to", "2d", "--data", folder, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    shown = {metric.name: metric.text for metric in view.metrics}
    assert shown["total_return"] == f"{document['metrics']['total_return'] * 100:+,.1f}%"
    assert view.trade_count == document["metrics"]["trades"] + document["metrics"]["open_trades"]
    ours = (Path(view.folder) / "trades.csv").read_text(encoding="utf-8")
    assert ours == (Path(document["folder"]) / "trades.csv").read_text(encoding="utf-8")

    page = collected.execute(GetTrades(status.result_id, 0, 5)).result(10)
    assert [row.trade_id for row in page.rows] == sorted((row.trade_id for row in page.rows), reverse=True)
    bars = collected.execute(GetTradeBars(status.result_id, page.rows[-1].trade_id, 10)).result(10)
    assert bars.times_ms[0] < bars.trade.entry_ms <= bars.trade.exit_ms
    assert bars.stop is not None


def test_a_strategy_is_built_saved_and_opened_again(collected: Engine) -> None:
    view = collected.execute(NewStrategy()).result(10)
    for edit in (
        FormEdit("add", "indicators", "ema"),
        FormEdit("add", "signals", "cross"),
        FormEdit("set", "signals.cross.b", "ema"),
        FormEdit("set", "entry.signals", "cross"),
    ):
        view = collected.execute(EditForm(view.toml, edit)).result(10)
    assert view.errors == 0, view.problems
    assert "EMA" in view.words or "average" in view.words
    assert collected.execute(SaveStrategy("my-idea", view.toml)).result(10) == "my-idea"
    assert collected.execute(OpenForm("my-idea")).result(10).toml == view.toml
    assert any(
        each.name == "my-idea" and not each.example for each in collected.snapshot().strategies
    ) or wait_for(
        lambda: any(each.name == "my-idea" for each in collected.snapshot().strategies), "the strategy"
    )


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (OpenForm("my-idae"), "There is no strategy my-idae"),
        (SaveStrategy("No Name!", "x = 1"), "cannot name a strategy"),
        (Collect(("BTCUSDT",), ("1min",)), "is not a timeframe"),
        (Collect(("BTCUSDT",), ("1m",), "soon"), "is not a time"),
        (CheckData("nonsense"), "names no dataset"),
        (GetResult("nothing"), "There is no result nothing"),
        (ImportFiles(()), "There is no file to import"),
    ],
)
def test_a_wrong_command_is_refused_with_a_sentence(collected: Engine, command: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        collected.execute(command).result(10)


@pytest.mark.parametrize("bad", ["NOSUCH", "ZZZ*"])
def test_an_unknown_symbol_fails_its_job_and_nothing_else(collected: Engine, bad: str) -> None:
    status = ended(collected, collected.execute(Collect((bad,), ("1m",), "1d")).result(10))
    assert status.state == "failed"
    assert bad in status.sentence
    assert collected.snapshot().connection.rest == "ok"


def test_a_cancelled_collection_keeps_what_it_has_and_the_next_one_continues(
    simulator: SimulatorThread, tmp_path: Path
) -> None:
    engine = engine_on(tmp_path, simulator.url)
    wait_for(lambda: engine.snapshot().source, "the exchange")
    job = engine.execute(Collect(("ETHUSDT",), ("1m",), "2y")).result(10)

    def some() -> Any:
        return any(each.job_id == job and each.done > 5000 for each in engine.snapshot().jobs)

    wait_for(some, "some bars")
    assert engine.execute(CancelJob(job)).result(10) is True
    status = ended(engine, job)
    assert status.state == "cancelled"
    rows = wait_for(lambda: sum(each.rows for each in engine.snapshot().datasets), "stored bars")
    assert rows >= 5000
    started = time.monotonic()
    engine.stop()
    assert time.monotonic() - started < 5


def test_everything_was_there_is_said_only_of_what_is_complete() -> None:
    fell_short = ChildOutcome(False, 0, 0, 1, ("Funding of BTCUSDT: refused.",))
    assert closing_sentence(fell_short) == "No bars were added. Funding of BTCUSDT: refused."
    assert closing_sentence(ChildOutcome(True, 0, 0, 1, ())) == "Everything was there already."
    assert closing_sentence(ChildOutcome(True, 5, 0, 1, ())) == "5 bars added to 1 dataset."


def test_without_an_exchange_the_engine_says_so_and_the_rest_works(tmp_path: Path) -> None:
    engine = engine_on(tmp_path, "http://127.0.0.1:9")
    try:
        snapshot: EngineSnapshot = wait_for(
            lambda: engine.snapshot() if engine.snapshot().connection.rest == "lost" else None, "the refusal"
        )
        assert "cannot be reached" in snapshot.connection.sentence
        assert "tradebot demo" in snapshot.connection.sentence
        with pytest.raises(ShortfallError, match="cannot be reached"):
            engine.execute(Collect(("BTCUSDT",), ("1m",))).result(10)
        assert engine.execute(NewStrategy("BTCUSDT")).result(10).sections
    finally:
        engine.stop()


def test_kernels_that_cannot_be_compiled_are_said_once_and_tried_again_when_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[int] = []

    def fail(processors: int) -> None:
        tried.append(processors)
        raise ShortfallError("The backtest kernel could not be compiled into /cache (no room).")

    monkeypatch.setattr("tradebot.engine.backtest.warm_up.kernels_ready", lambda: False)
    monkeypatch.setattr("tradebot.engine.backtest.warm_up.compile_kernels_in_child", fail)
    monkeypatch.setattr("tradebot.engine.kernels._PAUSES_S", (0.0, 0.0))
    engine = engine_on(tmp_path, "http://127.0.0.1:9")
    try:
        snapshot = wait_for(
            lambda: engine.snapshot() if engine.snapshot().kernels == "failed" else None, "the failure"
        )
        assert len(tried) == 3
        assert "no room" in snapshot.kernels_sentence
        errors = [
            event
            for event in engine.snapshot().events
            if event.source == "kernels" and event.level == "error"
        ]
        assert [event.sentence for event in errors] == [snapshot.kernels_sentence]
        toml = (REPOSITORY / "config" / "strategies" / "ema-trend.toml").read_text(encoding="utf-8")
        job = engine.execute(RunBacktest("ema-trend", toml)).result(10)
        wait_for(lambda: len(tried) == 6, "another try")
        assert ended(engine, job).state == "failed"  # there are no bars
    finally:
        engine.stop()


def test_bars_of_another_market_are_refused_at_the_door(tmp_path: Path) -> None:
    with SimulatorThread(SimulatorSettings(symbols=2, seed=7)) as other:
        (tmp_path / ".source.json").write_text('{"version": 1, "source": "mainnet"}', encoding="utf-8")
        engine = engine_on(tmp_path, other.url)
        try:
            sentence = wait_for(lambda: engine.snapshot().connection.sentence, "the refusal")
            assert "holds bars of mainnet" in sentence
        finally:
            engine.stop()


def test_an_engine_in_another_process_is_driven_by_the_same_messages(
    simulator: SimulatorThread, tmp_path: Path
) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.support.engine_child", str(tmp_path), simulator.url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        cwd=REPOSITORY,
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None

        def ask(line: str) -> str:
            child.stdin.write(line + "\n")
            child.stdin.flush()
            return child.stdout.readline()

        wait_for(lambda: from_json(ask("snapshot")).source, "the exchange in the child")
        job = json.loads(ask(to_json(Collect(("SOLUSDT",), ("1d",), "100d"))))["reply"]
        done = wait_for(
            lambda: next((each for each in from_json(ask("snapshot")).jobs if each.ended_ms), None), "the job"
        )
        assert (done.job_id, done.state) == (job, "done")
        assert "is not a timeframe" in json.loads(ask(to_json(Collect(("SOLUSDT",), ("9m",)))))["refusal"]
        child.stdin.close()
        assert child.wait(10) == 0
    assert (tmp_path / "linear" / "SOLUSDT_1d.csv").read_text(encoding="utf-8").count("\n") in {100, 101}
