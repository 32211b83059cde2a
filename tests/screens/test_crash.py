"""What nobody caught ends the app with a sentence, not with a traceback; what fails beside the screen is logged."""

from __future__ import annotations

import logging

import pytest

from tests.screens.conftest import Opened
from tests.support.fake_engine import FakeEngine
from tradebot.app import TradebotApp


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
