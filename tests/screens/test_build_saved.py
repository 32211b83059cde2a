"""Strategies on disk: drafts that survive, saving as versions, templates, and what becomes of edits on the way."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from tests.screens.build_steps import area_of, draft_of, form_of, go, settled, sheet_of, toml_of, type_into
from tests.screens.conftest import Opened, screen_text, type_text, until
from tests.support.fake_engine import FakeEngine
from tests.support.fake_forms import EXAMPLES
from tradebot.engine.messages import (
    CompareVersions,
    DeleteStrategy,
    DraftView,
    DropDraft,
    KeepDraft,
    OpenVersion,
    SaveStrategy,
)
from tradebot.screens.build_dialogs import VersionsDialog, diff_lines
from tradebot.screens.build_strategies import StrategiesPane
from tradebot.screens.dialogs import Confirm, NameDialog
from tradebot.screens.pickers import PickDialog

EDITED = EXAMPLES["ema-x"].replace("length = 9", "length = 12")


async def edit_size(pilot: Pilot[None], digits: str = "42") -> None:
    """Type another size."""
    await go(pilot, "risk.sizing.percent")
    await pilot.press(*digits, "enter")
    await until(pilot, lambda: f"percent = {digits}" in toml_of(pilot))


def said(pilot: Pilot[None]) -> str:
    """Everything that was said in passing."""
    return "  ".join(each.message for each in pilot.app._notifications)


def entry_marks(pilot: Pilot[None]) -> dict[str, str]:
    """What stands behind each name in the list."""
    table = pilot.app.screen_stack[0].query_one(StrategiesPane).table
    return {entry.name: entry.mark[0] for entry in table.rows if entry is not None}


# ------------------------------------------------------------------------------------------ drafts


async def test_edits_are_kept_on_disk_a_moment_later_and_forgotten_when_they_are_taken_back(
    opened: Opened,
) -> None:
    engine = FakeEngine()
    async with opened(engine, "build") as pilot:
        await edit_size(pilot)
        await until(pilot, lambda: [each.name for each in engine.asked(KeepDraft)] == ["ema-x"])
        assert "percent = 42" in engine.asked(KeepDraft)[0].toml
        assert entry_marks(pilot)["ema-x"] == "v1 *"
        await pilot.press("u")
        await until(pilot, lambda: engine.asked(DropDraft) == [DropDraft("ema-x")])
        assert entry_marks(pilot)["ema-x"] == "v1"


async def test_edits_are_kept_at_once_when_another_area_is_shown(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tradebot.screens.build_keeping._PAUSE_SECONDS", 3600.0)
    engine = FakeEngine()
    async with opened(engine, "build") as pilot:
        await edit_size(pilot)
        assert not engine.asked(KeepDraft)
        await pilot.press("escape", "2")
        await until(pilot, lambda: engine.asked(KeepDraft))


async def test_edits_are_kept_when_the_program_ends(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tradebot.screens.build_keeping._PAUSE_SECONDS", 3600.0)
    engine = FakeEngine()
    async with opened(engine, "build") as pilot:
        await edit_size(pilot)
    assert [each.name for each in engine.asked(KeepDraft)] == ["ema-x"]


async def test_a_draft_that_cannot_be_kept_is_said_once_and_tried_again(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "build") as pilot:
        engine.refuse[KeepDraft] = "The disk is full."
        await edit_size(pilot)
        await until(pilot, lambda: "could not be kept as a draft: The disk is full." in said(pilot))
        del engine.refuse[KeepDraft]
        await edit_size(pilot, "43")
        await until(pilot, lambda: engine.forms.drafts)


async def test_a_draft_is_restored_at_the_next_start_and_that_is_said_once(opened: Opened) -> None:
    engine = FakeEngine()
    engine.forms.drafts["ema-x"] = DraftView("ema-x", EDITED, engine.now_ms)
    async with opened(engine, "build") as pilot:
        await until(pilot, lambda: "Draft restored: the unsaved edits of ema-x" in said(pilot))
        assert "length = 12" in toml_of(pilot)
        assert draft_of(pilot).edited
        assert said(pilot).count("restored") == 1
        sheet_of(pilot).focus()
        await pilot.press("u")
        await until(pilot, lambda: "length = 9" in toml_of(pilot) and not draft_of(pilot).unsaved)


async def test_a_text_that_was_no_toml_comes_back_as_it_was(opened: Opened) -> None:
    engine = FakeEngine()
    engine.forms.drafts["ema-x"] = DraftView("ema-x", EDITED + "\n[broken", engine.now_ms)
    async with opened(engine, "build") as pilot:
        await until(pilot, lambda: "The TOML text cannot be read" in screen_text(pilot))
        await pilot.press("f2")
        assert form_of(pilot).text_view.area.text.endswith("[broken")


async def test_a_draft_that_was_never_saved_is_in_the_list_and_can_be_opened_and_deleted(
    opened: Opened,
) -> None:
    engine = FakeEngine()
    engine.forms.drafts["ema-x"] = DraftView("ema-x", EDITED, engine.now_ms)
    engine.forms.drafts["idea"] = DraftView("idea", EXAMPLES["rsi-dip"], engine.now_ms)
    async with opened(engine, "build") as pilot:
        await until(pilot, lambda: draft_of(pilot).name == "idea")
        assert entry_marks(pilot)["idea"] == "draft"
        await until(pilot, lambda: "1 more in the list" in said(pilot))
        pane = pilot.app.query_one(StrategiesPane)
        pane.table.focus()
        pane.select("idea")
        await pilot.press("x")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
        await pilot.press("x")
        await until(pilot, lambda: "idea" not in entry_marks(pilot))
        assert not engine.asked(DeleteStrategy)
        assert "begins a strategy" in screen_text(pilot)


# ------------------------------------------------------------------------------------------ leaving


async def leave(pilot: Pilot[None], answer: str) -> None:
    """Open another strategy over edits, and answer what is to become of them."""
    await edit_size(pilot)
    area_of(pilot).open_strategy("rsi-dip")
    await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
    await pilot.press(answer)
    if answer != "escape":
        await until(pilot, lambda: area_of(pilot).draft is not None and draft_of(pilot).name == "rsi-dip")


async def test_leaving_with_edits_can_be_thought_better_of(opened: Opened) -> None:
    async with opened(FakeEngine(), "build") as pilot:
        await leave(pilot, "escape")
        assert draft_of(pilot).name == "ema-x"
        assert "percent = 42" in toml_of(pilot)


async def test_leaving_with_edits_saves_them(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "build") as pilot:
        await leave(pilot, "s")
        assert "percent = 42" in engine.asked(SaveStrategy)[0].toml
        assert not engine.forms.drafts


async def test_leaving_with_edits_keeps_them_for_the_next_time(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "build") as pilot:
        await leave(pilot, "k")
        assert entry_marks(pilot)["ema-x"] == "v1 *"
        area_of(pilot).open_strategy("ema-x")
        await until(pilot, lambda: draft_of(pilot).name == "ema-x")
        assert "percent = 42" in toml_of(pilot)


async def test_leaving_with_edits_discards_them(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "build") as pilot:
        await leave(pilot, "d")
        assert not engine.forms.drafts
        assert not engine.asked(SaveStrategy)
        area_of(pilot).open_strategy("ema-x")
        await until(pilot, lambda: draft_of(pilot).name == "ema-x")
        assert "percent = 130" in toml_of(pilot)


async def test_a_new_strategy_without_an_edit_is_left_without_a_question(opened: Opened) -> None:
    async with opened(FakeEngine(), "build") as pilot:
        area_of(pilot).action_new()
        await until(pilot, lambda: draft_of(pilot).name == "new-strategy")
        area_of(pilot).open_strategy("rsi-dip")
        await until(pilot, lambda: draft_of(pilot).name == "rsi-dip")


@pytest.mark.parametrize(
    ("answer", "saved", "drafts"),
    [("q", False, {"ema-x"}), ("s", True, set()), ("d", False, set())],
    ids=["kept as a draft", "saved", "discarded"],
)
async def test_quitting_with_edits_asks_what_becomes_of_them(
    opened: Opened, answer: str, saved: bool, drafts: set[str]
) -> None:
    engine = FakeEngine("empty")
    async with opened(engine, "build") as pilot:
        await edit_size(pilot)
        await pilot.press("ctrl+q")
        await until(pilot, lambda: "The edits of ema-x are not saved" in screen_text(pilot))
        await pilot.press(answer)
        await until(pilot, lambda: pilot.app._exit)
    assert bool(engine.asked(SaveStrategy)) is saved
    assert set(engine.forms.drafts) == drafts


# ------------------------------------------------------------------------------------------ saving


async def test_saving_makes_the_next_version_and_says_so(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "build") as pilot:
        await edit_size(pilot)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "ema-x is saved as v2." in said(pilot))
        assert not draft_of(pilot).unsaved
        assert not engine.forms.drafts
        await until(pilot, lambda: entry_marks(pilot)["ema-x"] == "v2")


async def test_what_is_saved_with_errors_says_so(opened: Opened) -> None:
    async with opened(FakeEngine(), "build") as pilot:
        await edit_size(pilot, "0")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "saved as v2, with 1 error to mend before it runs" in said(pilot))


async def test_saving_an_example_asks_for_a_name_and_warns_before_it_replaces(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "build") as pilot:
        area_of(pilot).open_strategy("rsi-dip")
        await until(pilot, lambda: draft_of(pilot).name == "rsi-dip")
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


async def test_a_refused_save_loses_nothing(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "build") as pilot:
        await edit_size(pilot)
        await until(pilot, lambda: engine.forms.drafts)
        engine.refuse[SaveStrategy] = "The strategies folder cannot be written."
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "The strategies folder cannot be written." in said(pilot))
        assert draft_of(pilot).unsaved
        await until(pilot, lambda: "percent = 42" in engine.forms.drafts["ema-x"].toml)


async def test_deleting_asks_and_examples_stay(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "build") as pilot:
        pane = pilot.app.query_one(StrategiesPane)
        pane.table.focus()
        pane.select("rsi-dip")
        await pilot.press("x")
        await pilot.pause()
        assert len(pilot.app.screen_stack) == 1
        pane.select("ema-x")
        await pilot.press("x")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
        await pilot.press("x")
        await until(pilot, lambda: engine.asked(DeleteStrategy) == [DeleteStrategy("ema-x")])
        await until(pilot, lambda: entry_marks(pilot)["ema-x"] == "draft")


# ------------------------------------------------------------------------------------------ beginning


async def test_the_empty_state_is_a_sentence_with_the_keys_that_work(opened: Opened) -> None:
    engine = FakeEngine("empty")
    engine.forms.mine.clear()
    async with opened(engine, "build") as pilot:
        text = screen_text(pilot)
        assert "tested while you type" in text
        assert "n  begins a strategy" in text and "t  begins from a template" in text
        await pilot.press("n")
        await until(pilot, lambda: area_of(pilot).draft is not None)
        await until(pilot, lambda: form_of(pilot).entry.place == "entry")
        assert "begins a strategy" not in screen_text(pilot)


async def test_while_the_engine_starts_the_form_says_so(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = FakeEngine("bare")
    snapshot = engine.snapshot()
    monkeypatch.setattr(engine, "snapshot", lambda: type(snapshot)())
    async with opened(engine, "build") as pilot:
        assert "Starting: the strategies are being read." in screen_text(pilot)
        monkeypatch.undo()
        await until(pilot, lambda: "tested while you type" in screen_text(pilot))


async def test_a_template_is_picked_and_is_not_unsaved_before_it_is_edited(opened: Opened) -> None:
    async with opened(FakeEngine(), "build") as pilot:
        await pilot.press("t")
        await until(pilot, lambda: isinstance(pilot.app.screen, PickDialog))
        assert "120 trades, +12.4 %" in screen_text(pilot)
        await type_text(pilot, "averages")
        await pilot.press("enter")
        await until(pilot, lambda: draft_of(pilot).name == "trend")
        assert not draft_of(pilot).edited
        await edit_size(pilot, "7")
        assert draft_of(pilot).edited


async def test_a_template_in_the_list_says_when_it_earns(opened: Opened) -> None:
    async with opened(FakeEngine(), "build") as pilot:
        await pilot.press("end")
        await until(pilot, lambda: "64 trades, +3.1 %" in screen_text(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: draft_of(pilot).name == "dip")


async def test_titles_in_the_list_are_passed_over(opened: Opened) -> None:
    async with opened(FakeEngine(), "build") as pilot:
        pane = pilot.app.query_one(StrategiesPane)
        assert pane.current is not None and pane.current.name == "ema-x"
        await pilot.press("down")
        assert pane.current is not None and pane.current.name == "rsi-dip"
        await pilot.press("up")
        assert pane.current is not None and pane.current.name == "ema-x"


# ------------------------------------------------------------------------------------------ TOML


async def test_the_text_and_the_form_are_the_same_strategy(opened: Opened) -> None:
    async with opened(FakeEngine(), "build") as pilot:
        await edit_size(pilot)
        await pilot.press("f2")
        area = form_of(pilot).text_view.area
        assert pilot.app.focused is area
        assert "percent = 42" in area.text
        area.move_cursor((2, len('category = "linear"')))
        area.insert("\n#x")
        await until(pilot, lambda: '"linear"\n#x\n' in toml_of(pilot))
        assert area.cursor_location == (3, 2)
        await pilot.press("escape")
        assert sheet_of(pilot).display
        await edit_size(pilot, "43")
        assert "#x" in toml_of(pilot), "a comment stays"
        await pilot.press("f2")
        assert "percent = 43" in area.text


async def test_a_text_that_is_no_toml_says_where_and_loses_nothing(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "build") as pilot:
        await pilot.press("f2")
        area = form_of(pilot).text_view.area
        area.move_cursor((0, 0))
        await type_text(pilot, "oops ")
        await settled(pilot)
        await until(pilot, lambda: "the text is no TOML" in str(form_of(pilot).border_subtitle))
        assert "line 1" in screen_text(pilot)
        await pilot.press("f2")
        await until(pilot, lambda: "The TOML text cannot be read" in screen_text(pilot))
        await go(pilot, "risk.sizing.percent")
        await pilot.press("4", "enter")
        await until(pilot, lambda: "F2 goes to it, u gives it up" in screen_text(pilot))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "Not saved:" in said(pilot))
        assert not engine.asked(SaveStrategy)
        await until(
            pilot, lambda: engine.forms.drafts and engine.forms.drafts["ema-x"].toml.startswith("oops")
        )
        await pilot.press("f2")
        assert area.text.startswith("oops [strategy]")
        await pilot.press("escape", "u")
        await until(pilot, lambda: draft_of(pilot).text.startswith("[strategy]"))
        assert "cannot be read" not in screen_text(pilot)
        await pilot.press("f2")
        assert area.text.startswith("[strategy]")


async def test_what_is_wrong_with_the_strategy_stands_below_its_text(opened: Opened) -> None:
    async with opened(FakeEngine(), "build") as pilot:
        await pilot.press("f2")
        area = form_of(pilot).text_view.area
        area.text = EXAMPLES["ema-x"].replace('timeframe = "5m"', 'timeframe = "5x"')
        await until(pilot, lambda: "× line 5: strategy.timeframe" in screen_text(pilot))
        area.move_cursor((0, 0))
        pilot.app.query_one("#checks").focus()
        await pilot.press("enter")
        await until(pilot, lambda: area.cursor_location == (4, 0))
        assert pilot.app.focused is area


# ------------------------------------------------------------------------------------------ versions


async def test_versions_are_listed_compared_by_value_and_opened(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "build") as pilot:
        await edit_size(pilot)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: draft_of(pilot).version == 2)
        await edit_size(pilot, "43")
        await pilot.press("v")
        await until(pilot, lambda: isinstance(pilot.app.screen, VersionsDialog))
        await pilot.press("down")
        await until(
            pilot, lambda: engine.asked(CompareVersions) and engine.asked(CompareVersions)[-1].old == 1
        )
        await until(
            pilot, lambda: "risk.sizing.percent" in screen_text(pilot) and "130.0" in screen_text(pilot)
        )
        await pilot.press("up", "c", "down")
        await until(pilot, lambda: "v1 against v2" in screen_text(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: engine.asked(OpenVersion) == [OpenVersion("ema-x", 1)])
        await until(pilot, lambda: "percent = 130" in toml_of(pilot))
        assert draft_of(pilot).unsaved, "nothing is changed on disk until it is saved"
        await pilot.press("u")
        await until(pilot, lambda: "percent = 43" in toml_of(pilot))


async def test_a_strategy_that_was_never_saved_has_no_versions_to_show(opened: Opened) -> None:
    async with opened(FakeEngine(), "build") as pilot:
        await edit_size(pilot)
        assert "v versions" in screen_text(pilot)
        area_of(pilot).copy_strategy("ema-x")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
        await pilot.press("k")
        await until(pilot, lambda: draft_of(pilot).name == "ema-x-copy")
        await until(pilot, lambda: "v versions" not in screen_text(pilot))


def test_differences_stand_side_by_side() -> None:
    from tradebot.engine.messages import DiffLine, VersionDiff

    diff = VersionDiff(
        "x", 1, 0, (DiffLine("risk.sizing.percent", "10", "25"), DiffLine("entry.trigger", "", "edge"))
    )
    lines = ["".join(text for text, _ in line).rstrip() for line in diff_lines(diff, 60)]
    assert lines == [
        "                     v1                  the form",
        " risk.sizing.percent 10                → 25",
        " entry.trigger       -                 → edge",
    ]
    assert "The same" in diff_lines(VersionDiff("x", 1, 2, ()), 60)[1][0][0]


async def test_typing_a_name_does_not_disturb_what_is_open(opened: Opened) -> None:
    async with opened(FakeEngine(), "build") as pilot:
        await type_into(pilot, "strategy.name")
        await type_text(pilot, "n r")
        await pilot.press("enter")
        await until(pilot, lambda: "filtern r" in toml_of(pilot))
