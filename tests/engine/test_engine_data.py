"""The engine's verbs on data, over real sockets: repair, unfollow, retry, verify, export, and a second engine."""

from __future__ import annotations

import gzip
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.engine.test_engine import ended, engine_on, wait_for
from tradebot.engine.control.errors import InputError, ShortfallError
from tradebot.engine.engine import Engine
from tradebot.engine.messages import (
    AddAlert,
    ArmAlert,
    BackUp,
    CancelJob,
    Collect,
    EstimateCollect,
    ExportDataset,
    GetMonths,
    GetReport,
    GetSymbols,
    ImportFiles,
    RemoveAlert,
    RepairData,
    RetryJob,
    Unfollow,
    VerifyData,
)
from tradebot.engine.simulator import SimulatorSettings, SimulatorThread

pytestmark = pytest.mark.sockets
KEY = "linear/BTCUSDT_1h"


@pytest.fixture(scope="module")
def simulator() -> Iterator[SimulatorThread]:
    with SimulatorThread(SimulatorSettings(symbols=5)) as running:
        yield running


@pytest.fixture(scope="module")
def engine(simulator: SimulatorThread, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """An engine that holds BTCUSDT 1h of 100 days and follows it."""
    running = engine_on(tmp_path_factory.mktemp("engine"), simulator.url)
    wait_for(lambda: running.snapshot().source, "the exchange")
    status = ended(running, running.execute(Collect(("BTCUSDT",), ("1h",), "100d", follow=True)).result(10))
    assert status.state == "done", status.sentence
    yield running
    running.stop()


def dataset(engine: Engine, key: str) -> Any:
    return next((each for each in engine.snapshot().datasets if each.key == key), None)


def file_of(engine: Engine, key: str) -> Path:
    return Path(engine.snapshot().data_folder) / f"{key}.csv"


def test_a_collection_is_estimated_before_it_starts(engine: Engine) -> None:
    found = engine.execute(EstimateCollect(Collect(("ETHUSDT", "SOLUSDT"), ("1h", "4h"), "100d"))).result(20)
    assert (found.symbols, found.datasets, found.held_bars) == (2, 4, 0)
    assert found.bars in range(2 * (2400 + 600) - 8, 2 * (2400 + 600) + 1)
    assert found.seconds is not None
    assert 0 < found.seconds < 5
    held = engine.execute(EstimateCollect(Collect(("BTCUSDT",), ("1h",), "100d"))).result(20)
    assert held.held_bars in range(2399, 2402)
    assert held.bars <= 1
    marked = engine.execute(EstimateCollect(Collect(("BTCUSDT",), ("1h",), "100d", mark=("1h",)))).result(20)
    assert (marked.datasets, marked.held_bars) == (2, held.held_bars)
    assert marked.bars in range(2399, 2403)  # the mark prices, of which nothing is held
    largest = engine.execute(EstimateCollect(Collect(("all",), ("1d",), "10d", top=2))).result(20)
    assert largest.symbols == 2
    with pytest.raises(InputError, match="NOSUCH"):
        engine.execute(EstimateCollect(Collect(("NOSUCH",), ("1h",)))).result(20)


def test_symbols_come_with_the_largest_turnover_first(engine: Engine) -> None:
    choices = engine.execute(GetSymbols()).result(20)
    turnover = [choice.turnover_24h for choice in choices]
    assert len(choices) == 5
    assert turnover == sorted(turnover, reverse=True)
    with pytest.raises(InputError, match="is not a category"):
        engine.execute(GetSymbols("futures")).result(20)


def test_a_hole_cut_into_the_file_is_shown_exactly_and_repaired(engine: Engine) -> None:
    job = engine.execute(Collect(("ETHUSDT",), ("1h",), "60d")).result(10)
    assert ended(engine, job).state == "done"
    path = file_of(engine, "linear/ETHUSDT_1h")
    whole = path.read_text(encoding="utf-8")
    lines = whole.splitlines(keepends=True)
    path.write_text("".join(lines[:300] + lines[337:]), encoding="utf-8", newline="")
    months = engine.execute(GetMonths("linear/ETHUSDT_1h")).result(10)
    assert [(gap.start_ms, gap.bars, gap.known) for gap in months.gaps] == [
        (int(lines[300].split(",")[0]), 37, False)
    ]
    gap = wait_for(
        lambda: (dataset(engine, "linear/ETHUSDT_1h") or replace(dataset(engine, KEY), gaps=0)).gaps, "it"
    )
    assert gap == 1
    status = ended(engine, engine.execute(RepairData(("linear/ETHUSDT_1h",))).result(10))
    assert status.state == "done", status.sentence
    assert "37 bars added." in status.sentence
    assert status.keys == ("linear/ETHUSDT_1h",)
    assert path.read_text(encoding="utf-8") == whole
    assert engine.execute(GetMonths("linear/ETHUSDT_1h")).result(10).gaps == ()


def test_what_is_not_there_cannot_be_repaired_exported_or_shown(engine: Engine, tmp_path: Path) -> None:
    for command, words in (
        (RepairData(()), "no dataset to repair"),
        (RepairData(("linear/NOPE_1m",)), "no dataset linear/NOPE_1m to repair"),
        (ExportDataset("linear/NOPE_1m", str(tmp_path)), "no dataset linear/NOPE_1m to export"),
        (GetMonths("linear/NOPE_1m"), "holds no bars yet"),
        (VerifyData(()), "no dataset to verify"),
        (GetReport("linear/NOPE_1m"), "has not been checked"),
        (RetryJob(9_999), "no job 9999"),
        (ExportDataset(KEY, ""), "no file to write to"),
        (ExportDataset(KEY, str(tmp_path / "a.txt")), "does not end in .csv"),
        (ExportDataset(KEY, str(tmp_path / "none" / "a.csv")), "does not exist"),
    ):
        with pytest.raises(InputError, match=words):
            engine.execute(command).result(10)


def test_verify_is_a_job_that_leaves_its_report(engine: Engine) -> None:
    status = ended(engine, engine.execute(VerifyData((KEY,))).result(10))
    assert status.state == "done"
    assert "nothing is wrong" in status.sentence
    report = engine.execute(GetReport(KEY)).result(10)
    assert report.passed
    shown = wait_for(lambda: dataset(engine, KEY).verified_ms and dataset(engine, KEY), "the verdict")
    assert (shown.verdict, shown.verified_ms) == ("passed", report.checked_ms)


def test_an_export_is_the_file_itself_and_never_replaces_one(engine: Engine, tmp_path: Path) -> None:
    status = ended(engine, engine.execute(ExportDataset(KEY, str(tmp_path / "btc.csv.gz"))).result(10))
    assert status.state == "done", status.sentence
    assert gzip.decompress((tmp_path / "btc.csv.gz").read_bytes()) == file_of(engine, KEY).read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["btc.csv.gz"]
    with pytest.raises(InputError, match="is there already"):
        engine.execute(ExportDataset(KEY, str(tmp_path / "btc.csv.gz"))).result(10)
    assert ended(engine, engine.execute(ExportDataset(KEY, str(tmp_path))).result(10)).state == "done"
    assert (tmp_path / "linear_BTCUSDT_1h.csv").read_bytes() == file_of(engine, KEY).read_bytes()


def test_a_backup_is_one_archive_that_reads_back(engine: Engine, tmp_path: Path) -> None:
    status = ended(engine, engine.execute(BackUp(str(tmp_path / "all.zip"))).result(10))
    assert status.state == "done", status.sentence
    assert "saved to" in status.sentence
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        assert archive.testzip() is None
        assert any(name.endswith("linear/BTCUSDT_1h.csv") for name in archive.namelist())
    for path, words in ((tmp_path / "all.zip", "is there already"), (tmp_path, "does not name an archive")):
        with pytest.raises(InputError, match=words):
            engine.execute(BackUp(str(path))).result(10)


def test_unfollowing_at_run_time_leaves_the_data_and_ends_the_topic(engine: Engine) -> None:
    status = ended(engine, engine.execute(Collect(("XRPUSDT",), ("1h",), "3d", follow=True)).result(10))
    assert status.state == "done", status.sentence
    key = "linear/XRPUSDT_1h"
    wait_for(lambda: (found := dataset(engine, key)) and found.state == "live", "live bars")
    topics = {view.kind: view.topics for view in engine.snapshot().streams}
    assert engine.execute(Unfollow((key, "linear/ETHUSDT_1h"))).result(10) == 1
    shown = wait_for(
        lambda: (found := dataset(engine, key)) and found.state == "idle" and found, "the end of it"
    )
    assert shown.rows in {71, 72}
    wait_for(
        lambda: (
            {view.kind: view.topics for view in engine.snapshot().streams}["kline"] == topics["kline"] - 1
        ),
        "one topic less",
    )
    assert "XRPUSDT" not in {quote.symbol for quote in engine.snapshot().quotes}


def test_a_killed_child_fails_its_job_and_retry_goes_on_where_it_stopped(
    simulator: SimulatorThread, tmp_path: Path
) -> None:
    # Slowly, so that the child is surely still at work when it is killed.
    engine = engine_on(tmp_path, simulator.url, budget_percent=15.0)
    try:
        wait_for(lambda: engine.snapshot().source, "the exchange")
        job = engine.execute(Collect(("BTCUSDT", "ETHUSDT"), ("1m",), "40d")).result(10)

        def running() -> Any:
            return next(
                (each for each in engine.snapshot().jobs if each.job_id == job and each.done > 20_000), None
            )

        wait_for(running, "some bars")
        children = collecting_children()
        assert children
        for child in children:
            child.kill()
        failed = ended(engine, job)
        assert failed.state == "failed"
        assert "ended early" in failed.sentence
        assert failed.resumable
        assert "safe on disk" in " ".join(failed.details)
        second = engine.execute(RetryJob(job)).result(10)
        status = ended(engine, second)
        assert status.state == "done", status.sentence
        assert status.total < 115_200 - 12_000  # what was stored is not asked for again
        assert [each.job_id for each in engine.snapshot().jobs] == [second]
        with pytest.raises(InputError, match="has ended"):
            engine.execute(RetryJob(second)).result(10)
        assert engine.execute(CancelJob(second)).result(10) is False

        def whole() -> Any:
            found = [each for each in engine.snapshot().datasets if each.rows > 57_000]
            return found if len(found) == 2 else None

        assert [each.gaps for each in wait_for(whole, "all bars of both")] == [0, 0]
    finally:
        engine.stop()


def collecting_children() -> list[psutil.Process]:
    """The collecting children of this process."""
    return [one for one in psutil.Process().children() if "tradebot.engine.collect.child" in one.cmdline()]


def test_a_second_engine_on_the_folder_reads_and_says_why_it_does_not_write(
    engine: Engine, simulator: SimulatorThread, tmp_path: Path
) -> None:
    folder = Path(engine.snapshot().data_folder)
    before = {path: path.stat().st_mtime_ns for path in folder.glob("linear/*.csv")}
    second = engine_on(folder, simulator.url)
    try:
        snapshot = wait_for(lambda: second.snapshot().datasets and second.snapshot(), "the datasets")
        assert "is in use by tradebot (process" in snapshot.read_only
        assert engine.snapshot().read_only == ""
        for command in (
            Collect(("BTCUSDT",), ("1m",), "1d"),
            RepairData((KEY,)),
            ImportFiles((str(tmp_path),)),
            Unfollow((KEY,)),
        ):
            with pytest.raises(ShortfallError, match="is in use by tradebot"):
                second.execute(command).result(10)
        assert ended(second, second.execute(VerifyData((KEY,))).result(10)).state == "done"
        assert ended(second, second.execute(ExportDataset(KEY, str(tmp_path))).result(10)).state == "done"
        assert second.execute(GetMonths(KEY)).result(10).gaps == ()
    finally:
        second.stop()
    assert {path: path.stat().st_mtime_ns for path in folder.glob("linear/*.csv")} == before


def test_alerts_of_a_folder_are_its_file_for_every_engine_on_it(
    engine: Engine, simulator: SimulatorThread
) -> None:
    second = engine_on(Path(engine.snapshot().data_folder), simulator.url)
    try:
        assert second.execute(AddAlert("disk below 1 MB", "room")).result(10).state == "armed"
        wait_for(lambda: [alert.name for alert in engine.snapshot().alerts] == ["room"], "the alert")
        assert engine.execute(ArmAlert("room", armed=False)).result(10).state == "off"
        wait_for(lambda: [alert.state for alert in second.snapshot().alerts] == ["off"], "the switch")
        engine.execute(RemoveAlert("room")).result(10)
        wait_for(lambda: second.snapshot().alerts == (), "the end of it")
    finally:
        second.stop()


def test_the_folder_is_free_again_when_its_engine_has_ended(
    simulator: SimulatorThread, tmp_path: Path
) -> None:
    for _ in range(2):
        engine = engine_on(tmp_path, simulator.url)
        assert engine.snapshot().read_only == ""
        engine.stop()


def test_a_folder_whose_source_cannot_be_told_is_read_and_not_written(
    simulator: SimulatorThread, tmp_path: Path
) -> None:
    (tmp_path / ".source.json").write_text("half a fi", encoding="utf-8")
    engine = engine_on(tmp_path, simulator.url)
    try:
        sentence = wait_for(lambda: engine.snapshot().connection.sentence, "the sentence")
        assert "is damaged, expected JSON that names the source of the bars" in sentence
        assert engine.snapshot().source == ""
        with pytest.raises(ShortfallError, match="is damaged"):
            engine.execute(Collect(("BTCUSDT",), ("1m",), "1d")).result(10)
    finally:
        engine.stop()
