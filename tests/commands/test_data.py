"""`tradebot data`: the commands on real files, in text and as JSON, with their exit codes."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tradebot.cli import run
from tradebot.engine.control.clock import SystemClock
from tradebot.engine.market import DatasetKey
from tradebot.engine.simulator import SimulatorSettings, SimulatorThread
from tradebot.engine.store import Store, claim_writer

pytestmark = pytest.mark.sockets
HEADER = "timestamp,open,high,low,close,volume,turnover\n"
START_MS = 1_704_067_200_000
Ask = Callable[..., tuple[int, Any]]
Say = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def simulator() -> Iterator[SimulatorThread]:
    with SimulatorThread(SimulatorSettings(symbols=3)) as running:
        yield running


@pytest.fixture
def say(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Say:
    """Run a data command on a folder of its own; exit code, standard output and standard error."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> tuple[int, str, str]:
        code = run([*arguments, "--data", str(tmp_path / "data")])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


@pytest.fixture
def ask(say: Say) -> Ask:
    """The same with --json: exit code and document."""

    def call(*arguments: str) -> tuple[int, Any]:
        code, out, _ = say(*arguments, "--json")
        return code, json.loads(out) if out else None

    return call


def row(minute: int, price: float = 100.0) -> str:
    return f"{START_MS + minute * 60_000},{price},{price + 1},{price - 1},{price},1,{price}\n"


def put(folder: Path, name: str, *rows: str) -> Path:
    path = folder / "data" / "linear" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HEADER + "".join(rows), encoding="utf-8", newline="")
    return path


# -- list and check


def test_a_list_says_what_the_last_check_found_and_that_a_file_changed_since(
    say: Say, ask: Ask, tmp_path: Path
) -> None:
    path = put(tmp_path, "BTCUSDT_1m.csv", row(0), row(1, 0.5), row(2))
    code, out, _ = say("data", "list")
    assert (code, out.split("  ")[-1].strip()) == (0, "0 gaps; not checked")
    code, out, _ = say("data", "check")
    assert code == 1 and "FAILED" in out and "Line 3 has a price that is not above 0" in out
    code, out, _ = say("data", "list")
    assert "0 gaps; FAILED: Line 3 has a price that is not above 0" in out
    put(tmp_path, "BTCUSDT_1m.csv", row(0), row(1), row(2))
    os.utime(path, (1, 1))
    code, listed = ask("data", "list")
    assert listed["datasets"][0]["check"] == {
        "state": "failed",
        "sentence": "Line 3 has a price that is not above 0.",
        "changed": True,
    }
    assert say("data", "check")[0] == 0
    assert "0 gaps; sound" in say("data", "list")[1]


@pytest.mark.parametrize("command", ["list", "check", "holes"])
def test_a_damaged_file_of_holes_is_put_aside_and_the_command_works_on(
    say: Say, tmp_path: Path, command: str
) -> None:
    put(tmp_path, "BTCUSDT_1m.csv", row(0), row(1))
    holes = tmp_path / "data" / "linear" / "holes.json"
    holes.write_text("{torn", encoding="utf-8", newline="")
    code, out, err = say("data", command)
    assert code == 0
    assert ("BTCUSDT_1m" in out) == (command != "holes")
    assert err.count("holes.json.damaged") == 1
    assert (tmp_path / "data" / "linear" / "holes.json.damaged").read_text() == "{torn"
    code, _, err = say("data", command)
    assert (code, err) == (0, "")


@pytest.mark.parametrize("command", ["list", "check"])
def test_a_damaged_note_of_the_source_does_not_stop_looking(say: Say, tmp_path: Path, command: str) -> None:
    put(tmp_path, "BTCUSDT_1m.csv", row(0), row(1))
    note = tmp_path / "data" / ".source.json"
    note.write_text("{torn", encoding="utf-8", newline="")
    code, out, _ = say("data", command)
    assert code == 0
    assert "BTCUSDT_1m" in out
    assert note.read_text() == "{torn"


def test_holes_of_the_exchange_are_told_apart_from_gaps_and_can_be_forgotten(
    say: Say, ask: Ask, tmp_path: Path
) -> None:
    put(tmp_path, "BTCUSDT_1m.csv", row(0), row(5), row(9))
    key = DatasetKey("linear", "BTCUSDT", "1m")
    store = Store(tmp_path / "data")
    store.remember_holes(key, [(START_MS + 60_000, START_MS + 300_000)], START_MS + 86_400_000)
    code, checked = ask("data", "check", "BTCUSDT_1m")
    kinds = {each["kind"]: (each["level"], each["count"]) for each in checked["datasets"][0]["findings"]}
    assert (code, kinds["gap"], kinds["hole"]) == (1, ("failure", 3), ("info", 4))
    assert "1 gap, 1 hole of the exchange; FAILED" in say("data", "list")[1]
    code, out, _ = say("data", "holes")
    assert out == (
        "linear/BTCUSDT_1m: 4 bars in 1 hole\n  2024-01-01 00:01 to 2024-01-01 00:05, seen on 2024-01-02\n"
    )
    code, document = ask("data", "holes", "BTC*", "--forget")
    assert (code, document["forgotten"], len(document["datasets"])) == (0, True, 1)
    assert Store(tmp_path / "data").holes(key) == ()
    assert say("data", "holes")[1].startswith("The exchange is not known to lack any bars")


def test_a_report_shows_the_longest_gaps_and_all_of_them_when_asked(say: Say, tmp_path: Path) -> None:
    minutes = [0]
    for gap in range(1, 9):
        minutes.append(minutes[-1] + gap)
    put(tmp_path, "BTCUSDT_1m.csv", *(row(minute) for minute in minutes))
    put(tmp_path, "ETHUSDT_1m.csv", row(0), row(1))
    code, out, err = say("data", "check")
    assert code == 1
    lines = out.splitlines()
    assert lines[0].startswith("linear/BTCUSDT_1m: FAILED, 9 bars, "), "failed datasets come first"
    assert lines[1] == (
        "  failure  28 bars are missing in 7 gaps, the longest from 2024-01-01 00:29 to 2024-01-01 00:36."
    )
    assert lines[2:6] == [
        "             2024-01-01 00:29 to 2024-01-01 00:36",
        "             2024-01-01 00:22 to 2024-01-01 00:28",
        "             2024-01-01 00:16 to 2024-01-01 00:21",
        "             and 4 more (--all lists them)",
    ]
    assert lines[-1] == "2 datasets: 1 failed, 0 with warnings, 1 sound."
    assert "check" in err and "of 2 datasets" in err
    assert len(say("data", "check", "--all", "BTC*")[1].splitlines()) == 10


def test_of_many_datasets_those_that_are_sound_are_counted(say: Say, tmp_path: Path) -> None:
    for number in range(21):
        put(tmp_path, f"A{number}USDT_1m.csv", row(0), row(1))
    put(tmp_path, "BTCUSDT_1m.csv", row(0), row(2))
    code, out, _ = say("data", "check")
    assert (code, len(out.splitlines()), out.splitlines()[0][:26]) == (1, 4, "linear/BTCUSDT_1m: FAILED,")
    assert "22 datasets: 1 failed, 0 with warnings, 21 sound (--all shows these too)." in out
    assert out.count(": sound,") == 0 and say("data", "check", "--all")[1].count(": sound,") == 21


def test_mark_prices_and_payments_are_listed_and_checked(say: Say, ask: Ask, tmp_path: Path) -> None:
    put(tmp_path, "BTCUSDT_1m.csv", *(row(minute) for minute in range(3)))
    mark = tmp_path / "data" / "linear" / "BTCUSDT_1m_mark.csv"
    mark.write_text(f"timestamp,open,high,low,close\n{START_MS},100,101,99,150\n", encoding="utf-8")
    payments = tmp_path / "data" / "linear" / "BTCUSDT_funding.csv"
    payments.write_text(f"timestamp,funding_rate\n{START_MS},0.0001\n", encoding="utf-8")
    code, out, _ = say("data", "list")
    assert [line.split()[0] for line in out.splitlines()] == [
        "linear/BTCUSDT_1m",
        "linear/BTCUSDT_1m_mark",
        "linear/BTCUSDT_funding",
    ]
    code, checked = ask("data", "check", "BTCUSDT_1m_mark", "BTCUSDT_funding")
    assert code == 1
    assert {each["dataset"]: each["failed"] for each in checked["datasets"]} == {
        "linear/BTCUSDT_1m_mark": True,
        "linear/BTCUSDT_funding": False,
    }
    assert "payments; sound" in say("data", "list")[1]


# -- import


def test_a_folder_of_many_files_is_one_sentence_for_each_dataset(say: Say, ask: Ask, tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    folder.mkdir()
    for day in range(12):
        text = f"{START_MS + day * 86_400_000},100,101,99,100,1,0,100,1,1,1,0\n"
        (folder / f"BTCUSDT-1d-{day:02d}.csv").write_text(text, encoding="utf-8")
    code, out, err = say("data", "import", "archive")
    assert (code, out.splitlines()[0]) == (
        0,
        "12 files to linear/BTCUSDT_1d: 12 rows added; 2024-01-01 00:00 to 2024-01-12 00:00 UTC.",
    )
    assert "import" in err
    assert (
        Store(tmp_path / "data").missing(
            DatasetKey("linear", "BTCUSDT", "1d"), START_MS, START_MS + 12 * 86_400_000
        )
        == []
    )
    code, document = ask("data", "import", "archive")
    assert sum(each["rows_existing"] for each in document["imports"]) == 12


def test_a_second_writer_is_refused_with_who_the_first_one_is(say: Say, tmp_path: Path) -> None:
    file = tmp_path / "BTCUSDT_1m.csv"
    file.write_text(HEADER + row(0) + row(1), encoding="utf-8")
    with claim_writer(tmp_path / "data", "tradebot collect", SystemClock()):
        code, _, err = say("data", "import", str(file))
        assert code == 1
        assert f"is in use by tradebot collect (process {os.getpid()})" in err
        assert say("data", "list")[0] == 0
    assert say("data", "import", str(file))[0] == 0


# -- backup, restore, prune


def test_a_backup_brings_everything_back(say: Say, ask: Ask, tmp_path: Path) -> None:
    path = put(tmp_path, "BTCUSDT_1m.csv", *(row(minute) for minute in range(50)))
    before = path.read_bytes()
    code, out, _ = say("data", "backup", "save.zip")
    assert (code, out.startswith("1 file with 50 rows saved to")) == (0, True)
    code, _, err = say("data", "backup", "save.zip")
    assert (code, "exists already and is not overwritten" in err) == (2, True)
    code, document = ask("data", "backup")
    assert code == 0 and Path(document["archive"]).name.startswith("tradebot-data-20")
    path.write_text(HEADER + row(0), encoding="utf-8", newline="")
    code, _, err = say("data", "restore", "save.zip")
    assert code == 2 and "BTCUSDT_1m.csv" in err
    code, document = ask("data", "restore", "save.zip", "--replace")
    assert (code, document["restored"], document["rows"]) == (0, 1, 50)
    assert path.read_bytes() == before
    code, out, _ = say("data", "restore", "save.zip")
    assert code == 0 and "1 file stood there already" in out


def test_pruning_keeps_what_the_settings_say(say: Say, ask: Ask, tmp_path: Path) -> None:
    now_ms = SystemClock().now_ms()
    minute = now_ms // 60_000 * 60_000
    rows = [f"{minute - age * 60_000},1,2,0.5,1,1,1\n" for age in range(10_000, 0, -1000)]
    path = put(tmp_path, "BTCUSDT_1m.csv", *rows)
    assert say("data", "prune")[0] == 2
    settings = tmp_path / "keep.toml"
    settings.write_text('[retention]\nage = { "1m" = "3d" }\n', encoding="utf-8")
    config = ("--config", str(settings))
    code, out, _ = say("data", "prune", "--dry-run", *config)
    assert (code, "6 rows would be cut from 1 file" in out) == (0, True)
    assert len(path.read_text(encoding="utf-8").splitlines()) == 11
    code, document = ask("data", "prune", *config)
    assert (code, document["rows"], document["failures"]) == (0, 6, [])
    assert len(path.read_text(encoding="utf-8").splitlines()) == 5


def test_compacting_drops_doubled_rows_and_touches_nothing_else(say: Say, ask: Ask, tmp_path: Path) -> None:
    path = put(tmp_path, "BTCUSDT_1m.csv", row(0), row(1), row(1), row(2))
    whole = put(tmp_path, "ETHUSDT_1m.csv", row(0), row(1))
    before = whole.stat().st_mtime_ns
    code, document = ask("data", "compact")
    assert (code, document["rows_removed"], document["rewritten"]) == (0, 1, ["linear/BTCUSDT_1m.csv"])
    assert path.read_text(encoding="utf-8") == HEADER + row(0) + row(1) + row(2)
    assert whole.stat().st_mtime_ns == before
    assert "Everything is in order" in say("data", "compact", "BTC*")[1]


# -- repair


def test_repair_moves_bad_rows_and_fetches_what_is_missing(
    say: Say, ask: Ask, simulator: SimulatorThread, tmp_path: Path
) -> None:
    url = ("--url", simulator.url)
    options = ("--symbols", "BTCUSDT", "--timeframes", "1h", "--since", "10d")
    assert say("collect", *options, *url)[0] == 0
    path = tmp_path / "data" / "linear" / "BTCUSDT_1h.csv"
    whole = path.read_text(encoding="utf-8")
    lines = whole.splitlines(keepends=True)
    broken = lines[50].split(",")
    broken[2] = "0.1"
    path.write_text("".join([*lines[:20], *lines[30:50], ",".join(broken), *lines[51:]]), encoding="utf-8")
    code, _ = ask("data", "check", "BTCUSDT_1h")
    assert code == 1
    code, document = ask("data", "repair", "BTCUSDT_1h", *url)
    assert (code, document["complete"]) == (0, True)
    assert (document["rows_moved"], document["bars_added"]) == (1, 11)
    assert path.read_text(encoding="utf-8") == whole
    assert ",".join(broken) in (path.with_name(path.name + ".quarantine")).read_text(encoding="utf-8")
    assert say("data", "check", "BTCUSDT_1h")[0] == 0
    code, out, _ = say("data", "repair", *url)
    assert (code, out) == (0, "linear/BTCUSDT_1h: nothing to repair.\n")
    code, out, _ = say("data", "repair", "--verify", "all", *url)
    assert code == 0 and "compared with the exchange, all equal" in out
