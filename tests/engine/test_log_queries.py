"""What the engine answers about the log: pages, what came since, what was found, advice, the newest kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from tradebot.engine.control.clock import ManualClock
from tradebot.engine.control.errors import InputError
from tradebot.engine.control.logs import LEVELS, LogFiles
from tradebot.engine.control.logs_python import begin_logging, end_logging
from tradebot.engine.log_messages import LOG_LEVELS
from tradebot.engine.log_queries import LogQueries
from tradebot.engine.messages import CancelJob, ExplainRecord, GetLogs, LogAdvice, LogPage, from_json, to_json

START_MS = 1_789_344_000_000


@pytest.fixture
def log(tmp_path: Path) -> LogFiles:
    files = LogFiles(tmp_path, ManualClock(START_MS), level="debug")
    files.write("info", "store", "12 bars were stored")
    files.write("error", "exchange", "Too many visits (10006).", details="linear")
    files.write("debug", "store", "pong")
    return files


def test_a_page_holds_what_fits_and_the_next_only_what_came_since(log: LogFiles) -> None:
    queries = LogQueries(log.folder)
    page = queries.answer(GetLogs(level="info", search="LINEAR"))
    assert [record.sentence for record in page.records] == ["12 bars were stored", "Too many visits (10006)."]
    assert (page.newest, page.total, page.errors, page.matches) == (3, 3, 1, (2,))
    assert page.components == ("exchange", "store")
    log.write("warning", "store", "The disk is full")
    page = queries.answer(GetLogs(after=page.newest, level="info"))
    assert [(record.sequence, record.sentence) for record in page.records] == [(4, "The disk is full")]
    assert queries.answer(GetLogs(after=4)).records == ()
    assert [each.sequence for each in queries.answer(GetLogs(component="exchange")).records] == [2]
    assert queries.answer(GetLogs(since_ms=START_MS + 1)).records == ()
    log.close()


def test_a_record_is_explained_and_one_that_is_gone_is_refused(log: LogFiles) -> None:
    queries = LogQueries(log.folder)
    queries.answer(GetLogs())
    told = queries.answer(ExplainRecord(2))
    assert isinstance(told, LogAdvice)
    assert "exchange.budget_percent" in told.can_do
    with pytest.raises(InputError, match="no record 9 any more"):
        queries.answer(ExplainRecord(9))
    with pytest.raises(InputError, match="no regular expression"):
        queries.answer(GetLogs(search="/(/"))
    assert queries.answer(CancelJob(1)) is None
    log.close()


def test_only_the_newest_are_held_and_keep_their_numbers(tmp_path: Path) -> None:
    log = LogFiles(tmp_path, ManualClock(START_MS))
    queries = LogQueries(tmp_path, capacity=20)
    for number in range(40):
        log.write("error" if number < 5 else "info", "store", f"{number}")
        queries.answer(GetLogs())
    page = queries.answer(GetLogs())
    assert page.newest == 40
    assert page.records[-1].sentence == "39"
    assert page.records[0].sequence == 41 - len(page.records)
    assert 20 <= len(page.records) <= 22
    assert page.errors == 0
    log.close()


def test_that_nothing_can_be_written_is_part_of_the_page(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("in the way", encoding="utf-8")
    log = begin_logging(LogFiles(tmp_path / "logs"))
    log.write("info", "store", "12 bars were stored")
    page = LogQueries(tmp_path / "logs").answer(GetLogs())
    end_logging()
    assert page.problem.startswith("Nothing is logged")


def test_pages_travel_as_json_and_levels_are_the_same_on_both_sides(log: LogFiles) -> None:
    page = LogQueries(log.folder).answer(GetLogs(search="bars"))
    assert isinstance(page, LogPage)
    assert from_json(to_json(page)) == page
    assert from_json(to_json(GetLogs(1, "error"))) == GetLogs(1, "error")
    assert LOG_LEVELS == LEVELS
    log.close()
