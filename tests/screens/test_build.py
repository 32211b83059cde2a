"""The Build area: a form that is checked while it is typed, undone, saved and run, without losing focus or edits."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from tests.screens.conftest import Opened, screen_text, type_text, until
from tests.support.fake_engine import FakeEngine
from tradebot.engine.messages import DeleteStrategy, EditForm, FormEdit, OpenForm, RunBacktest, SaveStrategy
from tradebot.engine.strategy import builtin_registry
from tradebot.engine.strategy.editing import apply_edit
from tradebot.engine.strategy.form import build_form
from tradebot.screens.build import BuildArea
from tradebot.screens.build_draft import Draft
from tradebot.screens.build_fields import FieldRow
from tradebot.screens.build_form import FormPane, SectionHeader
from tradebot.screens.dialogs import Confirm, NameDialog
from tradebot.screens.pickers import Choice, PickDialog, PickManyDialog


def area_of(pilot: Pilot[None]) -> BuildArea:
    return pilot.app.query_one(BuildArea)


def draft_of(pilot: Pilot[None]) -> Draft:
    draft = area_of(pilot).draft
    assert draft is not None
    return draft


def row(pilot: Pilot[None], path: str) -> FieldRow:
    found = pilot.app.query_one(FormPane).row_of(path)
    assert found is not None, path
    return found


def header(pilot: Pilot[None], path: str) -> SectionHeader:
    return next(each for each in pilot.app.query(SectionHeader) if each.section.path == path)


async def open_form(pilot: Pilot[None], path: str) -> FieldRow:
    assert await pilot.app.query_one(FormPane).jump(path)
    await pilot.pause()
    found = row(pilot, path)
    assert pilot.app.focused is found.editor
    return found


async def settled(pilot: Pilot[None]) -> None:
    await until(pilot, lambda: not draft_of(pilot).pending)
    await pilot.pause()


async def test_a_wrong_value_is_explained_below_its_field_while_focus_and_cursor_stay(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "build") as pilot:
        field = await open_form(pilot, "indicators.fast.length")
        await type_text(pilot, "0")
        await until(pilot, lambda: field.problem == "must be a whole number from 2 to 100000, but is 0")
        assert field.size.height >= 2
        assert "must be a whole number" in screen_text(pilot)
        assert pilot.app.focused is field.editor
        await type_text(pilot, "7")
        await until(pilot, lambda: "length = 7" in draft_of(pilot).view.toml)
        assert isinstance(field.editor, Input)
        assert (field.editor.value, field.editor.cursor_position) == ("07", 2)
        assert field.problem == ""
        assert pilot.app.query_one(FormPane).row_of("indicators.fast.length") is field


async def test_typing_is_sent_when_it_pauses_not_key_by_key(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "build") as pilot:
        await open_form(pilot, "indicators.slow.length")
        await type_text(pilot, "144")
        await settled(pilot)
        await until(pilot, lambda: "length = 144" in draft_of(pilot).view.toml)
        assert len(engine.asked(EditForm)) <= 2
        assert engine.asked(EditForm)[-1].edit == FormEdit("set", "indicators.slow.length", "144")


async def test_an_answer_that_came_too_late_is_dropped(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "build") as pilot:
        await open_form(pilot, "indicators.slow.length")
        await type_text(pilot, "50")
        await until(pilot, lambda: "length = 50" in draft_of(pilot).view.toml)
        engine.hold()
        await type_text(pilot, "1")
        await until(pilot, lambda: engine.held)
        await pilot.press("escape", "u")
        await until(pilot, lambda: "length = 21" in draft_of(pilot).view.toml)
        engine.release()
        await pilot.pause(0.2)
        assert "length = 21" in draft_of(pilot).view.toml
        assert row(pilot, "indicators.slow.length").editor.value == "21"


async def test_choosing_another_kind_changes_only_the_rows_that_belong_to_it(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "build") as pilot:
        kept = {each.field.path: each for each in pilot.app.query(FieldRow)}
        assert "risk.stop_loss.percent" in kept
        await open_form(pilot, "risk.stop_loss")
        await pilot.press("left")
        await until(pilot, lambda: pilot.app.query_one(FormPane).row_of("risk.stop_loss.percent") is None)
        now = {each.field.path: each for each in pilot.app.query(FieldRow)}
        assert all(kept[path] is each for path, each in now.items())
        assert pilot.app.focused is now["risk.stop_loss"].editor


async def test_arrows_walk_rows_tab_walks_fields_escape_leaves_step_by_step(opened: Opened) -> None:
    async with opened(FakeEngine(), "build") as pilot:
        await open_form(pilot, "strategy.timeframe")
        await pilot.press("down")
        assert pilot.app.focused is header(pilot, "indicators.fast")
        await open_form(pilot, "indicators.fast.@name")
        await pilot.press("shift+tab")
        assert pilot.app.focused is row(pilot, "strategy.timeframe").editor
        await pilot.press("escape")
        assert pilot.app.focused is header(pilot, "strategy")
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.focused is not None and pilot.app.focused.id == "strategies")


async def test_add_picks_by_search_and_goes_to_the_new_section(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "build") as pilot:
        header(pilot, "strategy").focus()
        await pilot.press("a")
        await until(pilot, lambda: isinstance(pilot.app.screen, PickDialog))
        await type_text(pilot, "rsi")
        await pilot.press("enter")
        await until(pilot, lambda: "[indicators.rsi]" in draft_of(pilot).view.toml)
        await until(pilot, lambda: pilot.app.focused is header(pilot, "indicators.rsi"))


async def test_a_node_is_switched_off_removed_and_brought_back(opened: Opened) -> None:
    async with opened(FakeEngine(), "build") as pilot:
        header(pilot, "signals.strong").focus()
        await pilot.press("space")
        await until(pilot, lambda: "enabled = false" in draft_of(pilot).view.toml)
        assert "off" in screen_text(pilot)
        await pilot.press("delete")
        await until(pilot, lambda: "[signals.strong]" not in draft_of(pilot).view.toml)
        await pilot.press("u", "u")
        await until(pilot, lambda: "enabled = false" not in draft_of(pilot).view.toml)
        assert "[signals.strong]" in draft_of(pilot).view.toml
        await pilot.press("U")
        await until(pilot, lambda: "enabled = false" in draft_of(pilot).view.toml)


async def test_a_series_is_picked_or_typed_and_members_are_marked(opened: Opened) -> None:
    async with opened(FakeEngine(), "build") as pilot:
        field = await open_form(pilot, "signals.strong.b")
        await type_text(pilot, "25")
        await until(pilot, lambda: "b = 25" in draft_of(pilot).view.toml)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, PickDialog))
        await type_text(pilot, "slow")
        await pilot.press("enter")
        await until(pilot, lambda: 'b = "slow"' in draft_of(pilot).view.toml)
        assert pilot.app.focused is field.editor
        await open_form(pilot, "entry.signals")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, PickManyDialog))
        await pilot.press("space", "enter")
        await until(
            pilot,
            lambda: draft_of(pilot).pending == [] and row(pilot, "entry.signals").field.text == "strong",
        )


async def test_a_refused_edit_is_explained_below_its_field(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "build") as pilot:
        field = await open_form(pilot, "indicators.fast.length")
        engine.refuse[EditForm] = "The text is not valid TOML, so it cannot be edited as a form."
        await type_text(pilot, "5")
        await until(pilot, lambda: "not valid TOML" in field.problem)


async def test_saving_an_example_asks_for_a_name_and_warns_before_it_replaces(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "build") as pilot:
        await pilot.press("down", "enter")
        await until(pilot, lambda: area_of(pilot).draft is not None and draft_of(pilot).name == "rsi-dip")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(pilot.app.screen, NameDialog))
        name = pilot.app.screen.query_one(Input)
        assert name.value == "my-rsi-dip"
        name.value = "no good"
        await pilot.press("enter")
        await until(pilot, lambda: "letters, digits, - and _ only" in screen_text(pilot))
        name.value = "ema-x"
        await pilot.press("enter")
        await until(pilot, lambda: "Enter again replaces it" in screen_text(pilot))
        assert not engine.asked(SaveStrategy)
        name.value = "dips"
        await pilot.press("enter")
        await until(pilot, lambda: [each.name for each in engine.asked(SaveStrategy)] == ["dips"])
        await until(pilot, lambda: not draft_of(pilot).unsaved and not draft_of(pilot).example)


async def test_a_new_strategy_begins_empty_and_can_be_saved(opened: Opened) -> None:
    engine = FakeEngine("empty")
    async with opened(engine, "build") as pilot:
        pilot.app.query_one("#strategies").focus()
        await pilot.press("n")
        await until(pilot, lambda: area_of(pilot).draft is not None and draft_of(pilot).name == "")
        await until(pilot, lambda: "must name at least one symbol" in screen_text(pilot))
        assert draft_of(pilot).unsaved


async def test_opening_another_strategy_asks_about_unsaved_edits(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "build") as pilot:
        await open_form(pilot, "indicators.fast.length")
        await type_text(pilot, "12")
        await until(pilot, lambda: "length = 12" in draft_of(pilot).view.toml)
        pilot.app.query_one("#strategies").focus()
        await pilot.press("down", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
        assert "The edits of ema-x are not saved." in screen_text(pilot)
        await pilot.press("escape")
        assert draft_of(pilot).name == "ema-x"
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
        await pilot.press("s")
        await until(pilot, lambda: draft_of(pilot).name == "rsi-dip")
        assert "length = 12" in engine.asked(SaveStrategy)[0].toml


async def test_quitting_with_unsaved_edits_asks(opened: Opened) -> None:
    engine = FakeEngine("empty")
    async with opened(engine, "build") as pilot:
        header(pilot, "strategy").focus()
        await pilot.press("d")
        await until(pilot, lambda: draft_of(pilot).name == "ema-x-copy")
        await pilot.press("ctrl+q")
        await until(pilot, lambda: "The edits of ema-x-copy are not saved." in screen_text(pilot))


async def test_an_error_blocks_the_run_and_enter_on_a_problem_goes_to_its_field(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "build") as pilot:
        await pilot.press("r")
        await until(pilot, lambda: pilot.app.focused is row(pilot, "risk.sizing.percent").editor)
        assert not engine.asked(RunBacktest)
        header(pilot, "strategy").focus()
        pilot.app.query_one("#problems").focus()
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.focused is row(pilot, "risk.sizing.percent").editor)


async def test_a_run_shows_its_progress_and_opens_its_result(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "build") as pilot:
        await pilot.press("down", "enter")
        await until(pilot, lambda: draft_of(pilot).name == "rsi-dip")
        await pilot.press("escape", "r")
        await until(pilot, lambda: pilot.app.query("ResultsArea") and "x cancels" in screen_text(pilot))
        engine.tick(1.0)
        await until(pilot, lambda: " 50%" in screen_text(pilot))
        engine.tick(2.0)
        await until(
            pilot, lambda: "rsi-dip · BTCUSDT" in screen_text(pilot) and "bt-210" in screen_text(pilot)
        )


async def test_deleting_asks_and_examples_stay(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "build") as pilot:
        await pilot.press("delete")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
        await pilot.press("x")
        await until(pilot, lambda: engine.asked(DeleteStrategy) == [DeleteStrategy("ema-x")])
        await until(pilot, lambda: len(pilot.app.query_one("#strategies").rows) == 2)
        await pilot.press("delete")
        await pilot.pause()
        assert len(pilot.app.screen_stack) == 1


async def test_the_first_strategy_is_open_at_once(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "build") as pilot:
        assert engine.asked(OpenForm) == [OpenForm("ema-x")]
        assert not draft_of(pilot).unsaved
        assert not engine.asked(EditForm)
        assert "[indicators.fast]" in screen_text(pilot)


class RealForms(FakeEngine):
    """The fake engine with the forms of the real strategy room."""

    def _answer_strategies(self, command: object) -> object:
        registry = builtin_registry()
        match command:
            case OpenForm(name=name):
                return build_form(self._strategies[name], registry)
            case EditForm(toml=toml, edit=edit):
                return build_form(apply_edit(toml, edit, registry), registry)
        return super()._answer_strategies(command)


async def test_renaming_a_node_of_a_real_form_keeps_its_rows_and_all_that_names_it(opened: Opened) -> None:
    engine = RealForms()
    async with opened(engine, "build") as pilot:
        name = await open_form(pilot, "indicators.fast.@name")
        assert isinstance(name.editor, Input)
        name.editor.value = "quick"
        await pilot.pause(0.3)
        assert not engine.asked(EditForm)  # a name is taken when it is complete, not letter by letter
        await pilot.press("enter")
        await until(pilot, lambda: "[indicators.quick]" in draft_of(pilot).view.toml)
        assert 'a = "quick"' in draft_of(pilot).view.toml
        await until(pilot, lambda: row(pilot, "indicators.quick.@name") is name)
        await open_form(pilot, "indicators.quick.length")
        await type_text(pilot, "0")
        await until(pilot, lambda: row(pilot, "indicators.quick.length").problem)


def test_a_draft_undoes_typing_in_one_field_as_one_step() -> None:
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
    ("words", "rank"), [(["rs"], 0), (["strength"], 1), (["moves"], 2), (["rsi", "ind"], 1), (["nope"], None)]
)
def test_search_prefers_names_to_descriptions(words: list[str], rank: int | None) -> None:
    choice = Choice(
        "indicators/rsi", "Relative strength index", "Share of rises in recent moves.", "indicator"
    )
    assert choice.rank(words) == rank
