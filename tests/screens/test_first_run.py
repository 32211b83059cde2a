"""From nothing to a backtest with three keys; what empty screens say leads there."""

from __future__ import annotations

from dataclasses import replace

from textual.pilot import Pilot

from tests.screens.conftest import Opened, screen_text, until
from tests.support import fake_data
from tests.support.fake_engine import FakeEngine
from tests.support.fake_forms import EXAMPLES
from tradebot.engine.messages import Collect, EngineSnapshot, RunBacktest
from tradebot.engine.strategy import apply_overrides
from tradebot.screens.first_run import STARTER, can_start, example_of, starter_cost
from tradebot.screens.results import ResultsArea


def history_arrives(engine: FakeEngine) -> None:
    """The collection ends; its bars are on disk."""
    for _ in range(400):
        engine.tick(5.0)
    engine._datasets = fake_data.make_datasets()
    assert not any(job.state == "running" for job in engine.snapshot().jobs)


def result_of(pilot: Pilot[None]) -> object:
    areas = pilot.app.query(ResultsArea)
    return areas.first().view if areas else None


async def test_three_keys_from_nothing_to_a_backtest(opened: Opened) -> None:
    engine = FakeEngine("empty")
    async with opened(engine) as pilot:
        assert "Enter Starter pack: BTC ETH SOL" in screen_text(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: engine.asked(Collect) == [STARTER])
        history_arrives(engine)
        await pilot.press("5")
        await until(pilot, lambda: "r runs ema-" in screen_text(pilot))
        await pilot.press("r")
        await until(pilot, lambda: engine.asked(RunBacktest))
        engine.tick(2.0)
        await until(pilot, lambda: result_of(pilot) is not None)


async def test_the_starter_pack_waits_until_the_exchange_is_reached(opened: Opened) -> None:
    engine = FakeEngine("empty")
    async with opened(engine) as pilot:
        engine.refuse[Collect] = "The exchange is not connected yet; try again in a moment."
        await pilot.press("enter", "5")
        await until(pilot, lambda: len(engine.asked(Collect)) >= 2)
        engine.refuse.clear()
        await until(pilot, lambda: any(job.kind == "collect" for job in engine.snapshot().jobs))
        asked = len(engine.asked(Collect))
        await pilot.pause(0.6)
        assert len(engine.asked(Collect)) == asked


async def test_the_example_waits_for_history_that_is_still_on_its_way(opened: Opened) -> None:
    engine = FakeEngine("empty")
    async with opened(engine) as pilot:
        await pilot.press("t")
        await until(pilot, lambda: engine.asked(Collect))
        await pilot.press("5")
        await until(pilot, lambda: "the history is on its way" in screen_text(pilot))
        await pilot.press("r")
        await pilot.pause(0.2)
        assert not engine.asked(RunBacktest)
        history_arrives(engine)
        await until(pilot, lambda: len(engine.asked(RunBacktest)) == 1)


async def test_empty_screens_say_which_key_leads_on(opened: Opened) -> None:
    said = {
        "3": ("No candles yet", "c   collect BTCUSDT"),
        "4": ("n  begins a strategy",),
        "5": ("nothing to run one on", "2 Data, there Enter collects: " + starter_cost()),
        "8": ("Nothing is logged yet", "2 and then n"),
    }
    engine = FakeEngine("bare")
    engine._datasets = ()
    async with opened(engine) as pilot:
        for key, sentences in said.items():
            await pilot.press(key)
            for sentence in sentences:
                await until(pilot, lambda sentence=sentence: sentence in screen_text(pilot))


def test_the_example_takes_hours_of_the_known_coins_else_what_there_is_most_of() -> None:
    full = FakeEngine().snapshot()
    datasets = tuple(each for each in fake_data.make_datasets() if each.rows)
    hours = tuple(
        replace(datasets[0], key=f"linear/{name}_1h", symbol=name, timeframe="1h", rows=100, mark=False)
        for name in ("AAAUSDT", "ETHUSDT", "BTCUSDT", "ZZZUSDT")
    )
    others = tuple(each for each in datasets if each.timeframe != "1h")
    found = example_of(replace(full, datasets=(*others, *hours)))
    assert found is not None
    assert found.timeframe == "1h"
    assert set(found.symbols[:2]) == {"ETHUSDT", "BTCUSDT"}
    assert len(found.symbols) == 3
    minutes = tuple(replace(each, timeframe="1m", mark=False) for each in datasets)
    other = example_of(replace(full, datasets=minutes))
    assert other is not None
    assert other.timeframe == "1m"
    assert example_of(EngineSnapshot()) is None
    assert example_of(replace(full, strategies=())) is None


def test_what_is_set_in_the_example_names_values_it_has() -> None:
    found = example_of(FakeEngine().snapshot())
    assert found is not None
    text = apply_overrides(next(iter(EXAMPLES.values())), dict(found.overrides))
    assert f'timeframe = "{found.timeframe}"' in text
    assert all(symbol in text for symbol in found.symbols)


def test_the_cost_is_what_a_year_of_three_coins_has() -> None:
    assert starter_cost() == "~131 k rows, 8 MB, 15 s"


def test_the_starter_pack_is_offered_only_where_nothing_is_and_something_can_be() -> None:
    assert can_start(FakeEngine("empty").snapshot())
    assert not any(can_start(FakeEngine(each).snapshot()) for each in ("full", "offline", "read-only"))
