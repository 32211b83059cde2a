"""`tradebot logs` shows what was logged: filtered, as text or JSON, and on as it comes."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tradebot.cli import run
from tradebot.engine.control.clock import ManualClock
from tradebot.engine.control.logs import LogEntry, LogFiles
from tradebot.engine.control.logs_advice import advice

START_MS = 1_789_344_000_000  # 2026-09-14, midnight


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    log = LogFiles(tmp_path / "logs", ManualClock(START_MS), level="debug")
    log.write("debug", "feed", "pong after 38 ms")
    log.write("info", "store", "12 bars were stored", details="linear/BTCUSDT_1m\n\x1b[2J")
    log.write("warning", "feed", "The stream was silent for 20.2 s", did="It connects again.")
    log.write("error", "store", "The disk is full")
    log.close()
    return tmp_path / "logs"


def shown(capsys: pytest.CaptureFixture[str], folder: Path, *options: str) -> str:
    assert run(["logs", "--folder", str(folder), *options]) == 0
    return capsys.readouterr().out


def test_a_record_is_a_line_and_below_it_what_we_did_and_what_can_be_done(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    text = shown(capsys, folder, "--level", "info", "--details")
    assert text.splitlines()[:3] == [
        "2026-09-14 00:00:00.000  INFO     store         12 bars were stored",
        "    linear/BTCUSDT_1m",
        "    \\x1b[2J",
    ]
    assert "    we did: It connects again." in text
    assert "    you can: Make room on the disk; tradebot data prune --dry-run tells what could go." in text
    assert "pong" not in text


@pytest.mark.parametrize(
    ("options", "sentences"),
    [
        (["--level", "warning"], ["The stream was silent for 20.2 s", "The disk is full"]),
        (["--component", "FEED"], ["pong after 38 ms", "The stream was silent for 20.2 s"]),
        (["--search", "disk FULL"], ["The disk is full"]),
        (["--search", "/silent FOR|pong/"], ["pong after 38 ms", "The stream was silent for 20.2 s"]),
        (["--since", "2026-09-15"], []),
        (["--since", "2026-09-14", "--last", "1"], ["The disk is full"]),
        (["--last", "2"], ["The stream was silent for 20.2 s", "The disk is full"]),
    ],
)
def test_filters(
    capsys: pytest.CaptureFixture[str], folder: Path, options: list[str], sentences: list[str]
) -> None:
    document = json.loads(shown(capsys, folder, *options, "--json"))
    assert [each["sentence"] for each in document["records"]] == sentences
    assert document["folder"] == str(folder)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--level", "loud"], "The level must be one of debug, info, warning, error, was 'loud'."),
        (["--search", "/(/"], "/(/ is no regular expression"),
        (["--since", "yesterdy"], "--since: "),
        (["--folder", "nowhere"], "There is no folder nowhere"),
    ],
)
def test_refusals(
    capsys: pytest.CaptureFixture[str], folder: Path, options: list[str], sentence: str
) -> None:
    assert run(["logs", "--folder", str(folder), *options]) == 2
    assert capsys.readouterr().err.startswith(sentence)


def test_nothing_logged_is_said(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    assert run(["logs", "--folder", str(folder), "--search", "zebra"]) == 0
    assert "No record in" in capsys.readouterr().err


def test_follow_prints_what_comes_until_ctrl_c(
    capsys: pytest.CaptureFixture[str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = LogFiles(folder, ManualClock(START_MS + 5000))
    looks = 0

    def look(seconds: float) -> None:
        nonlocal looks
        looks += 1
        if looks == 3:
            raise KeyboardInterrupt
        log.write("info", "feed", f"news {looks}")

    monkeypatch.setattr(time, "sleep", look)
    assert run(["logs", "--folder", str(folder), "--follow", "--json", "--search", "news"]) == 130
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["sentence"] for each in records] == ["news 1", "news 2"]
    log.close()


@pytest.mark.parametrize(
    ("component", "sentence", "can_do"),
    [
        ("exchange", "Bybit refused it: 10002, timestamp outside recv_window.", "Turn on the automatic time"),
        ("exchange", "Too many visits (10006).", "lower exchange.budget_percent"),
        ("plugins", "my.py, line 3: it looks ahead.", "Mend the line"),
        ("screens", "A defect of tradebot ended query-1 (KeyError).", "Send the record"),
        ("store", "Something nobody has seen yet.", ""),
    ],
)
def test_what_a_record_leaves_open_the_catalogue_answers(component: str, sentence: str, can_do: str) -> None:
    told = advice(LogEntry(START_MS, "error", component, sentence))
    assert told.happened == sentence
    assert can_do in told.can_do
    assert bool(told.did) is bool(can_do)


def test_what_a_record_says_itself_wins_and_ordinary_ones_need_no_advice() -> None:
    told = advice(LogEntry(0, "warning", "feed", "The stream was lost.", "Wire cut.", "Nothing.", "Mend it."))
    assert (told.happened, told.did, told.can_do) == ("Wire cut.", "Nothing.", "Mend it.")
    assert advice(LogEntry(0, "info", "feed", "The stream is connected.")).did == ""
