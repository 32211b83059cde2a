"""Collects and follows in a process of its own until it is killed."""

from __future__ import annotations

import asyncio
import random
import sys
from pathlib import Path

from tradebot.engine.collect import CollectRequest, Hybrid, LiveFeed
from tradebot.engine.control.clock import ScaledClock, SystemClock
from tradebot.engine.control.errors import ShortfallError
from tradebot.engine.control.events import Level
from tradebot.engine.control.progress import CancelToken
from tradebot.engine.exchange import Exchange, PybitRest, Throttle
from tradebot.engine.market import Category, Timeframe
from tradebot.engine.store import Store


def notice(level: Level, sentence: str) -> None:
    """Tell the parent."""
    print(level.value, sentence, flush=True)


async def main() -> None:
    url, folder, now_ms, speed, since_ms, seed = sys.argv[1:]
    clock, rng = ScaledClock(int(now_ms), float(speed)), random.Random(seed)
    exchange = Exchange(PybitRest(url), clock, rng, Throttle(SystemClock(), 0.1), notice)
    store = Store(Path(folder), clock)
    feed = LiveFeed(exchange, store, Category.LINEAR, clock, rng, notice)
    feed.start()
    request = CollectRequest(
        Category.LINEAR, ("all",), (Timeframe.M1, Timeframe.M5), int(since_ms), follow=True, funding=False
    )
    while True:
        try:
            await Hybrid(exchange, store, feed, clock).run(request, lambda progress: None, CancelToken())
        except ShortfallError as error:
            print(error.sentence, flush=True)
            await asyncio.sleep(0.1)


if __name__ == "__main__":
    asyncio.run(main())
