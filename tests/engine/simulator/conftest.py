"""A small simulated exchange whose time stands still until a test moves it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tradebot.engine.control.clock import ManualClock
from tradebot.engine.simulator.listing import coins
from tradebot.engine.simulator.prices import PriceModel
from tradebot.engine.simulator.server import Simulator
from tradebot.engine.simulator.settings import SimulatorSettings

# 2025-03-12 10:20:30.500 UTC, a Wednesday.
NOW = 1_741_774_830_500


@pytest.fixture(scope="session")
def model() -> PriceModel:
    return PriceModel(7, coins(130))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
async def simulator(clock: ManualClock) -> AsyncIterator[Simulator]:
    server = Simulator(SimulatorSettings(seed=7, symbols=130), clock)
    await server.start()
    yield server
    await server.stop()
