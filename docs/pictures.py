"""Takes the README's pictures from the real app on the simulated exchange: `python docs/pictures.py`.

120 x 35 cells, the dark theme, one SVG for each area; the same seed gives the same market. The fonts are those of the
reader's machine: every text carries its own width, so that columns stay columns.
"""

from __future__ import annotations

import asyncio
import re
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import tradebot
from tradebot.app import TradebotApp
from tradebot.engine.control.folders import find_folders
from tradebot.engine.control.settings import load_settings
from tradebot.engine.engine import Engine, EngineOptions
from tradebot.engine.messages import Collect
from tradebot.engine.simulator import SimulatorSettings
from tradebot.screens.build import BuildArea
from tradebot.screens.build_preview import PreviewPane
from tradebot.screens.chart import ChartArea

HERE = Path(__file__).resolve().parent
SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
FONTS = '"Cascadia Mono", Consolas, Menlo, "DejaVu Sans Mono", monospace'


class Pictured(TradebotApp):
    """The app with its style sheets found from anywhere."""

    CSS_PATH = [Path(tradebot.__file__).parent / str(path) for path in TradebotApp.CSS_PATH]  # noqa: RUF012 - Textual's own type


async def until(found: Callable[[], Any], what: str, seconds: float = 180.0) -> None:
    """Wait for something to be there."""
    end = time.monotonic() + seconds
    while not found():
        if time.monotonic() > end:
            sys.exit(f"Waited in vain for {what}.")
        await asyncio.sleep(0.1)


def save(app: TradebotApp, name: str) -> None:
    """Write what is on the screen; fonts are not fetched from anywhere."""
    svg = re.sub(r"@font-face\s*\{.*?\}\s*", "", app.export_screenshot(title="tradebot"), flags=re.DOTALL)
    svg = re.sub(r"font-family: [^;]*;", f"font-family: {FONTS};", svg)
    (HERE / f"{name}.svg").write_text(svg, encoding="utf-8", newline="\n")
    sys.stdout.write(f"{name}.svg\n")


async def take(folder: Path) -> None:
    """Run the demo, walk through its areas, and save each."""
    options = EngineOptions(
        load_settings(None, {}, {}),
        find_folders(HERE.parent).for_demo(folder, 1),
        mode="demo",
        simulator=SimulatorSettings(seed=1),
        start_with=(
            Collect(SYMBOLS, ("1h",), "365d", follow=True),
            Collect(SYMBOLS, ("1m", "15m"), "14d", follow=True),
        ),
        watched=SYMBOLS,
        first_backtest="ema-trend",
    )
    app = Pictured(Engine(options))
    async with app.run_test(size=(120, 35)) as pilot:
        await until(lambda: app.latest.results, "the first backtest")
        await until(lambda: not any(job.state == "running" for job in app.latest.jobs), "the jobs")
        app.clear_notifications()
        for key, name, settle in AREAS:
            await pilot.press(key)
            await settle(app)
            app.clear_notifications()
            await pilot.pause(2.0)
            save(app, name)


async def _data(app: TradebotApp) -> None:
    await until(lambda: app.query("#datasets"), "the datasets")


async def _chart(app: TradebotApp) -> None:
    await until(lambda: app.query(ChartArea), "the chart")


async def _build(app: TradebotApp) -> None:
    await until(lambda: app.query(BuildArea), "the Build area")
    app.query_one(BuildArea).open_strategy("ema-trend")
    await until(lambda: app.query(PreviewPane) and app.query_one(PreviewPane)._view, "the preview", 90)


async def _test(app: TradebotApp) -> None:
    await until(lambda: app.query("#trades"), "the result")


async def _dashboard(app: TradebotApp) -> None:
    await until(lambda: app.latest.trends, "the last day of the symbols")


async def _anything(app: TradebotApp) -> None:
    await until(lambda: app.focused is not None, "a pane")


AREAS: tuple[tuple[str, str, Callable[[TradebotApp], Awaitable[None]]], ...] = (
    ("2", "data", _data),
    ("3", "chart", _chart),
    ("4", "build", _build),
    ("5", "test", _test),
    ("8", "logs", _anything),
    ("9", "setup", _anything),
    ("1", "dashboard", _dashboard),
)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        asyncio.run(take(Path(scratch)))
