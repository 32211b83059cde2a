"""Repairing stored datasets: bad rows are put aside, and what is missing inside a file is asked for again.

Bars are asked from the exchange that the data folder belongs to. A dataset that a file was imported into may hold
bars of another market, which the exchange's own would be mixed with silently: it is left alone unless
`from_exchange` says that its gaps are to be filled all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from tradebot.engine.collect.confirming import not_to_ask
from tradebot.engine.collect.fetching import ENDS_THE_RUN, Fetching
from tradebot.engine.collect.history import Watch, carry_out, close_jobs
from tradebot.engine.collect.jobs import DatasetJob, Stored
from tradebot.engine.collect.ports import StorePort
from tradebot.engine.collect.progress import CollectProgress, Gap, spans_text
from tradebot.engine.collect.verifying import Contradiction, Verify, verify_dataset
from tradebot.engine.collect.windows import Range, subtract
from tradebot.engine.collect.writer import StoreThread
from tradebot.engine.control.clock import Clock
from tradebot.engine.control.errors import CancelledError, InputError, TradebotError
from tradebot.engine.control.progress import CancelToken, counted
from tradebot.engine.exchange import Exchange, ExchangeError
from tradebot.engine.market import Candles, DatasetKey
from tradebot.engine.market.times import iso_ms

NO_BARS = "the exchange has none of them, which is an outage of its own"


class Moved(Protocol):
    """Bad rows that were moved to the quarantine file: how many, where bars are missing now, and a sentence."""

    @property
    def rows(self) -> int:
        """Rows that were moved."""
        ...

    @property
    def ranges(self) -> Sequence[Range]:
        """Half-open ranges of open times that have lost their bars."""
        ...

    @property
    def sentence(self) -> str:
        """What was done, for a person."""
        ...


class RepairStore(StorePort, Protocol):
    """The store as repairing needs it."""

    def load(self, key: DatasetKey, start_ms: int | None = None, end_ms: int | None = None) -> Candles:
        """Stored bars."""
        ...

    def imported_from(self, key: DatasetKey) -> str | None:
        """The file that was imported into a dataset last, None where none was."""
        ...


MoveBadRows = Callable[[DatasetKey], Moved]
"""Moves the bad rows of a dataset to the quarantine file beside it; called on the store's thread."""


@dataclass(frozen=True, slots=True)
class RepairOptions:
    """What is done beyond bad rows and gaps.

    `verify` compares stored bars with the exchange's and reports those that differ, `from_exchange` fills gaps of
    imported datasets too, `ask_holes_again` asks also for bars that the exchange is known not to have.
    """

    verify: Verify = Verify.NOTHING
    from_exchange: bool = False
    ask_holes_again: bool = False


@dataclass(frozen=True, slots=True)
class DatasetRepair:
    """What became of one dataset. `missing` are the gaps that are left, `why` says why each dataset has any.

    `compared` bars were held against the exchange's.
    """

    key: DatasetKey
    rows_moved: int = 0
    bars_added: int = 0
    missing: tuple[Gap, ...] = ()
    why: str = ""
    compared: int = 0
    contradictions: tuple[Contradiction, ...] = ()
    failure: str = ""
    moved_sentence: str = ""
    information: str = ""

    @property
    def complete(self) -> bool:
        """Whether nothing is left to repair."""
        return not self.missing and not self.failure and not self.contradictions

    @property
    def sentence(self) -> str:
        """What was done and what could not be had, for a person."""
        parts = [self.moved_sentence] if self.moved_sentence else []
        if self.bars_added:
            parts.append(f"{counted(self.bars_added, 'bar')} fetched from the exchange.")
        if self.missing:
            bars = sum(gap.bars for gap in self.missing)
            spans = spans_text([(gap.start_ms, gap.end_ms) for gap in self.missing])
            parts.append(f"{counted(bars, 'bar')} could not be had, {self.why}: {spans}.")
        if self.contradictions:
            parts.append(_contradicting(self.contradictions, self.compared))
        elif self.compared:
            parts.append(f"{counted(self.compared, 'bar')} compared with the exchange, all equal.")
        parts += [each for each in (self.failure, self.information) if each]
        return f"{self.key}: {' '.join(parts) or 'nothing to repair.'}"

    def to_json(self) -> dict[str, Any]:
        """For a document."""
        return {
            "dataset": str(self.key),
            "complete": self.complete,
            "rows_moved": self.rows_moved,
            "bars_added": self.bars_added,
            "missing": [
                {"start": iso_ms(gap.start_ms), "end": iso_ms(gap.end_ms), "bars": gap.bars}
                for gap in self.missing
            ],
            "compared": self.compared,
            "contradictions": [each.to_json() for each in self.contradictions],
            "sentence": self.sentence,
        }


@dataclass(frozen=True, slots=True)
class RepairReport:
    """What a repair did, dataset by dataset, ready to print and to write as JSON."""

    datasets: tuple[DatasetRepair, ...]
    requests: int = 0
    seconds: float = 0.0

    @property
    def complete(self) -> bool:
        """Whether nothing is left to repair."""
        return all(each.complete for each in self.datasets)

    @property
    def bars_added(self) -> int:
        """Bars fetched and stored."""
        return sum(each.bars_added for each in self.datasets)

    @property
    def rows_moved(self) -> int:
        """Bad rows that went to the quarantine files."""
        return sum(each.rows_moved for each in self.datasets)

    @property
    def missing_bars(self) -> int:
        """Bars inside the files that could not be had."""
        return sum(gap.bars for each in self.datasets for gap in each.missing)

    @property
    def sentences(self) -> tuple[str, ...]:
        """One for each dataset."""
        return tuple(each.sentence for each in self.datasets)

    def to_json(self) -> dict[str, Any]:
        """For a document."""
        return {
            "complete": self.complete,
            "rows_moved": self.rows_moved,
            "bars_added": self.bars_added,
            "missing_bars": self.missing_bars,
            "requests": self.requests,
            "seconds": round(self.seconds, 3),
            "datasets": [each.to_json() for each in self.datasets],
        }


async def repair(
    exchange: Exchange,
    store: RepairStore,
    keys: Sequence[DatasetKey],
    clock: Clock,
    report: Callable[[CollectProgress], None],
    cancel: CancelToken,
    thread: StoreThread | None = None,
    options: RepairOptions | None = None,
    move_bad_rows: MoveBadRows | None = None,
) -> RepairReport:
    """Put bad rows of these datasets aside and fetch what is missing inside their files.

    An exchange that refuses or cannot be reached ends nothing by itself: what is left to do is said for each dataset.
    `move_bad_rows` is the store's own unless stated. Raises CancelledError when `cancel` was pulled (what was done
    stays), and the store's refusals.
    """
    own = thread or StoreThread()
    move = move_bad_rows or _mover(store)
    try:
        run = _Repair(
            exchange, store, list(keys), clock, report, cancel, own, options or RepairOptions(), move
        )
        return await run.run()
    finally:
        if thread is None:
            own.close()


@dataclass(slots=True)
class _Work:
    """One dataset under repair."""

    result: DatasetRepair
    job: DatasetJob | None = None
    known_holes: list[Range] = field(default_factory=list)


class _Repair:
    def __init__(
        self,
        exchange: Exchange,
        store: RepairStore,
        keys: list[DatasetKey],
        clock: Clock,
        report: Callable[[CollectProgress], None],
        cancel: CancelToken,
        thread: StoreThread,
        options: RepairOptions,
        move: MoveBadRows,
    ) -> None:
        self._exchange, self._store, self._keys = exchange, store, keys
        self._clock, self._cancel, self._thread = clock, cancel, thread
        self._options, self._move = options, move
        self._watch = Watch(exchange, clock, report)
        self._works: list[_Work] = []
        self._lost = ""  # the sentence about an exchange that cannot be used any more
        self._started_at = clock.monotonic()

    async def run(self) -> RepairReport:
        work, refusals = await carry_out(self._work(), self._cancel, self._watch, self._close)
        if refusals and (work.cancelled() or work.exception() is None):
            raise refusals[0]
        if work.cancelled():
            raise CancelledError("Repairing was cancelled; what was repaired so far stays.")
        work.result()
        return RepairReport(
            tuple(self._result(each) for each in self._works),
            self._watch.requests,
            self._clock.monotonic() - self._started_at,
        )

    async def _work(self) -> None:
        self._watch.say("putting bad rows aside")
        try:
            # The clock first: what counts as closed goes by the exchange's.
            await self._exchange.server_time_ms()
        except ExchangeError as error:
            self._lost = error.sentence
        for key in self._keys:
            self._works.append(await self._prepare(key))
        jobs = [each.job for each in self._works if each.job is not None]
        self._watch.begin(jobs)
        if self._lost:
            return
        try:
            await Fetching(self._exchange, self._clock, jobs, self._watch.advance).run()
            await self._verify()
        except ExchangeError as error:
            if error.kind not in ENDS_THE_RUN:
                raise
            self._lost = error.sentence

    async def _prepare(self, key: DatasetKey) -> _Work:
        """Move bad rows and find out what is missing inside the file."""
        result = DatasetRepair(key)
        try:
            imported = await self._thread.call(lambda: self._store.imported_from(key))
            if imported is not None and not self._options.from_exchange:
                return _Work(replace(result, failure=_imported(imported)))
            moved = await self._thread.call(lambda: self._move(key))
            result = replace(
                result, rows_moved=moved.rows, moved_sentence=moved.sentence if moved.rows else ""
            )
            return await self._thread.call(lambda: self._missing(result, moved.ranges))
        except InputError as error:
            return _Work(replace(result, failure=error.sentence))

    def _missing(self, result: DatasetRepair, lost: Sequence[Range]) -> _Work:
        """On the store's thread."""
        key, timeframe = result.key, result.key.timeframe
        info = self._store.info(key)
        stored = Stored() if info is None else Stored(info.rows, info.first_ms, info.last_ms)
        spans = list(lost)
        if stored.first_ms is not None and stored.last_ms is not None:
            spans.append((stored.first_ms, stored.last_ms + timeframe.ms))
        if not spans:
            return _Work(result, None)
        start = min(low for low, _ in spans)
        end = min(max(high for _, high in spans), self._exchange.closed_before_ms(timeframe))
        missing = self._store.missing(key, start, end) if start < end else []
        now_ms = self._exchange.now_ms()
        known: list[Range] = []
        holes = self._store.holes(key)
        if not self._options.ask_holes_again:
            left = subtract(missing, not_to_ask(holes, now_ms))
            known = subtract(missing, left)
            missing = left
        remembered = [(hole.start_ms, hole.end_ms) for hole in holes]
        job = DatasetJob(key, missing, stored, self._store, self._thread, self._clock, remembered=remembered)
        return _Work(result, job, known)

    async def _verify(self) -> None:
        if self._options.verify is Verify.NOTHING:
            return
        for work in self._works:
            if work.job is None or work.result.failure:
                continue
            self._watch.say(f"comparing {work.result.key} with the exchange")
            try:
                compared, found = await verify_dataset(
                    self._exchange, self._store, self._thread, work.result.key, self._options.verify
                )
            except ExchangeError as error:
                if error.kind in ENDS_THE_RUN:
                    raise
                work.result = replace(work.result, failure=f"It could not be compared: {error.sentence}")
            else:
                work.result = replace(work.result, compared=compared, contradictions=found)

    async def _close(self, interrupted: bool) -> list[TradebotError]:
        jobs = [each.job for each in self._works if each.job is not None]
        now_ms = self._exchange.now_ms()
        return await close_jobs(jobs, self._store, self._thread, self._clock, now_ms, interrupted)

    def _result(self, work: _Work) -> DatasetRepair:
        job, result = work.job, work.result
        if job is None:
            return result
        # Inside a file, what the exchange has nothing of is a gap wherever it lies.
        length = job.key.timeframe.ms
        gaps = [
            *job.gaps,
            *(Gap(job.key, low, high, (high - low) // length) for low, high in job.before_listing),
        ]
        failed = job.view().sentence.removeprefix(f"{job.key}: ")
        if failed:
            why = f"the exchange refused ({failed.rstrip('.')}); run the repair again later"
        elif self._lost and gaps and job.waiting:
            why = f"they are left to do, run the repair again ({self._lost.rstrip('.')})"
        else:
            why = NO_BARS
        information = ""
        if work.known_holes:
            bars = sum(high - low for low, high in work.known_holes) // length
            information = (
                f"{counted(bars, 'bar')} are known to be missing at the exchange itself and were not asked for again: "
                f"{spans_text(work.known_holes)}."
            )
        return replace(
            result,
            bars_added=job.bars_added,
            missing=tuple(sorted(gaps, key=lambda gap: gap.start_ms)),
            why=why,
            information=information,
        )


def _imported(file: str) -> str:
    return (
        f"left alone, because {file} was imported into it: its bars may be those of another market, and bars of this "
        "exchange must not be mixed with them unasked. --from-exchange repairs it from this exchange all the same."
    )


def _contradicting(found: Sequence[Contradiction], compared: int) -> str:
    first = found[0]
    return (
        f"{counted(len(found), 'bar')} of {compared:,} compared differ from the exchange's, the first at "
        f"{first.shown}; they stay as they are."
    )


def _mover(store: Any) -> MoveBadRows:
    from tradebot.engine.store.bad_rows import move_bad_rows

    return lambda key: move_bad_rows(store, key)
