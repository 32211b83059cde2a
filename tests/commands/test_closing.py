"""A window that is closed ends the app as quitting does."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from tradebot.commands.closing import ends_when_closed
from tradebot.commands.terminal import first_area


@pytest.mark.skipif(
    sys.platform == "win32", reason="Windows tells of a closed window by a console event instead"
)
@pytest.mark.parametrize("name", ["SIGHUP", "SIGTERM"])
def test_a_closed_window_leaves_on_the_loop_and_only_while_the_app_runs(name: str) -> None:
    number = getattr(signal, name)

    async def app() -> bool:
        left = asyncio.Event()
        with ends_when_closed(left.set):
            os.kill(os.getpid(), number)
            await asyncio.wait_for(left.wait(), 5)
        return signal.getsignal(number) == signal.SIG_DFL

    assert asyncio.run(app())


def test_the_app_begins_in_data_without_any_and_on_the_dashboard_with_some(tmp_path: Path) -> None:
    assert first_area(tmp_path / "new") == "data"
    (tmp_path / "results" / "r1").mkdir(parents=True)
    (tmp_path / "results" / "r1" / "trades.csv").write_text("", encoding="utf-8")
    assert first_area(tmp_path) == "data"
    (tmp_path / "linear").mkdir()
    (tmp_path / "linear" / "BTCUSDT_1m.csv").write_text("", encoding="utf-8")
    assert first_area(tmp_path) == "dashboard"
