"""The one border between screens and engine: what a screen may ask of it, and how it waits for an answer."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from typing import Any, Protocol

from tradebot.engine.messages import Command, EngineSnapshot


class EngineHandle(Protocol):
    """An engine as screens see it. It runs on its own threads; none of its calls blocks longer than a moment."""

    def start(self) -> None:
        """Open the data folder and the connections. Raises TradebotError with a sentence for the person."""
        ...

    def stop(self, timeout: float) -> None:
        """End all work, keeping what is on disk whole; returns after at most `timeout` seconds. Harmless twice."""
        ...

    def snapshot(self) -> EngineSnapshot:
        """Everything a screen shows without asking. Cheap; from any thread."""
        ...

    def execute(self, command: Command) -> Future[Any]:
        """Hand over a command. A refused one gives a future with a TradebotError."""
        ...


async def reply_to(engine: EngineHandle, command: Command) -> Any:
    """Wait for the reply to a command without blocking the loop; raises what the engine refused it with.

    Cancelling the wait leaves the engine's future alone, so that the engine never meets a cancelled one.
    """
    loop = asyncio.get_running_loop()
    waiting: asyncio.Future[Any] = loop.create_future()

    def settle(done: Future[Any]) -> None:
        if waiting.done():
            return
        error = done.exception()
        if error is not None:
            waiting.set_exception(error)
        else:
            waiting.set_result(done.result())

    def hand_over(done: Future[Any]) -> None:
        try:
            loop.call_soon_threadsafe(settle, done)
        except RuntimeError:
            return  # the app has closed its loop: nobody waits any more

    engine.execute(command).add_done_callback(hand_over)
    return await waiting
