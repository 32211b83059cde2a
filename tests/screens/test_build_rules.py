"""Rules as sentences: typed, understood while they are typed, edited in place, moved, grouped, given up."""

from __future__ import annotations

import tomllib
from typing import Any

from textual.pilot import Pilot
from textual.widgets import Input

from tests.screens.build_steps import area_of, draft_of, form_of, go, settled, sheet_of, toml_of
from tests.screens.conftest import Opened, screen_text, until
from tests.support.fake_engine import FakeEngine
from tradebot.engine.messages import EditForm, FormEdit, ReadRule
from tradebot.screens.build_dialogs import NoteDialog
from tradebot.screens.build_rule_entry import RuleEntry
from tradebot.screens.pickers import PickDialog, PickManyDialog

KEYS = {" ": "space", "<": "less_than_sign", ">": "greater_than_sign", ".": "full_stop"}


def keys_of(text: str) -> list[str]:
    """The keys that type a text."""
    return [KEYS.get(char, char) for char in text]


def document(pilot: Pilot[None]) -> dict[str, Any]:
    """The strategy as its file says it."""
    return tomllib.loads(toml_of(pilot))


def entry_of(pilot: Pilot[None]) -> RuleEntry:
    return form_of(pilot).entry


def rules(pilot: Pilot[None]) -> list[str]:
    """The rules of the entry, in order."""
    return [row.text for row in draft_of(pilot).view.rows if row.place == "entry"]


async def begin(pilot: Pilot[None]) -> None:
    """A new strategy, with the question for its first rule closed again."""
    area_of(pilot).action_new()
    await until(pilot, lambda: entry_of(pilot).place == "entry")
    await pilot.press("escape")
    await until(pilot, lambda: pilot.app.focused is sheet_of(pilot))


async def add_rule(pilot: Pilot[None], text: str) -> None:
    """Type a rule and wait until it is there."""
    before = len(draft_of(pilot).view.rows)
    await pilot.press("n", *keys_of(text), "enter")
    await until(pilot, lambda: len(draft_of(pilot).view.rows) > before)
    await until(pilot, lambda: pilot.app.focused is sheet_of(pilot))


async def until_read(pilot: Pilot[None], text: str) -> None:
    """Wait until what was typed is understood, or not."""
    await until(pilot, lambda: (reading := entry_of(pilot).reading) is not None and reading.text == text)


async def test_from_nothing_rsi_below_30_takes_at_most_twelve_keys_and_no_name(opened: Opened) -> None:
    engine = FakeEngine("empty")
    engine.forms.mine.clear()
    async with opened(engine, "build") as pilot:
        assert area_of(pilot).draft is None
        keys = ["n", *keys_of("rsi<30"), "enter"]
        assert len(keys) <= 12
        await pilot.press(keys[0])
        await until(pilot, lambda: entry_of(pilot).place == "entry")
        await pilot.press(*keys[1:])
        await until(pilot, lambda: rules(pilot) == ["RSI 14 below 30"])
        assert len(pilot.app.screen_stack) == 1, "nothing is asked"
        assert draft_of(pilot).view.errors == 0
        await until(pilot, lambda: sheet_of(pilot).line is not None and sheet_of(pilot).line.row is not None)


async def test_a_whole_strategy_is_built_with_the_keyboard_alone(opened: Opened) -> None:
    async with opened(FakeEngine(), "build") as pilot:
        await begin(pilot)
        await add_rule(pilot, "rsi<30")
        await add_rule(pilot, "ema 200 4h rising")
        for value, kind in (("stop loss", "average"), ("take profit", "multiple of the risk")):
            await pilot.press("slash")
            await until(pilot, lambda: isinstance(pilot.app.screen, PickDialog))
            await pilot.press(*keys_of(value), "enter")
            await until(
                pilot, lambda value=value: sheet_of(pilot).cell and sheet_of(pilot).cell.field.label == value
            )
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(pilot.app.screen, PickDialog))
            await pilot.press(*keys_of(kind), "enter")
            await until(pilot, lambda: len(pilot.app.screen_stack) == 1)
            await settled(pilot)
        risk = document(pilot)["risk"]
        assert rules(pilot) == ["RSI 14 below 30", "EMA 200 4h rising"]
        assert risk["stop_loss"]["use"] == "atr"
        target = risk["take_profit"]
        target = target[0] if isinstance(target, list) else target
        assert (target["use"], target.get("multiple", 2.0)) == ("r", 2.0)
        assert draft_of(pilot).view.errors == 0


# ------------------------------------------------------------------------------------------ typing


async def test_what_is_understood_stands_below_while_typing(opened: Opened) -> None:
    async with opened(FakeEngine(), "build") as pilot:
        await begin(pilot)
        await pilot.press("n")
        await until(pilot, lambda: "Type what should be true" in screen_text(pilot))
        assert entry_of(pilot).reading is None or entry_of(pilot).reading.suggestions, (
            "there is something to begin with"
        )
        await pilot.press(*keys_of("rsi"))
        await until_read(pilot, "rsi")
        assert "× " in screen_text(pilot)
        await pilot.press(*keys_of("<30"))
        await until_read(pilot, "rsi<30")
        assert "= Long when RSI 14 below 30" in screen_text(pilot)
        assert "rsi<30 within 5 bars" in screen_text(pilot), "and what else it could become"


async def test_a_suggestion_is_walked_to_and_taken_over_or_added(opened: Opened) -> None:
    async with opened(FakeEngine(), "build") as pilot:
        await begin(pilot)
        await pilot.press("n", *keys_of("rsi<30"))
        await until_read(pilot, "rsi<30")
        second = entry_of(pilot).reading.suggestions[1].text
        await pilot.press("down", "down", "tab")
        assert entry_of(pilot).input.value == second, "Tab goes on with it"
        await until_read(pilot, second)
        await pilot.press("down")
        chosen = entry_of(pilot).reading.suggestions[0].text
        await pilot.press("enter")
        await until(pilot, lambda: rules(pilot))
        assert area_of(pilot).draft is not None
        assert chosen


async def test_enter_takes_the_best_suggestion_where_the_text_is_no_rule_yet(opened: Opened) -> None:
    async with opened(FakeEngine(), "build") as pilot:
        await begin(pilot)
        await pilot.press("n", *keys_of("ema 200"))
        await until_read(pilot, "ema 200")
        reading = entry_of(pilot).reading
        assert reading is not None and not reading.words
        await pilot.press("enter")
        await until(pilot, lambda: len(rules(pilot)) == 1)


async def test_enter_before_the_answer_waits_for_it(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "build") as pilot:
        await begin(pilot)
        await pilot.press("n")
        await until_read(pilot, "")
        engine.hold()
        await pilot.press(*keys_of("adx>20"), "enter")
        await until(pilot, lambda: "reading ..." in screen_text(pilot))
        assert not [each for each in engine.asked(EditForm) if each.edit.action == "rule"]
        engine.release()
        await until(pilot, lambda: rules(pilot) == ["ADX 14 above 20"])


async def test_what_is_no_rule_at_all_adds_nothing_and_stays_in_the_line(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "build") as pilot:
        await begin(pilot)
        await pilot.press("n", *keys_of("xyzzy"), "enter")
        await until_read(pilot, "xyzzy")
        await pilot.pause()
        assert not [each for each in engine.asked(EditForm) if each.edit.action == "rule"]
        assert entry_of(pilot).input.value == "xyzzy"
        assert "× " in screen_text(pilot)


async def test_what_was_typed_and_given_up_is_there_the_next_time(opened: Opened) -> None:
    async with opened(FakeEngine(), "build") as pilot:
        await begin(pilot)
        await pilot.press("n", *keys_of("macd cr"), "escape")
        await until(pilot, lambda: pilot.app.focused is sheet_of(pilot))
        await pilot.press("n")
        await until(pilot, lambda: entry_of(pilot).place)
        assert entry_of(pilot).input.value == "macd cr"
        await pilot.press("r")
        assert entry_of(pilot).input.value == "r", "typing on begins anew"


async def test_a_rule_that_is_refused_stays_in_the_line_with_the_reason(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "build") as pilot:
        await begin(pilot)
        await pilot.press("n", *keys_of("rsi<30"))
        await until_read(pilot, "rsi<30")
        engine.refuse[EditForm] = "There are too many rules."
        await pilot.press("enter")
        await until(pilot, lambda: "× There are too many rules." in screen_text(pilot))
        assert entry_of(pilot).input.value == "rsi<30"
        engine.refuse[ReadRule] = "The engine is busy."
        await pilot.press("1")
        await until(pilot, lambda: "× The engine is busy." in screen_text(pilot))


async def test_a_rule_goes_to_where_the_cursor_is(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "build") as pilot:
        await go(pilot, "risk.stop_loss")
        await pilot.press("n")
        await until(pilot, lambda: entry_of(pilot).place == "exit")
        assert "Add a rule: Exit when" in screen_text(pilot)
        await pilot.press(*keys_of("rsi>70"), "enter")
        await until(pilot, lambda: any(row.place == "exit" for row in draft_of(pilot).view.rows))
        await until(pilot, lambda: "Exit when" in sheet_of(pilot).plain)


async def test_letters_in_the_line_are_letters_and_the_footer_says_what_its_keys_do(opened: Opened) -> None:
    async with opened(FakeEngine(), "build") as pilot:
        await begin(pilot)
        await pilot.press("n", "n", "r", "2", "slash", "question_mark")
        assert entry_of(pilot).input.value == "nr2/?"
        assert pilot.app.query_one(Input).value is not None
        assert len(pilot.app.screen_stack) == 1
        keys = screen_text(pilot).splitlines()[-1]
        assert "Enter add the rule" in keys and "n rule" not in keys


# ------------------------------------------------------------------------------------------ lines


async def test_values_in_a_rule_are_typed_where_they_stand(opened: Opened) -> None:
    async with opened(FakeEngine(), "build") as pilot:
        await begin(pilot)
        await add_rule(pilot, "rsi<30")
        await pilot.press("right", "right", "2", "5", "enter")
        await until(pilot, lambda: rules(pilot) == ["RSI 14 below 25"])
        assert sheet_of(pilot).cell is not None and sheet_of(pilot).cell.field.text == "25"
        await pilot.press("left", "0", "enter")
        await until(pilot, lambda: "× " in screen_text(pilot) and draft_of(pilot).view.errors)
        assert "RSI ▸0" in sheet_of(pilot).plain, "what is wrong stays where it was typed"


async def test_a_rule_is_switched_off_removed_copied_and_all_of_it_undone(opened: Opened) -> None:
    async with opened(FakeEngine(), "build") as pilot:
        await begin(pilot)
        await add_rule(pilot, "rsi<30")
        await add_rule(pilot, "adx>20")
        await pilot.press("space")
        await until(pilot, lambda: not draft_of(pilot).view.rows[1].enabled)
        assert "off" in screen_text(pilot)
        await pilot.press("x")
        await until(pilot, lambda: rules(pilot) == ["RSI 14 below 30"])
        await pilot.press("u", "u")
        await until(pilot, lambda: len(rules(pilot)) == 2 and draft_of(pilot).view.rows[1].enabled)
        line = sheet_of(pilot).line
        assert line is not None and line.key == "rule:entry.signals.2", "the cursor goes to what came back"
        await pilot.press("d")
        await until(pilot, lambda: len(rules(pilot)) == 3)


async def test_rules_are_moved_and_the_cursor_goes_with_them(opened: Opened) -> None:
    async with opened(FakeEngine(), "build") as pilot:
        await begin(pilot)
        await add_rule(pilot, "rsi<30")
        await add_rule(pilot, "adx>20")
        for key, order in (
            ("K", ["ADX 14 above 20", "RSI 14 below 30"]),
            ("shift+down", ["RSI 14 below 30", "ADX 14 above 20"]),
        ):
            await pilot.press(key)
            await until(pilot, lambda order=order: rules(pilot) == order)
            await until(pilot, lambda: "ADX" in sheet_of(pilot).line.row.text)


async def test_a_rule_gets_a_note_and_rules_become_a_group(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "build") as pilot:
        await begin(pilot)
        await add_rule(pilot, "rsi<30")
        await add_rule(pilot, "adx>20")
        await pilot.press("e")
        await until(pilot, lambda: isinstance(pilot.app.screen, NoteDialog))
        await pilot.press(*keys_of("in trends"), "enter")
        await until(pilot, lambda: 'note = "in trends"' in toml_of(pilot))
        assert "in trends" in screen_text(pilot)
        await pilot.press("w")
        await until(pilot, lambda: isinstance(pilot.app.screen, PickManyDialog))
        await pilot.press("down", "space", "enter")
        await until(pilot, lambda: draft_of(pilot).view.rows[0].kind == "group")
        rows = draft_of(pilot).view.rows
        assert [row.depth for row in rows] == [0, 1, 1]
        assert [each.edit.action for each in engine.asked(EditForm)][-1] == "wrap"
        sheet_of(pilot).go_to_key(f"rule:{rows[0].path}")
        await pilot.press("n")
        await until(pilot, lambda: entry_of(pilot).place == f"groups.{rows[0].name}")


async def test_a_signal_that_nothing_uses_is_put_to_use(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "build") as pilot:
        await begin(pilot)
        await add_rule(pilot, "rsi<30")
        await add_rule(pilot, "adx>20")
        name = draft_of(pilot).view.rows[1].name
        area_of(pilot).edit(FormEdit("member", "entry", name))
        await until(pilot, lambda: "not used: Space puts one into the rules above" in screen_text(pilot))
        sheet_of(pilot).go_to_key(f"rule:signals.{name}")
        await pilot.press("space")
        await until(pilot, lambda: len(rules(pilot)) == 2)
