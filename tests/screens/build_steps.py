"""Steps on the Build screen that several tests take."""

from __future__ import annotations

from textual.pilot import Pilot

from tests.screens.conftest import until
from tradebot.engine.messages import FormField
from tradebot.screens.build import BuildArea
from tradebot.screens.build_draft import Draft
from tradebot.screens.build_form import FormPane
from tradebot.screens.build_sheet import FormSheet


def area_of(pilot: Pilot[None]) -> BuildArea:
    """The screen."""
    return pilot.app.screen_stack[0].query_one(BuildArea)


def form_of(pilot: Pilot[None]) -> FormPane:
    """The form in the middle."""
    return area_of(pilot).form


def sheet_of(pilot: Pilot[None]) -> FormSheet:
    """The lines of the form."""
    return form_of(pilot).sheet


def draft_of(pilot: Pilot[None]) -> Draft:
    """The strategy that is open."""
    draft = area_of(pilot).draft
    assert draft is not None
    return draft


def toml_of(pilot: Pilot[None]) -> str:
    """Its text, as the engine knows it."""
    return draft_of(pilot).view.toml


def field_of(pilot: Pilot[None], path: str) -> FormField | None:
    """The field as it is drawn, None where it is not."""
    for line in sheet_of(pilot).lines:
        for cell in line.cells:
            if cell.field.path == path:
                return cell.field
    return None


async def go(pilot: Pilot[None], path: str) -> None:
    """Put the cursor on a value."""
    form_of(pilot).sheet.focus()
    assert form_of(pilot).jump(path), path
    await pilot.pause()


async def type_into(pilot: Pilot[None], path: str) -> None:
    """Begin to type a value."""
    await go(pilot, path)
    cell = sheet_of(pilot).cell
    assert cell is not None and cell.field.path == path
    await pilot.press("enter")
    await until(pilot, lambda: form_of(pilot).editor.path == path)


async def settled(pilot: Pilot[None]) -> None:
    """Wait until all edits are answered."""
    await until(pilot, lambda: not draft_of(pilot).pending)
    await pilot.pause()
