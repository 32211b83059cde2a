"""The Build screen: values are checked while they are typed, undone, saved and run, without losing cursor or edits."""

from __future__ import annotations

import pytest
from textual.widgets import Input

from tests.screens.build_steps import (
    area_of,
    draft_of,
    field_of,
    form_of,
    go,
    settled,
    sheet_of,
    toml_of,
    type_into,
)
from tests.screens.conftest import Opened, screen_text, type_text, until
from tests.support.fake_engine import FakeEngine
from tradebot.engine.messages import EditForm, FormEdit, OpenForm, RunBacktest
from tradebot.screens.build_draft import Draft
from tradebot.screens.build_lines import LineKind
from tradebot.screens.pickers import Choice, PickDialog, PickManyDialog


async def test_a_wrong_value_is_explained_below_its_line_while_typing_goes_on(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "build") as pilot:
        await type_into(pilot, "risk.sizing.percent")
        editor = form_of(pilot).editor
        await type_text(pilot, "0")
        await until(pilot, lambda: "× must be a number from" in screen_text(pilot))
        await until(pilot, lambda: "1 error" in str(form_of(pilot).border_subtitle))
        assert pilot.app.focused is editor
        assert (editor.value, editor.cursor_position) == ("0", 1)
        await type_text(pilot, ".7")
        await until(pilot, lambda: "percent = 0.7" in toml_of(pilot))
        assert (editor.value, editor.cursor_position) == ("0.7", 3)
        await until(pilot, lambda: "× must be" not in screen_text(pilot))


async def test_what_is_no_number_is_kept_as_it_was_typed(opened: Opened) -> None:
    async with opened(FakeEngine(), "build") as pilot:
        await type_into(pilot, "risk.sizing.percent")
        await type_text(pilot, "abc")
        await pilot.press("enter")
        await settled(pilot)
        field = field_of(pilot, "risk.sizing.percent")
        assert field is not None and field.text == "abc" and field.problem
        assert 'percent = "abc"' in toml_of(pilot)


async def test_while_an_edit_is_under_way_typing_gathers_in_one(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "build") as pilot:
        await type_into(pilot, "risk.sizing.percent")
        engine.hold()
        await type_text(pilot, "12.5")
        await until(pilot, lambda: engine.held)
        engine.release()
        await until(pilot, lambda: "percent = 12.5" in toml_of(pilot))
        texts = [asked.edit.text for asked in engine.asked(EditForm)]
        assert texts[-1] == "12.5"
        assert len(texts) == 2


async def test_a_value_shows_what_was_typed_before_the_engine_has_answered(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "build") as pilot:
        await type_into(pilot, "risk.sizing.percent")
        engine.hold()
        await type_text(pilot, "25")
        await pilot.press("enter")
        field = field_of(pilot, "risk.sizing.percent")
        assert field is not None and field.text == "25"
        await until(pilot, lambda: "checking ..." in str(form_of(pilot).border_subtitle))
        engine.release()
        await until(pilot, lambda: "percent = 25" in toml_of(pilot))
        await until(pilot, lambda: "checking" not in str(form_of(pilot).border_subtitle))


async def test_an_answer_that_came_too_late_is_dropped(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "build") as pilot:
        await type_into(pilot, "risk.sizing.percent")
        await type_text(pilot, "50")
        await until(pilot, lambda: "percent = 50" in toml_of(pilot))
        engine.hold()
        await type_text(pilot, "1")
        await until(pilot, lambda: engine.held)
        await pilot.press("escape", "u")
        await until(pilot, lambda: "percent = 130.0" in toml_of(pilot))
        engine.release()
        await pilot.pause()
        await settled(pilot)
        assert "percent = 130.0" in toml_of(pilot)


async def test_a_refused_edit_is_explained_below_its_line_and_keeps_the_text(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "build") as pilot:
        await type_into(pilot, "risk.sizing.percent")
        engine.refuse[EditForm] = "The text is not valid TOML, so it cannot be edited as a form."
        await type_text(pilot, "5")
        await until(pilot, lambda: "× The text is not valid TOML" in screen_text(pilot))
        await pilot.press("enter")
        field = field_of(pilot, "risk.sizing.percent")
        assert field is not None and field.text == "5"


# ------------------------------------------------------------------------------------------ walking


async def test_arrows_walk_lines_and_values_tab_goes_from_value_to_value_while_typing(opened: Opened) -> None:
    async with opened(FakeEngine(), "build") as pilot:
        sheet = sheet_of(pilot)
        await go(pilot, "strategy.name")
        await pilot.press("up")
        assert sheet.line is not None and sheet.line.key == "section:strategy"
        await pilot.press("down", "enter")
        assert form_of(pilot).editor.path == "strategy.name"
        await pilot.press("end")
        await type_text(pilot, "2")
        await pilot.press("tab")
        assert form_of(pilot).editor.path == "", "the next value is picked, not typed"
        assert sheet.cell is not None and sheet.cell.field.path != "strategy.name"
        await settled(pilot)
        assert "trend filter2" in toml_of(pilot)
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.focused is not None and pilot.app.focused.id == "strategies")


async def test_a_section_folds_and_stays_folded_when_another_strategy_is_opened(opened: Opened) -> None:
    async with opened(FakeEngine(), "build") as pilot:
        await go(pilot, "strategy.name")
        await pilot.press("up", "enter")
        await until(pilot, lambda: field_of(pilot, "strategy.name") is None)
        area_of(pilot).open_strategy("rsi-dip")
        await until(pilot, lambda: draft_of(pilot).name == "rsi-dip")
        assert field_of(pilot, "strategy.name") is None
        await pilot.press("right")
        await until(pilot, lambda: field_of(pilot, "strategy.name") is not None)


async def test_digits_type_over_a_number_and_plus_and_minus_step_it(opened: Opened) -> None:
    async with opened(FakeEngine(), "build") as pilot:
        await go(pilot, "risk.sizing.percent")
        await pilot.press("4", "2", "enter")
        await until(pilot, lambda: "percent = 42" in toml_of(pilot))
        assert pilot.app.focused is sheet_of(pilot)
        await pilot.press("plus", "plus", "minus")
        await until(pilot, lambda: "percent = 43" in toml_of(pilot))


async def test_digits_are_areas_where_nothing_is_to_be_typed(opened: Opened) -> None:
    async with opened(FakeEngine(), "build") as pilot:
        await go(pilot, "strategy.timeframe")
        await pilot.press("2")
        await until(pilot, lambda: not area_of(pilot).display)


async def test_choosing_another_kind_changes_only_the_lines_that_belong_to_it(opened: Opened) -> None:
    async with opened(FakeEngine(), "build") as pilot:
        before = [line.key for line in sheet_of(pilot).lines]
        assert field_of(pilot, "risk.stop_loss.percent") is not None
        await go(pilot, "risk.stop_loss")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, PickDialog))
        await type_text(pilot, "none")
        await pilot.press("enter")
        await until(pilot, lambda: field_of(pilot, "risk.stop_loss.percent") is None)
        cell = sheet_of(pilot).cell
        assert cell is not None and cell.field.path == "risk.stop_loss", "the cursor stays"
        now = {line.key for line in sheet_of(pilot).lines}
        assert {key for key in before if key not in now} <= {"field:risk.stop_loss.percent"}


async def test_any_value_is_found_by_a_part_of_its_name(opened: Opened) -> None:
    async with opened(FakeEngine(), "build") as pilot:
        sheet_of(pilot).focus()
        await pilot.press("slash")
        await until(pilot, lambda: isinstance(pilot.app.screen, PickDialog))
        await type_text(pilot, "taker")
        await pilot.press("enter")
        await until(pilot, lambda: sheet_of(pilot).cell is not None)
        cell = sheet_of(pilot).cell
        assert cell is not None and cell.field.path == "costs.taker_fee_percent", "folded sections open"


async def test_only_what_changed_is_painted(opened: Opened) -> None:
    async with opened(FakeEngine(), "build") as pilot:
        await go(pilot, "risk.sizing.percent")
        sheet = sheet_of(pilot)
        painted: list[int] = []
        draw = sheet.render_line

        def counting(y: int) -> object:
            painted.append(y)
            return draw(y)

        sheet.render_line = counting  # type: ignore[method-assign,assignment]  # counts what is drawn
        await pilot.press("plus")
        await until(pilot, lambda: "percent = 131" in toml_of(pilot))
        await pilot.pause()
        assert 0 < len(set(painted)) <= 4, "the line itself, a problem below it"


# ------------------------------------------------------------------------------------------ nodes


async def test_every_node_is_shown_on_demand_and_can_be_switched_off_removed_and_brought_back(
    opened: Opened,
) -> None:
    async with opened(FakeEngine(), "build") as pilot:
        sheet = sheet_of(pilot)
        sheet.focus()
        assert all("ADX" not in line.key for line in sheet.lines)
        await pilot.press("N")
        await until(pilot, lambda: sheet.line is not None and sheet.line.key == "section:indicators.fast")
        assert sheet.go_to_key("section:signals.strong")
        await pilot.press("space")
        await until(pilot, lambda: "enabled = false" in toml_of(pilot))
        await pilot.press("x")
        await until(pilot, lambda: "[signals.strong]" not in toml_of(pilot))
        await pilot.press("u", "u")
        await until(pilot, lambda: "enabled = false" not in toml_of(pilot))
        assert "[signals.strong]" in toml_of(pilot)
        await pilot.press("U")
        await until(pilot, lambda: "enabled = false" in toml_of(pilot))


async def test_renaming_a_node_renames_it_everywhere_once_the_name_is_complete(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "build") as pilot:
        await type_into(pilot, "indicators.fast.@name")
        form_of(pilot).editor.value = "quick"
        await pilot.pause()
        assert not engine.asked(EditForm), "a name is taken when it is complete, not letter by letter"
        await pilot.press("enter")
        await until(pilot, lambda: "[indicators.quick]" in toml_of(pilot))
        assert 'a = "quick"' in toml_of(pilot)
        await until(pilot, lambda: field_of(pilot, "indicators.quick.length") is not None)


async def test_a_series_is_typed_or_picked_and_what_is_not_in_the_list_can_be_typed_there_too(
    opened: Opened,
) -> None:
    async with opened(FakeEngine(), "build") as pilot:
        form_of(pilot).action_nodes()
        form_of(pilot).fold("signals.strong", False)
        sheet = sheet_of(pilot)
        sheet.focus()
        places = [
            (number, place)
            for number, line in enumerate(sheet.lines)
            for place, cell in enumerate(line.cells)
            if cell.field.path == "signals.strong.b"
        ]
        assert len(places) == 2, "in the rule, and in the node itself"
        sheet.go(*places[1])
        await pilot.press("2", "5", "enter")
        await until(pilot, lambda: "b = 25" in toml_of(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, PickDialog))
        await type_text(pilot, "slow")
        await pilot.press("enter")
        await until(pilot, lambda: 'b = "slow"' in toml_of(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, PickDialog))
        await type_text(pilot, "33")
        await pilot.press("enter")
        await until(pilot, lambda: "b = 33" in toml_of(pilot))


async def test_symbols_are_searched_and_several_are_marked_patterns_too(opened: Opened) -> None:
    async with opened(FakeEngine(), "build") as pilot:
        sheet_of(pilot).focus()
        await pilot.press("s")
        await until(pilot, lambda: isinstance(pilot.app.screen, PickManyDialog))
        await type_text(pilot, "eth")
        await pilot.press("space")
        field = pilot.app.screen.query_one(Input)
        field.value = "XR*"
        await pilot.pause()
        await pilot.press("enter")
        await until(pilot, lambda: 'symbols = ["BTCUSDT", "SOLUSDT", "XR*"]' in toml_of(pilot))


async def test_add_picks_by_search_and_goes_to_the_new_node(opened: Opened) -> None:
    async with opened(FakeEngine(), "build") as pilot:
        sheet_of(pilot).focus()
        await pilot.press("a")
        await until(pilot, lambda: isinstance(pilot.app.screen, PickDialog))
        await type_text(pilot, "rsi")
        await pilot.press("enter")
        await until(pilot, lambda: "[indicators.rsi]" in toml_of(pilot))
        sheet = sheet_of(pilot)
        await until(pilot, lambda: sheet.line is not None and sheet.line.path == "indicators.rsi")
        assert sheet.line is not None and sheet.line.kind is LineKind.SECTION


# ------------------------------------------------------------------------------------------ run


async def test_an_error_blocks_the_run_and_enter_on_a_check_goes_to_its_value(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "build") as pilot:
        await go(pilot, "risk.sizing.percent")
        await pilot.press("0", "enter")
        await until(pilot, lambda: draft_of(pilot).view.errors)
        await go(pilot, "strategy.name")
        await pilot.press("r")
        sheet = sheet_of(pilot)
        await until(pilot, lambda: sheet.cell is not None and sheet.cell.field.path == "risk.sizing.percent")
        assert not engine.asked(RunBacktest)
        await go(pilot, "strategy.name")
        pilot.app.query_one("#checks").focus()
        await pilot.press("enter")
        await until(pilot, lambda: sheet.cell is not None and sheet.cell.field.path == "risk.sizing.percent")
        assert pilot.app.focused is sheet


async def test_a_run_shows_its_progress_and_opens_its_result(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "build") as pilot:
        area_of(pilot).open_strategy("rsi-dip")
        await until(pilot, lambda: draft_of(pilot).name == "rsi-dip")
        await pilot.press("r")
        await until(pilot, lambda: pilot.app.query("ResultsArea"))
        engine.tick(1.0)
        await until(pilot, lambda: " 50%" in screen_text(pilot) and "x cancels" in screen_text(pilot))
        engine.tick(2.0)
        await until(
            pilot, lambda: "rsi-dip · BTCUSDT" in screen_text(pilot) and "bt-210" in screen_text(pilot)
        )


async def test_the_strategy_that_was_tested_last_is_open_at_once(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "build") as pilot:
        assert engine.asked(OpenForm) == [OpenForm("ema-x")]
        assert not draft_of(pilot).unsaved
        assert not engine.asked(EditForm)


async def test_every_key_that_is_shown_does_something(opened: Opened) -> None:
    async with opened(FakeEngine(), "build") as pilot:
        await go(pilot, "risk.sizing.percent")
        keys = screen_text(pilot).splitlines()[-1]
        assert "+- change" in keys and "x remove" not in keys and "Space on/off" not in keys
        await type_into(pilot, "strategy.name")
        keys = screen_text(pilot).splitlines()[-1]
        assert "Enter done" in keys and "n rule" not in keys and "/ find" not in keys


# ------------------------------------------------------------------------------------------ without widgets


def test_a_draft_undoes_typing_in_one_place_as_one_step() -> None:
    engine = FakeEngine()
    view = engine.execute(OpenForm("ema-x")).result()
    draft = Draft("ema-x", view, saved_toml=view.toml)
    for number, text in enumerate(("1", "12", "123")):
        edit = FormEdit("set", "indicators.fast.length", text)
        draft.take(engine.execute(EditForm(draft.view.toml, edit)).result(), edit, now=number * 0.3)
    assert "length = 123" in draft.view.toml
    assert draft.undo()
    assert draft.view.toml == view.toml
    assert not draft.undo()
    assert draft.redo()
    assert "length = 123" in draft.view.toml


def test_typing_on_replaces_the_edit_that_waits() -> None:
    view = FakeEngine().execute(OpenForm("ema-x")).result()
    draft = Draft("ema-x", view, saved_toml=view.toml)
    draft.queue(FormEdit("set", "a", "1"))
    draft.queue(FormEdit("set", "a", "12"))
    draft.queue(FormEdit("toggle", "signals.cross"))
    draft.queue(FormEdit("set", "a", "123"))
    assert [edit.text for edit in draft.pending] == ["12", "", "123"]


@pytest.mark.parametrize(
    ("words", "rank"),
    [
        (["rs"], 0),
        (["strength"], 1),
        (["moves"], 2),
        (["rsi", "ind"], 1),
        (["momentum"], 2),
        (["nope"], None),
    ],
)
def test_search_prefers_names_to_descriptions(words: list[str], rank: int | None) -> None:
    choice = Choice(
        "indicators/rsi",
        "Relative strength index",
        "Share of rises in recent moves.",
        "indicator",
        "momentum",
    )
    assert choice.rank(words) == rank
