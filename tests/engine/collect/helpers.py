"""A collection on virtual time: Bybit in memory, the real store in a temporary folder."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from tests.engine.exchange.fake_bybit import KLINE, FakeBybit, true_bar
from tests.engine.exchange.virtual_time import VirtualClock, run_virtual
from tradebot.engine.collect import (
    CollectProgress,
    CollectReport,
    CollectRequest,
    StoreThread,
    collect_history,
)
from tradebot.engine.control.events import Level
from tradebot.engine.control.progress import CancelToken
from tradebot.engine.exchange import Exchange
from tradebot.engine.market import DAY_MS, MINUTE_MS, BarRow, Category, DatasetKey, Timeframe
from tradebot.engine.store import Store

_Result = TypeVar("_Result")
NOW = 1_700_000_040_000 + 30_000  # half a minute into a minute
LINEAR, M1, M5 = Category.LINEAR, Timeframe.M1, Timeframe.M5


class InlineThread(StoreThread):
    """Carries store calls out on the spot, so that virtual time stands still meanwhile."""

    def submit(self, work: Callable[[], _Result]) -> asyncio.Future[_Result]:
        future: asyncio.Future[_Result] = asyncio.get_running_loop().create_future()
        try:
            future.set_result(work())
        except Exception as error:  # noqa: BLE001 - handed to whoever waits
            future.set_exception(error)
        return future


@dataclass
class World:
    """Everything a test of collecting needs."""

    clock: VirtualClock
    bybit: FakeBybit
    exchange: Exchange
    store: Store
    cancel: CancelToken = field(default_factory=CancelToken)
    reports: list[CollectProgress] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    async def collect(
        self, *symbols: str, timeframes: tuple[Timeframe, ...] = (M1,), **options: Any
    ) -> CollectReport:
        since = options.pop("since_ms", NOW - DAY_MS)
        request = CollectRequest(LINEAR, symbols, timeframes, since, **options)
        return await collect_history(
            self.exchange,
            self.store,
            request,
            self.clock,
            self.reports.append,
            self.cancel,
            thread=InlineThread(),
        )

    def bars_asked(self, path: str = KLINE) -> int:
        """Bars in the windows of all kline calls since `bybit.asked` was cleared."""
        return sum(
            (call["end"] - call["start"]) // Timeframe.from_interval(call["interval"]).ms + 1
            for call in self.bybit.asked
            if call["path"] == path
        )

    def stored(self, symbol: str, timeframe: Timeframe = M1) -> list[BarRow]:
        return read_bars(self.store.folder, DatasetKey.of(LINEAR, symbol, timeframe))


def read_bars(folder: Path, key: DatasetKey) -> list[BarRow]:
    """The rows of a dataset's file, read without the store."""
    path = folder / key.category / key.file_name
    if not path.exists():
        return []
    _, *lines = path.read_text(encoding="utf-8").splitlines()
    # Bars of the mark price have no volume and no turnover.
    parts = ((line + ",,").split(",")[:7] if key.mark else line.split(",") for line in lines)
    return [BarRow(int(each[0]), *each[1:]) for each in parts]


def truth(symbol: str, start_ms: int, end_ms: int, timeframe: Timeframe = M1) -> list[BarRow]:
    """What the exchange has."""
    return [true_bar(symbol, at) for at in range(timeframe.ceil(start_ms), end_ms, timeframe.ms)]


def run(
    folder: Path, body: Callable[[World], Awaitable[_Result]], now_ms: int = NOW, **options: Any
) -> _Result:
    """Run a test body in a world on virtual time."""

    async def main(clock: VirtualClock) -> _Result:
        bybit = FakeBybit(clock, **options)
        notices: list[str] = []

        def notice(level: Level, sentence: str) -> None:
            notices.append(sentence)

        exchange = Exchange(bybit, clock, random.Random(1), notice=notice)
        world = World(clock, bybit, exchange, Store(folder, clock), notices=notices)
        return await body(world)

    return run_virtual(main, now_ms)


LAST_CLOSED = M1.floor(NOW)
MINUTE = MINUTE_MS
