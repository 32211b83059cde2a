"""How soon a preview stands on the screen: `python -m pytest tests/bench/bench_preview.py --benchmark-only -n 0 -s`.

Bars: on one symbol-year of 1m the new figures are painted within 400 ms of the last key press (p95, the pause of
150 ms included) while a feed and a collection run; the lag of the screen's loop meanwhile is <= 20 ms (p95). The
exchange is the simulated one in a process of its own, the collection works in another, all on the same cores. Nothing
fails by time.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from textual import events

import tradebot
from tests.bench.pinned import STRATEGY_A, STRATEGY_B
from tradebot.app import TradebotApp
from tradebot.engine.control.folders import find_folders
from tradebot.engine.control.settings import load_settings
from tradebot.engine.engine import Engine, EngineOptions
from tradebot.engine.messages import Collect, EngineSnapshot
from tradebot.engine.simulator import SimulatorSettings
from tradebot.screens.build import BuildArea
from tradebot.screens.build_form import FormPane
from tradebot.screens.build_preview import PreviewPane

EDITS = int(os.environ.get("TRADEBOT_PREVIEW_EDITS", "40"))
KEY_SECONDS = 0.09  # between two keys of a quick typist
APP_FOLDER = Path(tradebot.__file__).parent
REPOSITORY = Path(__file__).resolve().parents[2]


class Watched(TradebotApp):
    """The app, telling when something was painted."""

    CSS_PATH: ClassVar = [APP_FOLDER / str(path) for path in TradebotApp.CSS_PATH]
    painted: Callable[[], None] = staticmethod(lambda: None)

    def _display(self, *args: Any) -> None:
        super()._display(*args)
        self.painted()


@dataclass
class Measured:
    """Seconds from the last key to the painted figures, and how late the loop was."""

    shown_ms: list[float] = field(default_factory=list)
    engine_ms: list[float] = field(default_factory=list)
    lags_ms: list[float] = field(default_factory=list)
    own: bool = False
    """Whether the bench itself has just held the loop up, reading what stands on the screen."""

    def print(self, what: str) -> None:
        shown, engine, lags = (sorted(each) for each in (self.shown_ms, self.engine_ms, self.lags_ms))
        print(
            f"\n{what}: {len(shown)} edits, key to painted figures p50 {statistics.median(shown):.0f} ms, "
            f"p95 {at(shown, 0.95):.0f} ms, worst {shown[-1]:.0f} ms (bar 400 ms); of it the engine p50 "
            f"{statistics.median(engine):.0f} ms, p95 {at(engine, 0.95):.0f} ms; loop lag p50 "
            f"{statistics.median(lags):.1f} ms, p95 {at(lags, 0.95):.1f} ms, p99 {at(lags, 0.99):.1f} ms "
            "(bar 20 / 50 ms)"
        )


def at(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


async def until(found: Callable[[], Any], seconds: float, what: str) -> Any:
    end = time.perf_counter() + seconds
    while not (value := found()):
        assert time.perf_counter() < end, f"waited in vain for {what}"
        await asyncio.sleep(0.01)
    return value


def job_of(app: TradebotApp, number: int) -> Any:
    return next((each for each in app.engine.snapshot().jobs if each.job_id == number), None)


@asynccontextmanager
async def running(folder: Path, strategy: str, busy: bool) -> AsyncIterator[Watched]:
    """The app on a simulated exchange with a symbol-year of minutes, followed; `busy`: a large collection beside."""
    folders = find_folders(REPOSITORY).for_demo(folder)
    (folder / "strategies").mkdir(parents=True, exist_ok=True)
    (folder / "strategies" / "pinned.toml").write_text(strategy, encoding="utf-8")
    options = EngineOptions(
        load_settings(None, {}, {}), folders, mode="demo", simulator=SimulatorSettings(seed=1, symbols=600)
    )
    app = Watched(Engine(options), start_area="data")
    async with app.run_test(size=(120, 35)):
        await until(lambda: app.engine.snapshot().source, 60, "the exchange")
        year = await app.ask(Collect(("BTCUSDT",), ("1m",), "366d", follow=True))
        await until(lambda: (job := job_of(app, year)) is not None and job.state == "done", 120, "the year")
        await until(lambda: app.engine.snapshot().kernels == "ready", 120, "the kernels")
        if busy:
            await app.ask(Collect(("all",), ("1m",), "60d", top=300))
        app.visit("build")
        area = await until(lambda: app.query(BuildArea), 10, "the Build area")
        area.first(BuildArea).open_strategy("pinned")
        pane = await until(lambda: next(iter(app.query(PreviewPane)), None), 10, "the preview")
        await until(lambda: pane._view is not None, 60, "the first preview")
        yield app


async def watch_lag(measured: Measured) -> None:
    while True:
        measured.own = False
        begun = time.perf_counter()
        await asyncio.sleep(0.005)
        if not measured.own:
            measured.lags_ms.append((time.perf_counter() - begun - 0.005) * 1000)


def press(app: TradebotApp, key: str) -> None:
    app.post_message(events.Key(key, key if len(key) == 1 else None))


async def edit(app: Watched, path: str, measured: Measured) -> None:
    """Type other numbers into a field, one after the other, and take the time to their figures."""
    area, pane = app.query_one(BuildArea), app.query_one(PreviewPane)
    assert area.query_one(FormPane).jump(path)
    area.query_one(FormPane).sheet.focus()
    lag = asyncio.create_task(watch_lag(measured))
    for number in range(EDITS):
        digits = f"{11 + number * 7 % 80}"
        for key in ("enter" if number else "", *digits):
            await asyncio.sleep(KEY_SECONDS)
            pressed = time.perf_counter()
            if key:
                press(app, key)
        shown = asyncio.get_running_loop().create_future()

        def painted(digits: str = digits, shown: asyncio.Future[float] = shown) -> None:
            asked = pane._asked
            if shown.done() or asked is None or f"length = {digits}\n" not in asked.toml:
                return
            now, view = time.perf_counter(), pane._view
            if view is not None and view.generation == asked.generation:
                measured.own = True
                if on_screen(app, pane):
                    shown.set_result(now)

        app.painted = painted
        measured.shown_ms.append((await asyncio.wait_for(shown, 20) - pressed) * 1000)
        measured.engine_ms.append(pane._view.took_ms if pane._view is not None else 0.0)
    lag.cancel()


def on_screen(app: TradebotApp, pane: PreviewPane) -> bool:
    """Whether the figures that the pane has stand on the screen."""
    region = pane.query_one("#preview-figures").region
    strips = app.screen._compositor.render_strips()
    text = "\n".join(
        "".join(segment.text for segment in strips[row])[region.x : region.right].rstrip()
        for row in range(region.y, region.bottom)
    )
    return text == pane.query_one("#preview-figures").plain  # type: ignore[attr-defined]  # a LinesView


@pytest.mark.parametrize("strategy", ["A", "B"])
@pytest.mark.parametrize("busy", [False, True], ids=["quiet", "busy"])
def test_key_to_painted_figures(
    benchmark: BenchmarkFixture, tmp_path: Path, strategy: str, busy: bool
) -> None:
    """Numbers typed into a length, on a year of minutes that is followed; busy: while 300 symbols are collected."""
    measured = Measured()

    async def work() -> None:
        async with running(tmp_path, STRATEGY_A if strategy == "A" else STRATEGY_B, busy) as app:
            await edit(app, "indicators.fast.length", measured)
            if busy:
                snapshot: EngineSnapshot = app.engine.snapshot()
                collecting = [
                    job for job in snapshot.jobs if job.kind == "collect" and job.state == "running"
                ]
                print(f"\nstill collecting at the end: {[job.sentence or job.title for job in collecting]}")

    benchmark.pedantic(lambda: asyncio.run(work()), rounds=1)
    measured.print(f"strategy {strategy}, {'busy' if busy else 'quiet'}")
    benchmark.extra_info["key to figures p95, ms"] = at(sorted(measured.shown_ms), 0.95)
