"""No key that is shown does nothing: every one in every footer is pressed, taken from the live bindings.

A key counts once for each area and state: on the first pane that shows it. Windows that open are gone through as well.
"""

from __future__ import annotations

from collections.abc import Hashable

import pytest
from textual.pilot import Pilot
from textual.screen import ActiveBinding

from tests.screens.conftest import Opened, screen_text
from tests.support.fake_dashboard import busy
from tests.support.fake_engine import FakeEngine
from tradebot.screens.area import Area, Pane
from tradebot.screens.dialogs import Dialog
from tradebot.screens.frame import AREAS, KeyBar, key_hints

STATES = {"empty": lambda: FakeEngine("empty"), "busy": lambda: busy("full"), "failing": lambda: busy("lost")}


class Presser:
    """Presses what is shown and remembers what had no effect."""

    def __init__(self, pilot: Pilot[None], engine: FakeEngine, area: Area, name: str) -> None:
        self.pilot, self.app, self.engine, self.area = pilot, pilot.app, engine, area
        self.name = name
        self.pressed: set[str] = set()
        self.idle: list[str] = []

    def look(self) -> tuple[Hashable, ...]:
        """All that a key can change for a person or the engine."""
        app = self.app
        said = tuple(each.message for each in app._notifications)
        asked = len(self.engine.commands)
        return (*app.screen_stack, app.focused, asked, screen_text(self.pilot), app.clipboard, said)

    def shown(self) -> list[ActiveBinding]:
        """The keys that are shown and were not pressed yet."""
        found: list[ActiveBinding] = []
        for active in self.app.screen.active_bindings.values():
            is_shown = active.binding.show and active.enabled and active.binding.id
            if is_shown and active.binding.id not in self.pressed:
                found.append(active)
        return found

    async def press(self, active: ActiveBinding, where: str) -> None:
        """Press a key; where nothing comes of it, that is remembered."""
        before = self.look()
        self.pressed.add(active.binding.id or "")
        await self.pilot.press(active.binding.key)
        for _ in range(30):
            if self.look() != before:
                return
            await self.pilot.pause(0.02)
        self.idle.append(f"{where}: {active.binding.key} ({active.binding.id}, {active.binding.description})")

    async def pane(self, pane: Pane, *, windows: bool) -> None:
        """Press all that is shown while a pane has the focus."""
        for _ in range(40):
            self.area.visit_pane(pane)
            await self.pilot.pause()
            shown = self.shown()
            if not shown:
                return
            where = f"{self.name} {pane.label}"
            asked = len(self.engine.commands)
            await self.press(shown[0], where)
            await self.windows(where, press=windows)
            if len(self.engine.commands) > asked:
                self.engine.tick(5.0)  # what was started ends, and is drawn before the next key
                self.app._drain()
            self.app.visit(self.name)

    async def windows(self, where: str, *, press: bool) -> None:
        """Press all that a window which opened offers, then close it."""
        for _ in range(20 if press else 0):
            await self.pilot.pause()
            screen = self.app.screen
            if not isinstance(screen, Dialog):
                break
            shown = [each for each in self.shown() if each.binding.action not in {"close", "dismiss"}]
            if not shown:
                break
            await self.press(shown[0], f"{where} > {type(screen).__name__}")
        for _ in range(10):
            if len(self.app.screen_stack) == 1:
                return
            await self.pilot.press("escape")
            await self.pilot.pause()
        self.idle.append(f"{where}: Esc does not close {type(self.app.screen).__name__}")


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("name", [name for _, name, _ in AREAS])
async def test_no_key_that_is_shown_does_nothing(opened: Opened, name: str, state: str) -> None:
    engine = STATES[state]()
    async with opened(engine, name) as pilot:
        area = pilot.app.visit(name)
        presser = Presser(pilot, engine, area, name)
        footer = pilot.app.query_one(KeyBar).plain
        for key, what in key_hints(area)[:4]:
            assert f"{key} {what}" in footer
        # What a pane or a window offers is much the same in every state; the busy one has the most of it.
        panes = area.panes if state == "busy" else area.panes[:1]
        for pane in panes:
            if pane.size:
                await presser.pane(pane, windows=state == "busy")
        assert presser.pressed
        assert presser.idle == []


@pytest.mark.parametrize("size", [(80, 24), (120, 35)])
async def test_help_shows_every_key_of_the_pane_down_to_the_last_and_can_be_copied(
    opened: Opened, size: tuple[int, int]
) -> None:
    async with opened(busy("full"), "build", size=size) as pilot:
        keys = {
            active.binding.description
            for active in pilot.app.screen.active_bindings.values()
            if active.binding.id
        }
        await pilot.press("question_mark")
        await pilot.pause()
        seen = screen_text(pilot)
        await pilot.press(*["down"] * 12)
        await pilot.pause()
        seen += screen_text(pilot)
        await pilot.press("end")
        await pilot.pause(0.1)
        seen += screen_text(pilot)
        assert {what for what in keys if what not in seen} == set()
        assert {"maximise", "copy", "letters to jump by"} <= keys
        await pilot.press("y")
        await pilot.pause()
        assert all(what in pilot.app.clipboard for what in keys)


@pytest.mark.parametrize("name", [name for _, name, _ in AREAS])
async def test_y_and_m_work_in_every_pane_of_every_area(opened: Opened, name: str) -> None:
    async with opened(busy("full"), name) as pilot:
        area = pilot.app.visit(name)
        silent = []
        for pane in area.panes:
            if not pane.size:
                continue
            area.visit_pane(pane)
            await pilot.pause()
            pilot.app.copy_to_clipboard("")
            usual = pane.outer_size
            await pilot.press("y", "m")
            await pilot.pause()
            if not pilot.app.clipboard:
                silent.append(pane.label)
            assert pane.outer_size.area > usual.area or len([each for each in area.panes if each.size]) == 1
            await pilot.press("m")
            await pilot.pause()
        assert silent == []
