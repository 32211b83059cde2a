"""`tradebot sim`: what it serves, and what it refuses in a sentence."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from tradebot.cli import run
from tradebot.engine.simulator import Simulator

pytestmark = pytest.mark.sockets


@contextmanager
def serving(*arguments: str) -> Iterator[dict[str, Any]]:
    """A `tradebot sim --json` of its own; its document."""
    command = [sys.executable, "-m", "tradebot", "sim", "--json", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())
        finally:
            process.kill()


def ask(url: str, body: str | None = None) -> dict[str, Any]:
    request = Request(url, None if body is None else body.encode())  # noqa: S310 - our own loopback address
    with urlopen(request, timeout=5) as reply:  # noqa: S310 - our own loopback address
        document: dict[str, Any] = json.loads(reply.read())
        return document


def test_it_begins_where_it_is_told_runs_as_fast_and_makes_the_faults_of_its_plan(tmp_path: Path) -> None:
    plan, truth = tmp_path / "plan.toml", tmp_path / "truth.jsonl"
    plan.write_text('[[fault]]\nkind = "ret_code"\ncode = 10016\nnth = 2\n', encoding="utf-8")
    options = ["--symbols", "2", "--seed", "5", "--start", "2025-03-12T10:00", "--speed", "50"]
    with serving(*options, "--faults", str(plan), "--truth", str(truth)) as told:
        assert {**told, "url": ""} == {
            "url": "",
            "seed": 5,
            "symbols": 2,
            "speed": 50.0,
            "start": "2025-03-12T10:00:00.000Z",
            "faults": 1,
            "replay": None,
        }
        time = told["url"] + "/v5/market/time"
        assert [ask(time)["retCode"] for _ in range(3)] == [0, 10016, 0]
        assert ask(told["url"] + "/sim/faults", '{"fault": [{"kind": "ret_code", "code": 10000}]}') == {
            "numbers": [2]
        }
        assert ask(time)["retCode"] == 10000
        assert 1_741_773_600_000 < ask(told["url"] + "/sim/state")["time_ms"] < 1_741_773_600_000 + 3_600_000
    events = [json.loads(line)["event"] for line in truth.read_text(encoding="utf-8").splitlines()]
    assert events == ["start", "rule", "fault", "rule", "fault"]


@pytest.fixture
def never_serving(monkeypatch: pytest.MonkeyPatch) -> None:
    """End at once where it would go on for ever."""

    async def stop(simulator: Simulator) -> str:
        raise asyncio.CancelledError

    monkeypatch.setattr(Simulator, "start", stop)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--start", "yesterday"], "--start: 'yesterday' is not a time; write a date (2024-05-01)"),
        (
            ["--faults", "none.toml"],
            "There is no fault plan none.toml; name a TOML or JSON file that exists.",
        ),
        (
            ["--faults", "bad.toml"],
            'bad.toml, line 1, fault 1: there is no kind "rest". Did you mean "reset"?',
        ),
        (["--truth", "."], "The truth log . cannot be written; name a file in a folder of yours."),
    ],
)
@pytest.mark.usefixtures("never_serving")
def test_what_it_refuses_is_said_and_ends_with_2(
    arguments: list[str],
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bad.toml").write_text('[[fault]]\nkind = "rest"\n', encoding="utf-8")
    assert run(["sim", "--symbols", "1", *arguments]) == 2
    assert sentence in capsys.readouterr().err
