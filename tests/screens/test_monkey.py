"""Random keys at the whole app over the fake engine: nothing fails, and Esc and F1 always find a way.

The same acts in a real terminal on a living engine, by hand: `python -m tests.support.monkey --minutes 30 --seed 7`.
"""

from __future__ import annotations

import logging

import pytest
from textual import events
from textual.pilot import Pilot

from tests.screens.conftest import Opened, screen_text, until
from tests.support.fake_engine import FakeEngine
from tests.support.monkey_acts import Act, acts
from tradebot.screens.dialogs import HelpDialog

ACTS = 40
_LOOK_EVERY = 20
_DEFECTS = ("could not be drawn", "That did not work", "Traceback")


async def do(pilot: Pilot[None], act: Act) -> None:
    """One act by the pilot instead of a terminal."""
    app = pilot.app
    match act.kind:
        case "key":
            await pilot.press(act.value)
        case "text":
            for character in act.value[:20]:
                app.post_message(events.Key(character, character))
            await pilot.pause()
        case "paste":
            app.post_message(events.Paste(act.value))
            await pilot.pause()
        case "size":
            await pilot.resize_terminal(*act.size)
        case "wait":
            app.engine.tick(float(act.value))  # type: ignore[attr-defined]  # the fake engine
            await pilot.pause()
        case "quit":
            pass  # with the fake engine's running jobs it would only ask, without them it would be over


async def answers(pilot: Pilot[None]) -> None:
    """Esc leaves whatever is open, F1 opens the help, Esc closes it."""
    app = pilot.app
    await pilot.resize_terminal(120, 35)
    for _ in range(6):
        await pilot.press("escape")
    await pilot.press("f1")
    await until(pilot, lambda: isinstance(app.screen, HelpDialog), 10)
    await pilot.press("escape")
    await until(pilot, lambda: len(app.screen_stack) == 1, 10)


@pytest.mark.parametrize(
    ("seed", "scenario", "area"),
    [(1, "full", "build"), (2, "full", "test"), (4, "lost", "chart")],
)
async def test_no_row_of_keys_breaks_the_app(
    opened: Opened, caplog: pytest.LogCaptureFixture, seed: int, scenario: str, area: str
) -> None:
    stream = acts(seed)
    done: list[str] = []
    async with opened(FakeEngine(scenario), area) as pilot:
        app = pilot.app
        for number in range(1, ACTS + 1):
            act = next(stream)
            done.append(str(act))
            await do(pilot, act)
            if not app.is_running:
                break  # the palette offers to quit as well
            if number % _LOOK_EVERY == 0:
                await answers(pilot)
                shown = screen_text(pilot)
                assert not any(sign in shown for sign in _DEFECTS), (done[-60:], shown)
        assert app.return_code in {None, 0}, done[-60:]
    failed = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert not failed, (failed[0].getMessage(), failed[0].exc_text, done[-60:])
