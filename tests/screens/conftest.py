"""How screens are tested: the app around the fake engine, without blinking, moving or waiting for real time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from tests.support.fake_engine import FakeEngine
from tradebot.app import TradebotApp

Opened = Callable[..., AbstractAsyncContextManager[Pilot[None]]]


async def until(pilot: Pilot[None], condition: Callable[[], object], seconds: float = 20.0) -> None:
    """Let the app run until something holds; fails where it never does."""
    for _ in range(round(seconds / 0.03)):
        if condition():
            return
        await pilot.pause(0.03)
    raise AssertionError(f"did not come to hold: {condition}")


async def ready(pilot: Pilot[None]) -> None:
    """Let the app run until the first area is drawn and has the focus, and what it asked for is there."""
    app = pilot.app
    await until(pilot, lambda: app.focused is not None and app.query_one("#health").plain)
    if app.query("BuildArea") and app.latest.strategies:
        await until(pilot, lambda: app.query_one("BuildArea").started)
    if app.query("ResultsArea") and app.latest.results:
        await until(pilot, lambda: app.query_one("ResultsArea").analysis is not None)
        await until(
            pilot,
            lambda: not app.query_one("ResultsArea").view.trade_count or app.query_one("#trades").current,
        )
    await pilot.pause()
    await pilot.pause()


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """No cursor blinks, so that pictures do not depend on the moment."""
    monkeypatch.setattr(Input, "_toggle_cursor", lambda self: None)
    monkeypatch.setattr("tradebot.app._HERTZ", 12)  # the same as in use, in less time


@pytest.fixture
def opened() -> Opened:
    """`async with opened(engine, "build", size=(80, 24)) as pilot`: the app, ready to be used."""

    @asynccontextmanager
    async def run(
        engine: FakeEngine, area: str = "data", size: tuple[int, int] = (120, 35)
    ) -> AsyncIterator[Pilot[None]]:
        app = TradebotApp(engine, start_area=area)
        async with app.run_test(size=size) as pilot:
            await ready(pilot)
            yield pilot

    return run


def screen_text(pilot: Pilot[None]) -> str:
    """What a person would read on the whole screen."""
    app = pilot.app
    width, height = app.size
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips[:height])[
        : width * height * 2
    ]


async def type_text(pilot: Pilot[None], text: str) -> None:
    """Press the keys of a text."""
    names = {
        " ": "space",
        ".": "full_stop",
        "-": "minus",
        "/": "slash",
        ",": "comma",
        "*": "asterisk",
        "_": "underscore",
    }
    await pilot.press(*(names.get(char, char) for char in text))


Wait = Callable[[Pilot[None]], Awaitable[None]]
