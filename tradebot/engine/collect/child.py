"""Collecting and repairing in a child process, so that neither slows the screen: the same code, progress as messages.

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
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tradebot.engine.collect.history import collect_history
from tradebot.engine.collect.progress import CollectProgress, DatasetProgress
from tradebot.engine.collect.repair import RepairOptions, RepairReport, repair
from tradebot.engine.collect.request import CollectRequest, Order
from tradebot.engine.collect.verifying import Verify
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
from tradebot.engine.control.processors import background_process
from tradebot.engine.control.progress import CancelToken
from tradebot.engine.exchange import Exchange, PybitRest, SharedBudget, Throttle
from tradebot.engine.market import Category, DatasetKey, Timeframe
from tradebot.engine.store import Store

_CREATE_NO_WINDOW = 0x08000000
_BELOW_NORMAL_PRIORITY_CLASS = 0x00004000
_LINE_LIMIT = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class ChildOrder:
    """What the child is told: where the exchange and the data folder are, and what to collect or repair.

    `kind` is collect or repair; a repair names its datasets in `keys` and passes over what is asked of a collection.
    `top` 0 means all symbols; `mark` are timeframes of mark-price bars; `verify` is nothing, sample or all.
    `budget_file` is where the processes of this machine share their request budget, empty for a budget of its own. The
    child is kept on so many `processors` (0: on all).
    """

    url: str
    folder: str
    source: str
    budget_percent: float
    timeout_seconds: float
    category: str = Category.LINEAR.value
    symbols: tuple[str, ...] = ()
    timeframes: tuple[str, ...] = ()
    since_ms: int = 0
    until_ms: int | None = None
    order: str = Order.OLDEST_FIRST.value
    top: int = 0
    mark: tuple[str, ...] = ()
    ask_holes_again: bool = False
    budget_file: str = ""
    kind: str = "collect"
    keys: tuple[str, ...] = ()
    verify: str = Verify.NOTHING.value
    from_exchange: bool = False
    processors: int = 0

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> ChildOrder:
        """The order that `asdict` and JSON made a mapping of."""
        lists = {name: tuple(value) for name, value in values.items() if isinstance(value, list)}
        return cls(**{**values, **lists})

    def request(self) -> CollectRequest:
        """The order as a request. Raises InputError where it asks for nothing."""
        return CollectRequest(
            Category(self.category),
            self.symbols,
            tuple(Timeframe(name) for name in self.timeframes),
            self.since_ms,
            self.until_ms,
            order=Order(self.order),
            top=self.top or None,
            mark_timeframes=tuple(Timeframe(name) for name in self.mark),
            ask_holes_again=self.ask_holes_again,
        )

    def repair_options(self) -> RepairOptions:
        """What a repair does beyond bad rows and gaps."""
        return RepairOptions(Verify(self.verify), self.from_exchange, self.ask_holes_again)


def order_for(request: CollectRequest, **where: Any) -> ChildOrder:
    """The order of a collection; `where` names the fields that are not the request's: url, folder, source and so on."""
    return ChildOrder(
        category=request.category.value,
        symbols=request.symbols,
        timeframes=tuple(each.value for each in request.timeframes),
        since_ms=request.since_ms,
        until_ms=request.until_ms,
        order=request.order.value,
        top=request.top or 0,
        mark=tuple(each.value for each in request.mark_timeframes),
        ask_holes_again=request.ask_holes_again,
        **where,
    )


@dataclass(frozen=True, slots=True)
class ChildOutcome:
    """How the child ended: bars added, bars that could not be had, sentences about what fell short.

    `information` is what is no shortfall (known holes of the exchange, a listing later than the start); `rows_moved`
    bad rows were put aside by a repair, whose `sentences` speak of every dataset.
    """

    complete: bool
    bars_added: int
    missing_bars: int
    datasets: int
    sentences: tuple[str, ...]
    information: tuple[str, ...] = ()
    rows_moved: int = 0

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> ChildOutcome:
        """The outcome that `asdict` and JSON made a mapping of."""
        lists = {name: tuple(value) for name, value in values.items() if isinstance(value, list)}
        return cls(**{**values, **lists})


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
                return ChildOutcome.from_json(message["outcome"])
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
    # Bars hold no cycles: looking for some among them at the usual pace took a quarter of the processor time.
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    line = sys.stdin.readline()
    if not line:
        return
    order = ChildOrder.from_json(json.loads(line))
    background_process(order.processors)
    cancel = CancelToken()
    threading.Thread(target=_cancel_at_end_of_input, args=(cancel,), daemon=True).start()
    try:
        outcome = asyncio.run(_carry_out(order, cancel))
    except TradebotError as error:
        _say({"refusal": error.sentence, "exit_code": error.exit_code})
    except KeyboardInterrupt:
        return
    else:
        _say({"outcome": asdict(outcome)})


async def _carry_out(order: ChildOrder, cancel: CancelToken) -> ChildOutcome:
    clock = SystemClock()
    store = Store(Path(order.folder), clock)
    store.claim_source(order.source)
    rest = PybitRest(order.url, order.timeout_seconds)
    shared = SharedBudget(Path(order.budget_file), clock) if order.budget_file else None
    throttle = Throttle(clock, order.budget_percent / 100, shared=shared, background=True)

    def notice(level: Level, sentence: str) -> None:
        _say({"notice": {"level": level.value, "sentence": sentence}})

    exchange = Exchange(rest, clock, random.Random(), throttle, notice)
    speaker = _Speaker(exchange)
    try:
        if order.kind == "repair":
            keys = [DatasetKey.parse(text) for text in order.keys]
            options = order.repair_options()
            repaired = await repair(exchange, store, keys, clock, speaker, cancel, options=options)
            return _outcome_of_repair(repaired)
        report = await collect_history(exchange, store, order.request(), clock, speaker, cancel)
        return ChildOutcome(
            report.complete,
            report.bars_added,
            report.missing_bars,
            len(report.datasets),
            report.sentences,
            report.information,
        )
    finally:
        rest.close()
        throttle.close()


def _outcome_of_repair(report: RepairReport) -> ChildOutcome:
    return ChildOutcome(
        report.complete,
        report.bars_added,
        report.missing_bars,
        len(report.datasets),
        report.sentences,
        rows_moved=report.rows_moved,
    )


class _Speaker:
    """Sends progress to the parent: totals each time, datasets when something about them has changed."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._shown: dict[DatasetKey, DatasetProgress] = {}

    def __call__(self, progress: CollectProgress) -> None:
        # A dataset's look is the same object until something changes.
        changed = [each for each in progress.datasets if self._shown.get(each.key) is not each]
        self._shown.update((each.key, each) for each in changed)
        budget = self._exchange.budget()
        look = {
            "done": progress.done_bars,
            "total": progress.total_bars,
            "rate": progress.rate,
            "eta": progress.eta_seconds,
            "requests": progress.requests,
            "note": progress.note,
            "datasets": [
                [str(each.key), each.state.value, each.done_bars, each.total_bars, each.sentence]
                for each in changed
            ],
            "details": {str(each.key): _details(each) for each in changed},
            "used": budget.used,
            "allowed": budget.allowed,
            "limit": budget.limit,
            "window_s": budget.window_s,
            "retries": budget.retries,
            "retries_by_kind": dict(budget.retries_by_kind),
            "banned_until_ms": budget.banned_until_ms,
        }
        _say({"progress": look})


def _details(dataset: DatasetProgress) -> dict[str, Any]:
    """Stored rows, bars a second, the newest stored bar, and when a failed dataset is asked again."""
    return {
        "rows": dataset.rows,
        "rate": round(dataset.rate, 1),
        "last_ms": dataset.last_ms,
        "retry_at_ms": dataset.retry_at_ms,
    }


def _cancel_at_end_of_input(cancel: CancelToken) -> None:
    sys.stdin.read()
    cancel.cancel()


def _say(message: Mapping[str, Any]) -> None:
    try:
        sys.stdout.write(json.dumps(message) + "\n")
        sys.stdout.flush()
    except OSError:
        # The parent is gone; the closed standard input ends this process in a moment.
        return


if __name__ == "__main__":
    main()
