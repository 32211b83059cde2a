"""Collecting in a child process, so that bulk history never slows the screen: the same code, progress as messages.

`python -m tradebot.engine.collect.child` reads one line of JSON (a `ChildOrder`) from standard input, writes lines of
JSON to standard output, and stops cleanly when its standard input closes: cancelled, or its parent has died.
"""

from __future__ import annotations

import asyncio
import gc
import json
import random
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tradebot.engine.collect.history import collect_history
from tradebot.engine.collect.progress import CollectProgress, CollectReport
from tradebot.engine.collect.request import CollectRequest
from tradebot.engine.control.clock import SystemClock
from tradebot.engine.control.errors import (
    EXIT_INTERRUPTED,
    EXIT_USAGE,
    CancelledError,
    InputError,
    ShortfallError,
    TradebotError,
)
from tradebot.engine.control.events import Level
from tradebot.engine.control.jobs import lower_thread_priority
from tradebot.engine.control.progress import CancelToken
from tradebot.engine.exchange import Exchange, PybitRest, Throttle
from tradebot.engine.market import Category, Timeframe
from tradebot.engine.store import Store

_CREATE_NO_WINDOW = 0x08000000
_BELOW_NORMAL_PRIORITY_CLASS = 0x00004000
_LINE_LIMIT = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class ChildOrder:
    """What the child is told: where the exchange and the data folder are, and what to collect."""

    url: str
    folder: str
    source: str
    budget_percent: float
    timeout_seconds: float
    category: str
    symbols: tuple[str, ...]
    timeframes: tuple[str, ...]
    since_ms: int
    until_ms: int | None

    def request(self) -> CollectRequest:
        """The order as a request. Raises InputError where it asks for nothing."""
        return CollectRequest(
            Category(self.category),
            tuple(self.symbols),
            tuple(Timeframe(name) for name in self.timeframes),
            self.since_ms,
            self.until_ms,
        )


@dataclass(frozen=True, slots=True)
class ChildOutcome:
    """How the child ended: bars added, bars the exchange does not have, sentences about what fell short."""

    complete: bool
    bars_added: int
    missing_bars: int
    datasets: int
    sentences: tuple[str, ...]


async def collect_in_child(
    order: ChildOrder, hear: Callable[[dict[str, Any]], None], cancel: CancelToken
) -> ChildOutcome:
    """Run an order in a child process; `hear` gets each of its messages on the running loop.

    Messages are dicts with one key: `progress` or `notice`. Raises the child's refusals, and ShortfallError where it
    died. A cancelled child is asked to stop, keeps what it has and the outcome says what that is.
    """
    flags = _CREATE_NO_WINDOW | _BELOW_NORMAL_PRIORITY_CLASS if sys.platform == "win32" else 0
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-X",
        "utf8",
        "-m",
        "tradebot.engine.collect.child",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=_LINE_LIMIT,
        creationflags=flags,
    )
    if process.stdin is None or process.stdout is None or process.stderr is None:
        raise ShortfallError("The collecting process could not be started.")
    watch = asyncio.create_task(_close_when_cancelled(process.stdin, cancel))
    complaint = asyncio.create_task(process.stderr.read())
    try:
        process.stdin.write((json.dumps(asdict(order)) + "\n").encode())
        await process.stdin.drain()
        async for line in process.stdout:
            message = json.loads(line)
            if "outcome" in message:
                values = message["outcome"]
                return ChildOutcome(**{**values, "sentences": tuple(values["sentences"])})
            if message.get("exit_code") == EXIT_INTERRUPTED:
                raise CancelledError(message["refusal"])
            if "refusal" in message:
                kind = InputError if message["exit_code"] == EXIT_USAGE else ShortfallError
                raise kind(message["refusal"])
            hear(message)
        last = (await complaint).decode("utf-8", "replace").strip().splitlines()
        why = f" ({last[-1]})" if last else ""
        raise ShortfallError(
            f"The collecting process ended early{why}; what it stored is kept. Start it again."
        )
    finally:
        watch.cancel()
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), 5)
        except TimeoutError:
            process.kill()
        complaint.cancel()


async def _close_when_cancelled(stdin: asyncio.StreamWriter, cancel: CancelToken) -> None:
    while not cancel.cancelled:  # noqa: ASYNC110 - a threading event cannot be awaited
        await asyncio.sleep(0.05)
    stdin.close()


def main() -> None:
    """The child itself."""
    lower_thread_priority()
    # Bars hold no cycles: looking for some among them at the usual pace took a quarter of the processor time.
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    line = sys.stdin.readline()
    if not line:
        return
    values = json.loads(line)
    order = ChildOrder(
        **{**values, "symbols": tuple(values["symbols"]), "timeframes": tuple(values["timeframes"])}
    )
    cancel = CancelToken()
    threading.Thread(target=_cancel_at_end_of_input, args=(cancel,), daemon=True).start()
    try:
        report = asyncio.run(_collect(order, cancel))
    except TradebotError as error:
        _say({"refusal": error.sentence, "exit_code": error.exit_code})
    except KeyboardInterrupt:
        return
    else:
        outcome = ChildOutcome(
            report.complete, report.bars_added, report.missing_bars, len(report.datasets), report.sentences
        )
        _say({"outcome": asdict(outcome)})


async def _collect(order: ChildOrder, cancel: CancelToken) -> CollectReport:
    clock = SystemClock()
    store = Store(Path(order.folder), clock)
    store.claim_source(order.source)
    rest = PybitRest(order.url, order.timeout_seconds)
    throttle = Throttle(clock, order.budget_percent / 100)

    def notice(level: Level, sentence: str) -> None:
        _say({"notice": {"level": level.value, "sentence": sentence}})

    exchange = Exchange(rest, clock, random.Random(), throttle, notice)
    shown: dict[str, tuple[str, int]] = {}

    def report(progress: CollectProgress) -> None:
        changed = []
        for dataset in progress.datasets:
            look = (dataset.state.value, dataset.done_bars)
            if shown.get(str(dataset.key)) != look:
                shown[str(dataset.key)] = look
                changed.append(
                    [
                        str(dataset.key),
                        dataset.state.value,
                        dataset.done_bars,
                        dataset.total_bars,
                        dataset.sentence,
                    ]
                )
        budget = exchange.budget()
        _say(
            {
                "progress": {
                    "done": progress.done_bars,
                    "total": progress.total_bars,
                    "rate": progress.rate,
                    "eta": progress.eta_seconds,
                    "requests": progress.requests,
                    "note": progress.note,
                    "datasets": changed,
                    "used": budget.used,
                    "retries": budget.retries,
                    "banned_until_ms": budget.banned_until_ms,
                }
            }
        )

    try:
        return await collect_history(exchange, store, order.request(), clock, report, cancel)
    finally:
        rest.close()


def _cancel_at_end_of_input(cancel: CancelToken) -> None:
    sys.stdin.read()
    cancel.cancel()


def _say(message: dict[str, Any]) -> None:
    try:
        sys.stdout.write(json.dumps(message) + "\n")
        sys.stdout.flush()
    except OSError:
        # The parent is gone; the closed standard input ends this process in a moment.
        return


if __name__ == "__main__":
    main()
