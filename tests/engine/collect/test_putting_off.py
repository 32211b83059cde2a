"""A dataset whose calls fail for longer than their retries is put off and asked again; the others go on meanwhile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.engine.collect.helpers import LAST_CLOSED, NOW, World, run, truth
from tests.engine.exchange.fake_bybit import KLINE, URL
from tradebot.engine.collect import DatasetProgress, DatasetState, Order
from tradebot.engine.exchange.errors import error_for_status, timed_out
from tradebot.engine.market import DAY_MS

SINCE = NOW - 4 * DAY_MS


def failing_until(world: World, until_ms: int, make: Any) -> None:
    """BTCUSDT fails until a moment of the exchange's clock."""

    def fault(path: str, params: dict[str, Any]) -> Any:
        bad = path == KLINE and params["symbol"] == "BTCUSDT" and world.clock.now_ms() < until_ms
        return make() if bad else None

    world.bybit.faults.append(fault)


def looks_at(world: World, symbol: str) -> list[DatasetProgress]:
    return [item for look in world.reports for item in look.datasets if item.key.symbol == symbol]


@pytest.mark.parametrize("order", list(Order))
@pytest.mark.parametrize(
    "make",
    [lambda: timed_out(URL, KLINE), lambda: error_for_status(502, "<html>", URL, KLINE)],
    ids=["timeout", "HTML 502"],
)
def test_it_is_asked_again_later_and_ends_whole(tmp_path: Path, make: Any, order: Order) -> None:
    async def body(world: World) -> None:
        failing_until(world, NOW + 80_000, make)
        report = await world.collect("BTCUSDT", "ETHUSDT", since_ms=SINCE, until_ms=NOW, order=order)
        assert report.complete
        assert report.sentences == ()
        for symbol in ("BTCUSDT", "ETHUSDT"):
            assert world.stored(symbol) == truth(symbol, SINCE, LAST_CLOSED)
        resting = [look for look in looks_at(world, "BTCUSDT") if look.retry_at_ms is not None]
        assert resting
        assert resting[0].state is DatasetState.WAITING
        assert resting[0].sentence.startswith("linear/BTCUSDT_1m: The exchange at ")
        assert resting[0].retry_at_ms is not None
        assert resting[0].retry_at_ms > NOW + 30_000
        beside = next(look for look in world.reports if any(each.retry_at_ms for each in look.datasets))
        states = {item.key.symbol: item.state for item in beside.datasets}
        assert states["ETHUSDT"] is DatasetState.DONE

    run(tmp_path, body)


def test_after_two_more_rounds_it_fails_alone_with_its_sentence(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        failing_until(world, NOW + DAY_MS, lambda: timed_out(URL, KLINE))
        report = await world.collect("BTCUSDT", "ETHUSDT", since_ms=SINCE, until_ms=NOW)
        states = {item.key.symbol: item.state for item in report.datasets}
        assert states == {"BTCUSDT": DatasetState.FAILED, "ETHUSDT": DatasetState.DONE}
        assert report.missing_bars == 4 * 1440 - 1
        assert world.clock.now_ms() < NOW + 15 * 60_000
        assert "did not answer" in report.sentences[0]

    run(tmp_path, body)


def test_while_nothing_moves_the_look_says_until_when_a_ban_lasts_and_no_rate(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        banned = [error_for_status(403, "access too frequent", URL, KLINE)]

        def fault(path: str, params: dict[str, Any]) -> Any:
            return banned.pop() if path == KLINE and banned and world.bybit.calls[KLINE] > 3 else None

        world.bybit.faults.append(fault)
        report = await world.collect("BTCUSDT", since_ms=NOW - 20 * DAY_MS, until_ms=NOW)
        assert report.complete
        waiting = [look for look in world.reports if look.note.startswith("banned by the exchange until ")]
        assert len(waiting) > 500  # renewed each second for ten minutes
        assert (waiting[-1].rate, waiting[-1].eta_seconds) == (0.0, None)

    run(tmp_path, body)
