"""What nobody caught ends the app with a sentence, not with a traceback; what fails beside the screen is logged."""

from __future__ import annotations

import logging

import pytest
from textual import events
from textual.app import ComposeResult

from tests.screens.conftest import Opened
from tests.support.fake_engine import FakeEngine
from tradebot.app import TradebotApp
from tradebot.engine.messages import GetSymbols
from tradebot.screens.area import Pane
from tradebot.screens.desk import desk_of, errand
from tradebot.screens.dialogs import Confirm, Dialog
from tradebot.screens.results import ResultsArea
from tradebot.screens.widgets.lines_view import LinesView


async def test_a_defect_ends_the_app_with_the_sentence_of_its_report() -> None:
    told: list[BaseException] = []

    def on_crash(error: BaseException) -> str:
        told.append(error)
        return "A defect of tradebot ended it; the report stands in crash.txt."

    app = TradebotApp(FakeEngine(), on_crash=on_crash)
    with pytest.raises(ZeroDivisionError):
        async with app.run_test() as pilot:
            app.call_later(lambda: 1 / 0)
            await pilot.pause()
            await pilot.pause()
            shown = [str(each) for each in app._exit_renderables]
    assert [type(error) for error in told] == [ZeroDivisionError]
    assert shown == ["A defect of tradebot ended it; the report stands in crash.txt."]
    assert app.return_code == 1


async def test_what_fails_beside_the_screen_is_logged_with_its_traceback(
    opened: Opened, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(FakeEngine()) as pilot:
        with caplog.at_level(logging.ERROR):
            pilot.app.report(KeyError("x"))
    record = caplog.records[-1]
    assert record.name == "tradebot.screens"
    assert record.exc_info is not None


class _Asking(Dialog):
    """Asks the engine and then draws, as dialogs do."""

    title_text = "Asking"

    def compose_body(self) -> ComposeResult:
        yield LinesView(id="answer")

    @errand("asking")
    async def load(self) -> None:
        await desk_of(self).ask(GetSymbols("linear"))
        self.query_one("#answer", LinesView).show([(("here", ""),)])

    @errand("asking")
    async def fail(self) -> None:
        self.query_one("#no-such-thing")


async def test_an_answer_to_a_window_that_was_closed_meanwhile_is_no_defect(
    opened: Opened, caplog: pytest.LogCaptureFixture
) -> None:
    engine = FakeEngine()
    async with opened(engine) as pilot:
        dialog = _Asking("Asking")
        await pilot.app.push_screen(dialog)
        engine.hold()
        worker = dialog.load()
        await pilot.pause()
        dialog.dismiss()
        await dialog.query("#answer").remove()
        engine.release()
        await pilot.pause()
        await pilot.pause()
        assert worker.is_finished
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_a_widget_that_is_missing_in_a_window_that_stands_is_one(
    opened: Opened, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(FakeEngine()) as pilot:
        dialog = _Asking("Asking")
        await pilot.app.push_screen(dialog)
        await dialog.fail().wait()
    assert "no-such-thing" in caplog.records[-1].getMessage()


async def test_a_window_that_is_answered_twice_closes_no_other(opened: Opened) -> None:
    async with opened(FakeEngine()) as pilot:
        below, above = _Asking(), Confirm("Quit", ("Still running.",), (("q", "quit"),))
        await pilot.app.push_screen(below)
        await pilot.app.push_screen(above)
        above.dismiss("q")
        above.dismiss("q")
        await pilot.pause()
        assert pilot.app.screen is below
        below.dismiss()
        await pilot.pause()
        below.dismiss()
        await pilot.pause()
        assert len(pilot.app.screen_stack) == 1


async def test_tab_leads_on_from_a_pane_that_was_hidden_meanwhile(opened: Opened) -> None:
    async with opened(FakeEngine("full"), "test") as pilot:
        area = pilot.app.query_one(ResultsArea)
        hidden = next(pane for pane in area.query(Pane) if pane not in area.panes)
        for key, expected in (("tab", area.panes[0]), ("shift+tab", area.panes[-1])):
            area._mark(hidden)
            await pilot.press(key)
            assert area.current_pane is expected


async def test_the_palette_closes_once_and_takes_page_keys_before_it_lists_anything(opened: Opened) -> None:
    async with opened(FakeEngine("full")) as pilot:
        app = pilot.app
        app.action_command_palette()
        await pilot.pause()
        palette = app.screen
        for key in ("pageup", "pagedown", "home", "end"):
            app.post_message(events.Key(key, None))
        await pilot.pause()
        palette.dismiss()
        palette.dismiss()
        await pilot.pause()
        assert len(app.screen_stack) == 1
