"""Log files: records, cutting and deleting, reading while others write, Python's logging, crash reports."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tradebot.cli import run
from tradebot.engine.control.clock import ManualClock
from tradebot.engine.control.crash import log_thread_failures, report_crash
from tradebot.engine.control.events import EventLog, Level
from tradebot.engine.control.folders import find_folders
from tradebot.engine.control.logs import LogEntry, LogFiles, from_line, log_files, to_line
from tradebot.engine.control.logs_python import begin_logging, choose_level, current_log, end_logging, set_log
from tradebot.engine.control.logs_reading import LogReader
from tradebot.engine.control.services import Supervisor

START_MS = 1_789_344_000_000  # 2026-09-14, midnight
SENTENCE = "12 bars were stored"


@pytest.fixture
def log(tmp_path: Path) -> Iterator[LogFiles]:
    yield begin_logging(LogFiles(tmp_path / "logs", ManualClock(START_MS)))
    end_logging()


def lines(log: LogFiles) -> list[dict[str, object]]:
    return [
        json.loads(line)
        for _, _, path in log_files(log.folder)
        for line in path.read_text("utf-8").splitlines()
    ]


def test_a_record_is_one_line_of_json_with_what_was_said_and_nothing_empty(log: LogFiles) -> None:
    log.write("warning", "store", SENTENCE, did="They wait.\nSafely.")
    assert [path.name for _, _, path in log_files(log.folder)] == ["tradebot-2026-09-14.jsonl"]
    assert lines(log) == [
        {
            "time": START_MS,
            "level": "warning",
            "component": "store",
            "sentence": SENTENCE,
            "did": "They wait.\nSafely.",
        }
    ]


def test_a_record_survives_the_way_to_disk_and_back() -> None:
    entry = LogEntry(START_MS, "error", "feed", 'Ümläut, "quotes", 数', "a", "b", "c", "d\ne")
    assert from_line(to_line(entry)) == entry


@pytest.mark.parametrize(
    "line", [b"", b"{", b"[1]", b'{"time":1}', b'{"time":"x","level":"info"}', b'{"time":1,"level":"loud"}']
)
def test_what_is_no_record_is_passed_over(line: bytes) -> None:
    assert from_line(line) is None


def test_nothing_is_made_on_disk_before_something_is_logged_and_less_than_the_level_is_not(
    tmp_path: Path,
) -> None:
    log = LogFiles(tmp_path / "logs", ManualClock(), level="warning")
    log.write("info", "store", SENTENCE)
    assert not (tmp_path / "logs").exists()
    log.write("error", "store", SENTENCE)
    log.close()
    assert len(lines(log)) == 1


def test_files_are_cut_by_size_by_day_and_the_oldest_go(tmp_path: Path) -> None:
    clock = ManualClock(START_MS)
    log = LogFiles(tmp_path, clock, file_bytes=1000, keep_bytes=3000)
    for number in range(60):
        log.write("info", "store", f"{number:03} {SENTENCE}")
    clock._elapsed = 86_400.0
    log.write("info", "store", "the next day")
    log.close()
    files = [path for _, _, path in log_files(tmp_path)]
    assert all(path.stat().st_size <= 1000 for path in files)
    assert sum(path.stat().st_size for path in files) <= 4000  # one more may have grown since the last look
    assert files[-1].name == "tradebot-2026-09-15.jsonl"
    kept = [str(each["sentence"]) for each in lines(log)]
    assert kept[-2:] == [f"059 {SENTENCE}", "the next day"]
    assert kept[0] != f"000 {SENTENCE}"


def test_a_second_process_goes_on_in_the_same_file_and_both_are_read_in_order(tmp_path: Path) -> None:
    clock = ManualClock(START_MS)
    one, two = LogFiles(tmp_path, clock), LogFiles(tmp_path, clock)
    reader = LogReader(tmp_path)
    one.write("info", "a", "first")
    two.write("info", "b", "second")
    assert [entry.sentence for entry in reader.poll()] == ["first", "second"]
    assert reader.poll() == []
    one.write("info", "a", "third")
    assert [entry.sentence for entry in reader.poll()] == ["third"]
    one.close()
    two.close()


def test_a_line_that_is_being_written_is_read_once_it_is_whole(tmp_path: Path) -> None:
    reader, file = LogReader(tmp_path), tmp_path / "tradebot-2026-09-14.jsonl"
    line = to_line(LogEntry(START_MS, "info", "a", "whole"))
    file.write_bytes(b"no record\n" + line + line[:20])
    assert len(reader.poll()) == 1
    assert reader.unreadable == 1
    file.write_bytes(b"no record\n" + line + line)
    assert [entry.sentence for entry in reader.poll()] == ["whole"]


def test_only_the_newest_records_are_read_where_there_are_many(tmp_path: Path) -> None:
    log = LogFiles(tmp_path, ManualClock(START_MS), file_bytes=1000)
    for number in range(100):
        log.write("info", "store", f"{number:03}")
    log.close()
    assert [entry.sentence for entry in LogReader(tmp_path, capacity=5).poll()] == [
        f"{n:03}" for n in range(95, 100)
    ]


def test_a_folder_that_takes_nothing_never_ends_the_work_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file in the way", encoding="utf-8")
    log = LogFiles(tmp_path / "logs", ManualClock())
    log.write("info", "store", SENTENCE)
    assert log.problem.startswith(f"Nothing is logged: {tmp_path / 'logs'} cannot be written")
    assert log.recent()[0].sentence == SENTENCE
    (tmp_path / "logs").unlink()
    log.write("info", "store", SENTENCE)
    assert log.problem == ""


def test_log_files_are_for_their_owner_only(log: LogFiles) -> None:
    log.write("info", "store", SENTENCE)
    path = log_files(log.folder)[0][2]
    assert path.stat().st_mode & 0o077 == 0 or path.drive  # Windows has no such bits


def test_events_and_what_libraries_log_flow_into_the_files(log: LogFiles) -> None:
    EventLog(ManualClock()).add(Level.WARNING, "kernels", "It failed.", did="It starts again.")
    logging.getLogger("urllib3.connectionpool").warning("Retrying %s", "once")
    try:
        raise KeyError("x")
    except KeyError:
        logging.getLogger("tradebot.screens").exception("That did not work.")
    events, library, ours = lines(log)
    assert (events["component"], events["did"]) == ("kernels", "It starts again.")
    assert (library["level"], library["sentence"]) == ("warning", "Retrying once")
    assert ours["component"] == "screens"
    assert "KeyError: 'x'" in str(ours["details"])


async def test_a_service_that_fails_says_what_happened_and_what_is_done_about_it(log: LogFiles) -> None:
    clock = ManualClock()
    supervisor = Supervisor(clock, EventLog(clock))

    async def broken() -> None:
        raise ZeroDivisionError("nothing to divide")

    supervisor.start("listing", broken)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await supervisor.stop()
    entry = lines(log)[0]
    assert str(entry["happened"]).startswith("A defect of tradebot stopped it (ZeroDivisionError")
    assert entry["did"] == "The service is started again in 1 s; the others go on."
    assert "in broken" in str(entry["details"])


def test_the_command_line_wins_over_the_settings_about_the_level(log: LogFiles, tmp_path: Path) -> None:
    set_log(tmp_path / "other", "error", 7)
    assert (log.level, log.keep_bytes, log.folder.name) == ("error", 7_000_000, "other")
    choose_level("debug")
    set_log(tmp_path / "other", "error", 7)
    assert log.level == "debug"
    assert logging.getLogger().level == logging.DEBUG
    assert logging.getLogger("numba").level == logging.WARNING


def test_logging_leaves_nothing_behind_in_the_process() -> None:
    before = logging.getLogger().level, list(logging.getLogger().handlers)
    begin_logging(LogFiles(level="debug"))
    end_logging()
    assert (logging.getLogger().level, list(logging.getLogger().handlers)) == before
    assert current_log() is None


def test_the_demo_logs_into_its_own_folder(tmp_path: Path) -> None:
    folders = find_folders(tmp_path, tmp_path / "data")
    assert folders.for_demo(None).logs == tmp_path / "data" / "demo" / "logs"
    assert tmp_path not in folders.logs.parents


# ---------------------------------------------------------------------------------------------- crash reports


def test_a_crash_is_a_report_in_a_file_and_a_sentence_that_names_it(log: LogFiles) -> None:
    log.write("info", "store", SENTENCE)
    try:
        raise RuntimeError("the shelf broke")
    except RuntimeError as error:
        sentence = report_crash(error, log, ["collect", "--since", "3d"], ManualClock(START_MS))
    file = log.folder / "crash-2026-09-14-000000.txt"
    assert str(file) in sentence
    assert "(RuntimeError: the shelf broke)" in sentence
    report = file.read_text(encoding="utf-8")
    for part in ("tradebot collect --since 3d", "test_logs.py", "the shelf broke", SENTENCE, "textual 8"):
        assert part in report
    assert file.stat().st_mode & 0o077 == 0 or file.drive
    assert lines(log)[-1]["component"] == "crash"


def test_a_crash_that_cannot_be_written_down_is_still_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("in the way", encoding="utf-8")
    sentence = report_crash(ValueError("x"), LogFiles(tmp_path / "logs"))
    assert "Its report could not be written" in sentence


def test_a_command_that_crashes_ends_with_the_sentence_and_1(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tradebot.commands.strategy.open_context", lambda *_: 1 / 0)
    assert run(["strategy", "list"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("A defect of tradebot ended it (ZeroDivisionError: division by zero)")
    assert "Traceback" not in said


def test_what_fails_in_a_thread_goes_to_the_log_instead_of_over_the_screen(
    log: LogFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise OSError("wire cut")

    with log_thread_failures():
        thread = threading.Thread(target=fail, name="query-1")
        thread.start()
        thread.join()
    assert "query-1" in str(lines(log)[0]["sentence"])
    assert "wire cut" in str(lines(log)[0]["details"])
    assert capsys.readouterr().err == ""


def test_the_level_is_understood_behind_any_command_and_a_wrong_one_is_a_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["strategy", "list", "--log-level", "debug"]) == 0
    assert run(["strategy", "list", "--log-level=loud"]) == 2
    assert (
        "--log-level must be one of 'debug', 'info', 'warning', 'error', was 'loud'"
        in capsys.readouterr().err
    )
