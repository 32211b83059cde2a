"""Letters to jump by: on panes, tabs and areas, at every size, and never while somebody types."""

from __future__ import annotations

import re

import pytest

from tests.screens.conftest import Opened, screen_text, until
from tests.support.fake_engine import FakeEngine
from tradebot.screens.jump import JumpScreen, letters_for


def test_a_pane_gets_a_letter_of_its_own_name_and_each_another() -> None:
    assert letters_for(["Datasets", "Prices", "Streams", "Data", "Ddd", "9"], ["s"]) == list("dptabc")


async def jump(pilot, key: str) -> None:
    await pilot.press("f")
    await until(pilot, lambda: isinstance(pilot.app.screen, JumpScreen))
    await pilot.pause()
    assert re.search(rf" {key}( |$)", screen_text(pilot), re.MULTILINE)
    assert "q quit" in screen_text(pilot)  # over what is there, not instead of it
    await pilot.press(key)
    await until(pilot, lambda: not isinstance(pilot.app.screen, JumpScreen))
    await pilot.pause()


@pytest.mark.parametrize("size", [(80, 24), (120, 35), (200, 50)])
async def test_a_letter_goes_to_its_pane_and_a_digit_to_its_area(
    opened: Opened, size: tuple[int, int]
) -> None:
    async with opened(FakeEngine(), size=size) as pilot:
        await jump(pilot, "j")
        area = pilot.app.query_one("DataArea")
        assert area.current_pane.label == "Jobs"
        assert pilot.app.focused in area.current_pane.query("*")
        assert area.current_pane.size.height > 0
        await jump(pilot, "8")
        await until(pilot, lambda: pilot.app.query("LogsArea"))
        await jump(pilot, "2")
        await until(pilot, lambda: area.display)
        assert area.current_pane.label == "Jobs"


async def test_esc_and_other_keys_leave_all_as_it_was(opened: Opened) -> None:
    async with opened(FakeEngine()) as pilot:
        before, home = screen_text(pilot), pilot.app.focused
        await pilot.press("f")
        await until(pilot, lambda: isinstance(pilot.app.screen, JumpScreen))
        await pilot.press("7")
        assert isinstance(pilot.app.screen, JumpScreen)
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(pilot.app.screen, JumpScreen))
        await pilot.pause()
        assert screen_text(pilot) == before
        assert pilot.app.focused is home


async def test_an_f_that_is_typed_is_a_letter(opened: Opened) -> None:
    async with opened(FakeEngine()) as pilot:
        await pilot.press("slash", "f")
        assert pilot.app.focused.value == "f"
        assert len(pilot.app.screen_stack) == 1


async def test_letters_go_with_another_size(opened: Opened) -> None:
    async with opened(FakeEngine()) as pilot:
        await pilot.press("f")
        await until(pilot, lambda: isinstance(pilot.app.screen, JumpScreen))
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: not isinstance(pilot.app.screen, JumpScreen))
