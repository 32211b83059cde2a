"""`tradebot doctor`: each fact is told as it is, what falls short has advice, and nothing of it ends in a traceback."""

from __future__ import annotations

import json
import socket
from collections import namedtuple
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tradebot.cli import run
from tradebot.commands.doctor.check import Check, State, all_well, document_of, text_of
from tradebot.commands.doctor.exchange import ask, skew_check
from tradebot.commands.doctor.folders import data_checks
from tradebot.commands.doctor.machine import (
    key_ring,
    libraries,
    long_paths,
    notifications,
    time_zones,
    within,
)
from tradebot.commands.doctor.terminal import Console, glyphs, terminal_checks
from tradebot.engine.alerts.system_notice import Tool
from tradebot.engine.control.clock import ManualClock
from tradebot.engine.exchange import ExchangeError, FailureKind
from tradebot.engine.store import Store, claim_writer
from tradebot.screens.console import terminal_facts

Usage = namedtuple("Usage", "total used free")
WINDOWS = Console(terminal_facts({"WT_SESSION": "1"}, "win32"), (120, 35), "utf-8", "cp1252")


def named(checks: list[Check], name: str) -> Check:
    return next(each for each in checks if each.name == name)


@pytest.fixture
def nobody() -> str:
    """An address where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


# ---------------------------------------------------------------------------------------------- the command


def test_without_network_and_terminal_it_ends_well_with_a_hint(
    tmp_path: Path, nobody: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRADEBOT_EXCHANGE__URL", nobody)
    assert run(["doctor", "--data", "bars", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    found = {each["name"]: each for each in document["checks"]}
    assert document["ok"] is True
    assert {
        "Python",
        "tradebot",
        "libraries",
        "terminal",
        "settings",
        "data folder",
        "disk",
        "kernels",
    } <= set(found)
    assert found["address"]["state"] == "hint"
    assert "cannot be reached" in found["address"]["advice"]
    assert not (tmp_path / "bars").exists(), "looking must not make a folder"


def test_a_named_exchange_out_of_reach_falls_short(
    tmp_path: Path, nobody: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["doctor", "--data", str(tmp_path), "--url", nobody]) == 1
    page = capsys.readouterr().out
    assert f"  x   address      {nobody} does not answer" in page
    assert "1 thing falls short (x)" in page
    assert "Traceback" not in page
    assert max(len(line) for line in page.splitlines() if line.startswith("   ")) <= 118


def test_wrong_settings_are_told_and_the_rest_is_looked_at(
    tmp_path: Path, nobody: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("[collect]\nsymbls = []\n", encoding="utf-8")
    assert run(["doctor", "--config", str(file), "--data", str(tmp_path), "--url", nobody, "--json"]) == 1
    found = {each["name"]: each for each in json.loads(capsys.readouterr().out)["checks"]}
    assert found["settings"]["state"] == "wrong"
    assert 'collect.symbls is not a setting. Did you mean "collect.symbols"?' in found["settings"]["advice"]
    assert found["writing"]["state"] == "ok"


def test_the_page_says_the_state_by_a_sign_and_the_advice_below() -> None:
    checks = [Check("Machine", "Python", "3.13"), Check("Machine", "disk", "1 GB", State.HINT, "Free some.")]
    lines = text_of(checks).splitlines()
    assert lines[1:4] == ["  ok  Python  3.13", "  !   disk    1 GB", "              Free some."]
    assert all_well(checks)
    assert document_of(checks)["checks"][1]["state"] == "hint"
    assert not all_well([*checks, Check("Machine", "glyphs", "none", State.WRONG)])


# ---------------------------------------------------------------------------------------------- the exchange


class ServerClock:
    """A REST port whose answers take the given round trips, with a clock `ahead_ms` of ours."""

    url = "https://api.bybit.com"

    def __init__(self, clock: ManualClock, ahead_ms: int, trips_ms: tuple[int, ...]) -> None:
        self._clock, self._ahead_ms, self._trips = clock, ahead_ms, list(trips_ms)

    async def get(self, path: str, params: Any) -> dict[str, Any]:
        trip = self._trips.pop(0) / 1000
        await self._clock.advance(trip / 2)
        nano = (self._clock.now_ms() + self._ahead_ms) * 1_000_000
        await self._clock.advance(trip / 2)
        return {"retCode": 0, "result": {"timeNano": str(nano)}}


async def test_the_clock_is_read_from_the_quickest_answer() -> None:
    clock = ManualClock()
    checks = await ask(ServerClock(clock, 1400, (800, 40, 200)), clock, named=False)  # type: ignore[arg-type]  # what it needs
    assert named(checks, "address").value == "https://api.bybit.com answers in 40 ms · mainnet"
    assert named(checks, "clock").value == "1,400 ms behind the exchange"
    assert named(checks, "clock").state is State.HINT


@pytest.mark.parametrize(
    ("offset_ms", "state"),
    [
        (0, State.OK),
        (-500, State.OK),
        (-900, State.HINT),
        (-1001, State.WRONG),
        (5000, State.HINT),
        (5001, State.WRONG),
    ],
)
def test_a_clock_that_signed_requests_would_be_refused_for_falls_short(offset_ms: int, state: State) -> None:
    check = skew_check(offset_ms, "mainnet")
    assert check.state is state
    assert bool(check.advice) is (state is not State.OK)


def test_the_simulated_exchange_may_have_any_clock() -> None:
    assert skew_check(86_400_000, "simulator seed 1").state is State.OK


async def test_an_answer_that_is_none_is_a_sentence() -> None:
    class Broken:
        url = "https://example.org"

        async def get(self, path: str, params: Any) -> dict[str, Any]:
            raise ExchangeError(FailureKind.MALFORMED, "The answer was a web page.")

    (check,) = await ask(Broken(), ManualClock(), named=True)  # type: ignore[arg-type]  # what it needs
    assert (check.state, check.advice) == (State.WRONG, "The answer was a web page.")


# ---------------------------------------------------------------------------------------------- folders


def test_whose_data_it_is_and_who_writes_now(tmp_path: Path) -> None:
    clock = ManualClock()
    store = Store(tmp_path)
    store.claim_source("simulator seed 7")
    assert named(data_checks(tmp_path, clock), "holds").value == "market data of simulator seed 7"
    assert named(data_checks(tmp_path, clock), "writing").state is State.OK
    with claim_writer(tmp_path, "tradebot collect", clock):
        busy = named(data_checks(tmp_path, clock), "writing")
    assert busy.state is State.HINT
    assert busy.value.startswith("in use by tradebot collect (process ")
    assert named(data_checks(tmp_path, clock), "writing").state is State.OK, (
        "looking must not keep the folder"
    )


@pytest.mark.parametrize(
    ("free_megabytes", "state"), [(100_000, State.OK), (4_000, State.HINT), (100, State.WRONG)]
)
def test_the_room_on_the_disk(
    tmp_path: Path, free_megabytes: int, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda folder: Usage(0, 0, free_megabytes * 1024**2))
    assert named(data_checks(tmp_path, ManualClock()), "disk").state is state


def test_alerts_are_counted_and_wrong_ones_are_told(tmp_path: Path) -> None:
    assert "alerts" not in [each.name for each in data_checks(tmp_path, ManualClock())]
    file = tmp_path / "alerts.toml"
    file.write_text('[[alert]]\nname = "gaps"\nwhen = "gap found"\n', encoding="utf-8")
    assert named(data_checks(tmp_path, ManualClock()), "alerts").value == f"1 in {file}"
    file.write_text('[[alert]]\nname = "gaps"\nwhen = "gibberish"\n', encoding="utf-8")
    wrong = named(data_checks(tmp_path, ManualClock()), "alerts")
    assert wrong.state is State.WRONG
    assert "gibberish" in wrong.advice


def test_a_synchronised_folder_is_pointed_out(tmp_path: Path) -> None:
    assert (
        named(data_checks(tmp_path / "OneDrive - Home" / "bars", ManualClock()), "data folder").state
        is State.HINT
    )


# ---------------------------------------------------------------------------------------------- the machine


def test_how_the_system_shows_alerts_is_told() -> None:
    tool = Tool("notify-send", "/usr/bin/notify-send", "linux")
    assert notifications("always", tool).value.startswith("by notify-send, always")
    assert notifications("off", None).state is State.OK
    assert notifications("when away", None).state is State.HINT


def test_missing_and_untested_libraries_are_named() -> None:
    assert libraries(["pytest>=1", "no-such-thing-at-all>=2"]).value == "missing: no-such-thing-at-all"
    untested = libraries(["pytest>=1,<2", "typer"])
    assert untested.state is State.HINT
    assert untested.value.startswith("not of the tested versions: pytest ")
    assert libraries(["pytest>=1", "typer"]).state is State.OK
    assert libraries(None).state is State.HINT


@pytest.mark.parametrize(
    ("installed", "bounds", "kept"),
    [
        ("2.10", ">=2.9,<3", True),
        ("3.0", ">=2.9,<3", False),
        ("3", "<3.0", False),
        ("8.2.8", "==8.2.8", True),
        ("8.2.9", "==8.2.8", False),
        ("2025.2", ">=2025.1", True),
        ("1.0rc1", "", True),
    ],
)
def test_bounds_are_compared_by_their_numbers(installed: str, bounds: str, kept: bool) -> None:
    assert within(installed, bounds) is kept


def test_time_zones_are_there_and_a_lack_of_them_has_advice() -> None:
    assert time_zones().state is State.OK
    lacking = time_zones("Atlantis/Capital")
    assert lacking.state is State.WRONG
    assert "tzdata" in lacking.advice


def test_the_key_ring_is_named_and_never_needed() -> None:
    assert key_ring().state is State.OK


def test_long_paths_matter_on_windows_only_and_only_to_long_folders() -> None:
    short, long = Path("C:/bars"), Path("C:/" + "x" * 200)
    assert long_paths(long, None) == []
    assert [each.state for each in long_paths(short, False) + long_paths(long, True)] == [State.OK, State.OK]
    (check,) = long_paths(long, False)
    assert check.state is State.WRONG
    assert "LongPathsEnabled" in check.advice


# ---------------------------------------------------------------------------------------------- the terminal


def test_windows_terminal_has_nothing_to_complain_about() -> None:
    checks = terminal_checks(WINDOWS)
    assert {each.state for each in checks} == {State.OK}
    assert named(checks, "terminal").value == "Windows Terminal"
    assert named(checks, "colours").value == "16 million"


def test_the_old_console_gets_windows_terminal_recommended() -> None:
    checks = terminal_checks(replace(WINDOWS, facts=terminal_facts({}, "win32")))
    assert named(checks, "terminal").state is State.HINT
    assert "winget install" in named(checks, "terminal").advice


def test_a_window_that_is_too_small_is_a_hint_with_the_size() -> None:
    check = named(terminal_checks(replace(WINDOWS, size=(79, 30))), "size")
    assert (check.value, check.state) == ("79x30", State.HINT)
    assert "80x24" in check.advice


def test_an_encoding_without_our_glyphs_falls_short_and_names_them() -> None:
    check = glyphs(replace(WINDOWS, encoding="cp437"))
    assert check.state is State.WRONG
    assert "half cells" in check.value
    assert "box" in check.value
    assert glyphs(replace(WINDOWS, encoding="no-such-encoding")).state is State.WRONG


@pytest.mark.parametrize(
    ("variables", "colours"),
    [
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, 16_777_216),
        ({"TERM": "xterm-256color"}, 256),
        ({"TERM": "xterm"}, 16),
        ({"TERM": "dumb"}, 1),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, 1),
        ({"WT_SESSION": "x", "TERM": "xterm"}, 16_777_216),
    ],
)
def test_colours_are_told_by_the_terminals_own_variables(variables: dict[str, str], colours: int) -> None:
    facts = terminal_facts(variables, "linux")
    assert facts.colours == colours
    state = named(terminal_checks(replace(WINDOWS, facts=facts)), "colours").state
    assert state is (State.OK if colours >= 256 else State.HINT)


def test_a_program_that_keeps_a_key_is_told_with_the_other_key() -> None:
    check = named(
        terminal_checks(replace(WINDOWS, facts=terminal_facts({"TERM_PROGRAM": "vscode"}, "win32"))), "keys"
    )
    assert check.state is State.HINT
    assert "`:`" in check.advice
