"""A backtest that runs, as the Test area shows it: growing, cancelled, failed, done; then its checks as they come."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.screens.conftest import Opened, screen_text, until
from tests.support.fake_engine import FakeEngine
from tests.support.fake_results import DAY, NOW_MS
from tradebot.app import TradebotApp
from tradebot.engine.messages import CancelJob, GetAnalysis, GetResult, JobView, RerunResult, RunSoFar
from tradebot.screens.results import ResultsArea
from tradebot.screens.results_panes import Summary
from tradebot.screens.widgets.chart import Chart

START = NOW_MS - 700 * DAY


def look(days: int) -> RunSoFar:
    """A run of 700 days, after so many of them."""
    times = tuple(START + day * DAY for day in range(days))
    equity = tuple(10_000.0 + 3.0 * day for day in range(days))
    return RunSoFar(10_000.0, START, NOW_MS, times, equity, (0.0,) * days, -0.042, 57)


def job_of(engine: FakeEngine) -> JobView:
    return next(job for job in engine.snapshot().jobs if job.kind == "backtest" and job.state == "running")


def change(engine: FakeEngine, job: JobView, **more: Any) -> JobView:
    changed = replace(job, **more)
    engine._jobs[job.job_id] = changed
    return changed


async def running(pilot: Pilot[None], engine: FakeEngine) -> JobView:
    """The open result run again, for so long that it is drawn."""
    await pilot.press("r")
    await until(pilot, lambda: engine.asked(RerunResult))
    await until(pilot, lambda: pilot.app.query_one(ResultsArea).running_job is not None)
    job = job_of(engine)
    engine.now_ms += 500
    await until(pilot, lambda: "x cancels" in screen_text(pilot))
    return job


async def test_running_again_takes_the_result_as_it_ran(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "test") as pilot:
        await running(pilot, engine)
        assert engine.asked(RerunResult) == [RerunResult("bt-0193")]


async def test_a_running_backtest_has_the_layout_of_a_result_and_its_curve_grows(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "test") as pilot:
        job = await running(pilot, engine)
        chart = pilot.app.query_one("#equity", Chart)
        job = change(engine, job, done=30.0, rate=20.0, eta_seconds=72.0, unit="bars", so_far=look(200))
        await until(pilot, lambda: "30%" in screen_text(pilot) and "ETA 1:12" in screen_text(pilot))
        text = screen_text(pilot)
        for part in ("TOTAL RETURN", "▲ 6.0%", "-4.2%", "57", "backtest ema-x · running", "Equity so far"):
            assert part in text
        assert "Its trades are listed when it has ended." in text
        assert "bt-0193" not in text.splitlines()[6]
        drawn, half = chart.drawings, curve_width(text)
        change(engine, job, done=90.0, so_far=look(600))
        await until(pilot, lambda: chart.drawings > drawn)
        assert curve_width(screen_text(pilot)) > 2 * half
        assert "until 20" in screen_text(pilot)


def curve_width(text: str) -> int:
    """How far to the right the braille dots of the equity chart reach."""
    rows = [line[:80].rstrip("│ ┃├┤") for line in text.splitlines()[8:14]]
    return max(
        max((at for at, char in enumerate(row) if "\u2800" < char <= "\u28ff"), default=0) for row in rows
    )


async def test_cancelling_discards_the_run_and_brings_the_result_back(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "test") as pilot:
        job = await running(pilot, engine)
        change(engine, job, done=30.0, so_far=look(200))
        await until(pilot, lambda: "Equity so far" in screen_text(pilot))
        await pilot.press("x")
        await until(pilot, lambda: engine.asked(CancelJob) == [CancelJob(job.job_id)])
        await until(pilot, lambda: "NET PROFIT" in screen_text(pilot))
        text = screen_text(pilot)
        assert "Trades 400" in text and "ema-x · BTCUSDT" in text and "61% of profit" in text
        assert len(pilot.app.query_one("#trades").rows) == 400


async def test_a_short_backtest_shows_nothing_but_its_result(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = FakeEngine()
    async with opened(engine, "test") as pilot:
        monkeypatch.setattr(Summary, "show_progress", lambda *_: pytest.fail("it flickered"))
        await pilot.press("r")
        await until(pilot, lambda: pilot.app.query_one(ResultsArea).running_job is not None)
        job = job_of(engine)
        engine.now_ms += 300
        await pilot.pause(0.3)
        assert "NET PROFIT" in screen_text(pilot)
        engine.add_result("bt-0200", "ema-x", 90)
        change(engine, job, state="done", result_id="bt-0200", sentence="Done.")
        await until(pilot, lambda: "Trades 90" in screen_text(pilot))


async def test_a_failed_backtest_says_why_and_what_to_do_and_the_result_before_stays(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "test") as pilot:
        job = await running(pilot, engine)
        change(engine, job, state="failed", sentence="There are no 5m bars of SOLUSDT to test on.")
        await until(pilot, lambda: "× backtest ema-x failed. There are no 5m bars" in screen_text(pilot))
        text = screen_text(pilot)
        assert "2 Data collects what is missing" in text
        assert "below: the result before" in text
        assert "Trades 400" in text
        await pilot.press("escape")
        await until(pilot, lambda: "NET PROFIT" in screen_text(pilot))


async def test_another_result_can_be_looked_at_while_a_backtest_goes_on(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "test") as pilot:
        job = await running(pilot, engine)
        pilot.app.query_one("#results").focus()
        await pilot.press("down", "enter")
        await until(pilot, lambda: "No trade: cross supported long" in screen_text(pilot))
        change(engine, job, done=60.0, so_far=look(300))
        await pilot.pause(0.3)
        assert "Equity so far" not in screen_text(pilot)
        assert not engine.asked(CancelJob)


async def test_without_any_result_a_backtest_that_runs_already_is_shown(opened: Opened) -> None:
    engine = FakeEngine("empty")
    engine._jobs[3] = JobView(
        3, "backtest", "backtest first", "running", 40.0, 100.0, "bars", so_far=look(90)
    )
    async with opened(engine, "test") as pilot:
        await until(pilot, lambda: pilot.app.query_one(ResultsArea).running_job is not None)
        engine.now_ms += 500
        await until(pilot, lambda: "backtest first · running" in screen_text(pilot))
        change(engine, engine._jobs[3], state="cancelled")
        await until(pilot, lambda: "No backtest yet" in screen_text(pilot))


async def test_the_checks_of_a_result_fill_in_as_they_find_something(opened: Opened) -> None:
    engine = FakeEngine()
    check = JobView(4, "check", "check ema-x", "queued", result_id="bt-0193")
    engine._jobs[4] = check
    async with opened(engine, "test", size=(200, 50)) as pilot:
        await until(pilot, lambda: "its checks wait for other jobs" in screen_text(pilot))
        asked = len(engine.asked(GetAnalysis))
        check = change(engine, check, state="running", done=2.0, total=5.0, sentence="doubled costs")
        await until(pilot, lambda: "3 of 5: doubled costs …" in screen_text(pilot))
        await until(pilot, lambda: len(engine.asked(GetAnalysis)) == asked + 1)
        pane = pilot.app.query_one("#reality")
        marks: set[str] = set()
        await until(pilot, lambda: marks.add(pane._cells(pane.rows[0])[0][0]) or len(marks) > 2)
        change(engine, check, state="done", done=5.0, sentence="2 remarks against it.")
        await until(pilot, lambda: "3 of 5:" not in screen_text(pilot))
        await until(pilot, lambda: len(engine.asked(GetAnalysis)) == asked + 2)
        assert "61% of profit" in screen_text(pilot)


async def test_checks_can_be_given_up_and_the_result_stays(opened: Opened) -> None:
    engine = FakeEngine()
    check = JobView(4, "check", "check ema-x", "running", 1.0, 5.0, result_id="bt-0193", sentence="luck")
    engine._jobs[4] = check
    async with opened(engine, "test") as pilot:
        await until(pilot, lambda: "2 of 5: luck …" in screen_text(pilot))
        await pilot.press("x")
        await until(pilot, lambda: engine.asked(CancelJob) == [CancelJob(4)])
        await until(pilot, lambda: "its checks were given up" in screen_text(pilot))
        assert "NET PROFIT" in screen_text(pilot)


async def test_a_result_that_cannot_be_read_says_so_and_leaves_the_others_to_choose(opened: Opened) -> None:
    engine = FakeEngine()
    sentence = "results/bt-0193/result.json is damaged or was changed by hand; run the backtest again."
    engine.refuse[GetResult] = sentence
    async with opened_unready(engine) as pilot:
        await until(pilot, lambda: "is damaged or was changed by hand" in screen_text(pilot))
        text = screen_text(pilot)
        assert "bt-0193 cannot be shown." in text
        assert "Enter in Runs opens another one" in text
        del engine.refuse[GetResult]
        pilot.app.query_one("#results").focus()
        await pilot.press("down", "enter")
        await until(pilot, lambda: "No trade: cross supported long" in screen_text(pilot))


@asynccontextmanager
async def opened_unready(engine: FakeEngine) -> AsyncIterator[Pilot[None]]:
    """The app at the Test area, before there is any result."""
    async with TradebotApp(engine, start_area="test").run_test(size=(120, 35)) as pilot:
        yield pilot


async def test_checks_that_failed_say_why(opened: Opened) -> None:
    engine = FakeEngine()
    sentence = "The checks could not be written (no room)."
    engine._jobs[4] = JobView(4, "check", "check ema-x", "failed", result_id="bt-0193", sentence=sentence)
    async with opened(engine, "test") as pilot:
        await until(pilot, lambda: "the checks failed" in screen_text(pilot))
        pilot.app.query_one("#reality").focus()
        await pilot.press("home")
        await until(pilot, lambda: pilot.app.query_one("#reality").cursor == 0)
        assert "(no room)" in pilot.app.query_one("#reality-text").plain
