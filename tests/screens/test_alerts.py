"""An alert is heard as well as seen, once; other events stay silent."""

from __future__ import annotations

import pytest

from tests.screens.conftest import Opened, until
from tests.support.fake_engine import FakeEngine
from tradebot.app import TradebotApp
from tradebot.engine.messages import EventView


async def test_only_an_alert_rings_the_bell(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    rung: list[int] = []
    monkeypatch.setattr(TradebotApp, "bell", lambda self: rung.append(1))
    engine = FakeEngine()
    async with opened(engine) as pilot:
        engine.say("warning", "A file is locked.")
        await until(pilot, lambda: len(pilot.app._notifications) == 1)
        assert rung == []
        last = max((event.sequence for event in engine._events), default=0)
        engine._events.append(
            EventView(last + 1, engine.now_ms, "warning", "alerts", "BTCUSDT is above 60,000.")
        )
        await until(pilot, lambda: len(pilot.app._notifications) == 2)
        await pilot.pause(0.3)
        assert rung == [1]


async def test_two_alerts_that_differ_in_figures_only_are_both_told_with_one_ring(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[int] = []
    monkeypatch.setattr(TradebotApp, "bell", lambda self: rung.append(1))
    engine = FakeEngine()
    async with opened(engine) as pilot:
        await until(pilot, lambda: pilot.app.latest.ready)
        engine.say("warning", "BTCUSDT is above 60,000: 61,002.", "alerts")
        engine.say("warning", "BTCUSDT is above 61,000: 61,002.", "alerts")
        await until(pilot, lambda: len(pilot.app._notifications) == 2)
        assert rung == [1]
