"""The window of the alerts: every key does what it says, wrong input is a sentence, the chart shows what waits."""

from __future__ import annotations

import re

import pytest
from textual.pilot import Pilot

from tests.screens.conftest import Opened, screen_text, type_text, until
from tests.support.fake_engine import FakeEngine
from tradebot.engine import messages as m
from tradebot.screens.alert_form import AlertForm
from tradebot.screens.alerts_dialog import AlertsDialog
from tradebot.screens.chart_pane import ChartPane
from tradebot.screens.dialogs import Confirm
from tradebot.screens.palette_commands import commands_of, things_of
from tradebot.screens.pickers import PickDialog
from tradebot.screens.widgets.segments import Segments


@pytest.fixture
def engine() -> FakeEngine:
    engine = FakeEngine()
    engine.alerts.fill(engine.now_ms)
    return engine


async def shows(pilot: Pilot[None], kind: type) -> None:
    await until(pilot, lambda: isinstance(pilot.app.screen, kind))
    await pilot.pause()


async def open_list(pilot: Pilot[None]) -> AlertsDialog:
    pilot.app.open_alerts()
    await shows(pilot, AlertsDialog)
    dialog = pilot.app.screen
    assert isinstance(dialog, AlertsDialog)
    await until(pilot, lambda: dialog.query_one("#alerts").rows or not pilot.app.latest.alerts)
    return dialog


async def form_of(pilot: Pilot[None], kind: str) -> AlertForm:
    await pilot.press("n")
    await shows(pilot, PickDialog)
    await type_text(pilot, kind[:2])
    await pilot.press("enter")
    await shows(pilot, AlertForm)
    assert isinstance(pilot.app.screen, AlertForm)
    return pilot.app.screen


# ---------------------------------------------------------------------------------------------- the list


async def test_the_list_tells_state_condition_and_what_was_told(opened: Opened, engine: FakeEngine) -> None:
    async with opened(engine, size=(80, 24)) as pilot:
        dialog = await open_list(pilot)
        text = screen_text(pilot)
        for said in ("● armed", "z until", "○ off", "BTCUSDT crosses 63500", "Alerts 6", "4 armed"):
            assert said in text
        assert "Told 3 times, last" in text
        assert "n new" in str(dialog.query_one("#dialog").border_subtitle)


async def test_it_fits_a_terminal_of_any_width(opened: Opened, engine: FakeEngine) -> None:
    async with opened(engine, size=(100, 30)) as pilot:
        dialog = await open_list(pilot)
        for width, height in ((80, 24), (100, 30), (107, 30), (120, 35), (200, 50)):
            await pilot.resize_terminal(width, height)
            await pilot.pause()
            box = dialog.query_one("#dialog")
            assert box.region.right <= width
            assert box.region.bottom <= height
            await until(pilot, lambda at=box: len(str(at.border_subtitle)) <= at.size.width + 2)


async def test_space_switches_off_and_on_and_t_tells_an_example(opened: Opened, engine: FakeEngine) -> None:
    async with opened(engine) as pilot:
        await open_list(pilot)
        await pilot.press("space")
        await until(pilot, lambda: engine.alerts.alerts[0].state == "off")
        await until(pilot, lambda: pilot.app.screen.current.state == "off")
        await pilot.press("space")
        await until(pilot, lambda: engine.alerts.alerts[0].state == "armed")
        await pilot.press("down", "down", "space")
        await until(pilot, lambda: engine.alerts.alerts[2].state == "armed")
        await pilot.press("t")
        await until(pilot, lambda: engine.asked(m.TellExample))
        await until(pilot, lambda: any("Switched off" in each.message for each in pilot.app._notifications))


async def test_z_snoozes_for_a_while_or_until_it_is_armed(opened: Opened, engine: FakeEngine) -> None:
    async with opened(engine) as pilot:
        await open_list(pilot)
        for typed, minutes in (("1 h", 60), ("3d", 4320), ("until", 0)):
            await pilot.press("z")
            await shows(pilot, PickDialog)
            await type_text(pilot, typed)
            await pilot.press("enter")
            state = "snoozed" if minutes else "off"
            until_ms = engine.now_ms + minutes * 60_000 if minutes else 0
            await until(
                pilot,
                lambda wanted=(state, until_ms): (
                    engine.alerts.alerts[0].state, engine.alerts.alerts[0].snoozed_until_ms
                ) == wanted,
            )  # fmt: skip
            await until(pilot, lambda wanted=state: pilot.app.screen.current.state == wanted)


async def test_delete_asks_and_removes_and_what_fires_meanwhile_is_seen(
    opened: Opened, engine: FakeEngine
) -> None:
    async with opened(engine) as pilot:
        await open_list(pilot)
        await pilot.press("delete")
        await shows(pilot, Confirm)
        await pilot.press("escape", "delete")
        await shows(pilot, Confirm)
        assert len(engine.alerts.alerts) == 6
        await pilot.press("y")
        await until(pilot, lambda: len(engine.alerts.alerts) == 5)
        await until(pilot, lambda: pilot.app.screen.current.name == "dip")
        engine.alerts.history = (m.ToldView(engine.now_ms, "disk", "Only 4 GB."), *engine.alerts.history)
        engine.alerts.alerts = engine.alerts.alerts[1:]
        await until(pilot, lambda: "History 4" in screen_text(pilot))
        assert pilot.app.screen.current.name == "eth-slide"


async def test_tab_shows_what_was_told_and_y_copies_either(opened: Opened, engine: FakeEngine) -> None:
    async with opened(engine) as pilot:
        await open_list(pilot)
        await pilot.press("y")
        assert pilot.app.clipboard.startswith("btc-63500: BTCUSDT crosses 63500")
        await until(pilot, lambda: "History 3" in screen_text(pilot))
        await pilot.press("tab", "down", "y")
        assert "dip: BTCUSDT 15m: rsi below 30: told." in pilot.app.clipboard
        assert "z snooze" not in str(pilot.app.screen.query_one("#dialog").border_subtitle)
        await pilot.press("n", "z", "delete", "space", "t")
        assert isinstance(pilot.app.screen, AlertsDialog)
        await pilot.press("tab")
        assert pilot.app.screen.current is not None


# ---------------------------------------------------------------------------------------------- the form


async def test_every_kind_is_added_with_enter_as_it_is_filled_in(opened: Opened) -> None:
    engine = FakeEngine()
    sentences = {
        "price": r"BTCUSDT crosses [\d.]+",
        "quick": r"BTCUSDT moves 3% in 15m",
        "rule": r"BTCUSDT 15m: rsi below 30",
        "strategy": r"strategy \S+",
        "stale": r"feed stale 60s",
        "gap": r"gap found",
        "job": r"job failed",
        "disk": r"disk below 5 GB",
    }
    async with opened(engine) as pilot:
        await open_list(pilot)
        for number, (kind, sentence) in enumerate(sentences.items(), 1):
            if number <= 2:
                await form_of(pilot, kind)
            else:
                pilot.app.screen._open_form(kind)
                await shows(pilot, AlertForm)
            await pilot.press("enter")
            await until(pilot, lambda wanted=number: len(engine.alerts.alerts) == wanted)
            added = engine.alerts.alerts[-1]
            assert re.fullmatch(sentence, added.when)
            await shows(pilot, AlertsDialog)
            await until(pilot, lambda wanted=added: pilot.app.screen.current == wanted)
        assert {each.kind for each in engine.alerts.alerts} == {
            "price", "move", "rule", "strategy", "stale", "gap", "job", "disk",
        }  # fmt: skip


async def test_wrong_input_is_a_sentence_below_its_field_and_nothing_is_added(
    opened: Opened, engine: FakeEngine
) -> None:
    forms: dict[str, tuple[tuple[str, str, str, str], ...]] = {
        "price": (
            ("level", "abc", "level", "Write a number above 0"),
            ("level", "0", "level", "Write a number above 0"),
            ("symbol", "", "symbol", "Name a symbol as the exchange writes it"),
        ),
        "move": (
            ("span", "soon", "span", "Write a length of time: 30s"),
            ("span", "2d", "span", "A move is watched over a day at most"),
            ("again", "5s", "again", "30s at least"),
            ("name", "a b", "name", "letters, digits"),
            ("name", "dip", "name", "There is an alert dip already"),
        ),
        "rule": (("timeframe", "7m", "rule", "7m is no timeframe"),),
    }
    async with opened(engine) as pilot:
        await open_list(pilot)
        for kind, cases in forms.items():
            form = AlertForm(kind, {"symbol": "BTCUSDT", "level": "60000"})
            await pilot.app.push_screen(form)
            for field, text, place, said in cases:
                before = form.query_one(f"#{field}").value
                form.query_one(f"#{field}").value = text
                note = form.query_one(f"#{place}-problem")
                await until(pilot, lambda at=note, words=said: words in str(at.content) and at.display)
                form.query_one(f"#{field}").focus()
                await pilot.press("enter")
                assert pilot.app.screen is form, text
                form.query_one(f"#{field}").value = before
            await pilot.press("escape")
        assert len(engine.alerts.alerts) == 6


async def test_how_it_is_understood_stands_below_and_f2_picks_a_symbol_with_its_price(opened: Opened) -> None:
    engine = FakeEngine()
    engine.alerts.hint = "No price of XRPUSDT comes in now."
    async with opened(engine) as pilot:
        await open_list(pilot)
        form = await form_of(pilot, "price")
        form.query_one("#symbol").value = "xrpusdt"
        await until(pilot, lambda: "Tells: XRPUSDT crosses" in form.query_one("#reading").plain)
        assert "No price of XRPUSDT" in form.query_one("#reading").plain
        form.query_one("#symbol").value = ""
        await pilot.press("f2")
        await shows(pilot, PickDialog)
        await type_text(pilot, "eth")
        await pilot.press("enter")
        await shows(pilot, AlertForm)
        quote = next(each for each in engine.snapshot().quotes if each.symbol == "ETHUSDT")
        assert (form.query_one("#symbol").value, form.query_one("#level").value) == ("ETHUSDT", quote.last)


async def test_words_are_chosen_by_key_and_by_click(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine) as pilot:
        await open_list(pilot)
        form = await form_of(pilot, "price")
        way = form.query_one("#way", Segments)
        way.focus()
        await pilot.press("right")
        assert way.value == "above"
        await pilot.press("left", "left")
        assert way.value == "below"
        await pilot.click("#way", offset=(1, 0))
        assert way.value == "crosses"
        await pilot.press("space", "enter")
        await until(pilot, lambda: engine.alerts.alerts)
        assert " above " in engine.alerts.alerts[0].when


async def test_enter_changes_an_alert_in_words(opened: Opened, engine: FakeEngine) -> None:
    async with opened(engine) as pilot:
        await open_list(pilot)
        await pilot.press("enter")
        await shows(pilot, AlertForm)
        form = pilot.app.screen
        assert form.query_one("#when").value == "BTCUSDT crosses 63500"
        form.query_one("#when").value = "BTCUSDT above 64000"
        form.query_one("#when").focus()
        await pilot.press("enter")
        await until(pilot, lambda: engine.alerts.alerts[0].when == "BTCUSDT above 64000")
        assert engine.alerts.alerts[0].name == "btc-63500"
        assert engine.alerts.alerts[0].again == "1h"


# ---------------------------------------------------------------------------------------------- the chart


async def test_a_on_the_chart_fills_in_symbol_and_the_price_under_the_cursor(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "chart") as pilot:
        chart = pilot.app.query_one(ChartPane)
        await until(pilot, lambda: chart.settled and chart.view is not None)
        await pilot.press("left", "left")
        await until(pilot, lambda: chart.settled and chart.cursor_price)
        price = chart.cursor_price
        await pilot.press("a")
        await shows(pilot, AlertForm)
        form = pilot.app.screen
        assert (form.query_one("#symbol").value, form.query_one("#level").value) == ("BTCUSDT", price)
        await pilot.press("enter")
        await until(pilot, lambda: engine.alerts.alerts)
        assert engine.alerts.alerts[0].when == f"BTCUSDT crosses {price}"
        await shows(pilot, AlertsDialog)
        await pilot.press("escape", "escape")
        await until(pilot, lambda: chart.picture.levels == (float(price),) and chart.picture.cursor is None)
        assert "1 alert armed" in str(chart.border_subtitle)
        assert f"◂{float(price):,.1f}" in chart.chart.plain.replace(" ", "")
        assert "╌╌╌" in chart.chart.plain


async def test_only_armed_alerts_on_the_symbol_are_drawn(opened: Opened, engine: FakeEngine) -> None:
    async with opened(engine, "chart") as pilot:
        chart = pilot.app.query_one(ChartPane)
        await until(pilot, lambda: chart.settled and chart.picture.levels == (63_500.0,))
        assert "2 alerts armed" in str(chart.border_subtitle)
        first = engine.alerts.alerts[0]
        engine.alerts.answer(m.ArmAlert(first.name, armed=False), engine.now_ms)
        await until(pilot, lambda: chart.picture.levels == ())
        assert "1 alert armed" in str(chart.border_subtitle)


async def test_a_narrow_chart_tells_the_number_on_its_tab(opened: Opened, engine: FakeEngine) -> None:
    async with opened(engine, "chart", size=(80, 24)) as pilot:
        await until(pilot, lambda: "Chart 2 alerts" in screen_text(pilot))


async def test_the_palette_opens_the_alerts_and_the_form_for_a_symbol(opened: Opened) -> None:
    async with opened(FakeEngine()) as pilot:
        found = {entry.title: entry for entry in (*commands_of(pilot.app), *things_of(pilot.app, ()))}
        found["Alerts"].run()
        await shows(pilot, AlertsDialog)
        await until(pilot, lambda: "No alerts yet" in screen_text(pilot))
        await pilot.press("escape")
        found["Alert: price on ETHUSDT"].run()
        await shows(pilot, AlertForm)
        assert pilot.app.screen.query_one("#symbol").value == "ETHUSDT"


# ---------------------------------------------------------------------------------------------- who looks


async def test_the_engine_is_told_when_the_person_looks_away(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine) as pilot:
        pilot.app.app_focus = False
        await until(pilot, lambda: engine.asked(m.NoteFocus) == [m.NoteFocus(focused=False)])
        pilot.app.app_focus = True
        await until(pilot, lambda: engine.asked(m.NoteFocus)[-1] == m.NoteFocus(focused=True))
