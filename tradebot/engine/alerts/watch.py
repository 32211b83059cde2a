"""Which alerts are due: conditions on prices, feed, gaps, jobs and disk, looked at with every snapshot.

An alert tells what becomes true. What is true at the first look was so before: a price beyond its level must have been
on the other side once; a feed that is stale and a disk that is full are told at once, because they hurt now.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from tradebot.engine.alerts.book import Alert
from tradebot.engine.alerts.conditions import (
    DiskLow,
    FeedStale,
    GapFound,
    JobEnded,
    PriceLevel,
    PriceMove,
    span_text,
)

_SAMPLE_MS = 1000


@dataclass(frozen=True, slots=True)
class JobLook:
    """A job as alerts see it: its state is queued, running, done, failed or cancelled."""

    job_id: int
    title: str
    state: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Look:
    """What is known at one moment. `prices` are texts in the exchange's digits, `ages_ms` how old; `silent_s` is the
    longest silence of a stream, None without one; `gaps` counts those of each dataset that is followed.
    """

    time_ms: int
    prices: Mapping[str, str] = field(default_factory=dict)
    ages_ms: Mapping[str, int] = field(default_factory=dict)
    silent_s: float | None = None
    gaps: Mapping[str, int] = field(default_factory=dict)
    jobs: tuple[JobLook, ...] = ()
    free_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Firing:
    """An alert that is due. `cause` is what it is about; the same cause waits for the alert's pause."""

    name: str
    cause: str
    sentence: str
    time_ms: int


class Extremes:
    """The lowest and highest price of a sliding span, each found without looking at all of them again."""

    def __init__(self, span_ms: int) -> None:
        self._span_ms = span_ms
        self._low: deque[tuple[int, float]] = deque()
        self._high: deque[tuple[int, float]] = deque()
        self._latest_ms = 0

    def add(self, time_ms: int, price: float) -> tuple[float, float]:
        """Take a price in; the lowest and highest of the span that ends now. One a second is kept, and each extreme."""
        crowded = time_ms - self._latest_ms < _SAMPLE_MS
        if not (crowded and self._low and self._low[0][1] <= price <= self._high[0][1]):
            self._latest_ms = time_ms
            while self._low and self._low[-1][1] >= price:
                self._low.pop()
            while self._high and self._high[-1][1] <= price:
                self._high.pop()
            self._low.append((time_ms, price))
            self._high.append((time_ms, price))
        for kept in (self._low, self._high):
            while kept[0][0] < time_ms - self._span_ms:
                kept.popleft()
                if not kept:
                    kept.append((time_ms, price))
        return self._low[0][1], self._high[0][1]


class Watcher:
    """Remembers of each alert what it saw, and when it told what. Not thread-safe."""

    def __init__(self) -> None:
        self._alerts: tuple[Alert, ...] = ()
        self._seen: dict[str, dict[str, object]] = {}
        self._told: dict[tuple[str, str], int] = {}
        self._moves: dict[str, Extremes] = {}

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """Those that are watched."""
        return self._alerts

    def use(self, alerts: tuple[Alert, ...]) -> None:
        """Watch these; one whose condition is another than before begins anew."""
        before = {alert.name: alert.condition for alert in self._alerts}
        same = {alert.name for alert in alerts if before.get(alert.name) == alert.condition}
        self._seen = {name: seen for name, seen in self._seen.items() if name in same}
        self._moves = {name: move for name, move in self._moves.items() if name in same}
        self._told = {key: at for key, at in self._told.items() if key[0] in same}
        self._alerts = alerts

    def look(self, look: Look, now_ms: int | None = None) -> list[Firing]:
        """The alerts that are due now. Pauses and snoozes go by `now_ms`, this machine's clock (None: that of the look,
        which is the exchange's).
        """
        at_ms = look.time_ms if now_ms is None else now_ms
        due: list[Firing] = []
        for alert in self._alerts:
            for cause, sentence in self._causes(alert, look):
                firing = self.due(alert, cause, sentence, at_ms)
                if firing is not None:
                    due.append(firing)
        return due

    def due(self, alert: Alert, cause: str, sentence: str, time_ms: int) -> Firing | None:
        """The notification of a cause, None while the alert is off, snoozed or has told the same a moment ago."""
        last = self._told.get((alert.name, cause))
        if (
            not alert.armed
            or time_ms < alert.snoozed_until_ms
            or (last is not None and time_ms - last < alert.pause_ms)
        ):
            return None
        self._told[alert.name, cause] = time_ms
        return Firing(alert.name, cause, sentence, time_ms)

    def _causes(self, alert: Alert, look: Look) -> Iterable[tuple[str, str]]:
        match alert.condition:
            case PriceLevel() as level:
                return self._level(alert.name, level, look)
            case PriceMove() as move:
                return self._move(alert.name, move, look)
            case FeedStale() as stale:
                return self._stale(alert.name, stale, look)
            case GapFound():
                return self._gap(alert.name, look)
            case JobEnded() as ended:
                return self._job(alert.name, ended, look)
            case DiskLow() as disk:
                return self._disk(alert.name, disk, look)
            case _:
                return ()  # what is decided at the close of bars is not looked at here

    def _becomes(self, name: str, cause: str, now: bool, first: bool) -> bool:
        """Whether it is true now and was not before; `first`: as if it had been false before the first look."""
        seen = self._seen.setdefault(name, {})
        before = seen.get(cause, not first)
        seen[cause] = now
        return now and not before

    def _level(self, name: str, level: PriceLevel, look: Look) -> Iterator[tuple[str, str]]:
        text = look.prices.get(level.symbol)
        if text is None:
            return
        price = float(text)
        at = f"{level.level:,.12g}"
        if level.way == "crosses":
            seen = self._seen.setdefault(name, {})
            side = (price > level.level) - (price < level.level)
            before = seen.get("side", side)
            if side:
                seen["side"] = side
            if side and before and side != before:
                yield (
                    level.symbol,
                    f"{level.symbol} crossed {at} {'upwards' if side > 0 else 'downwards'}: {text}.",
                )
            return
        beyond = price > level.level if level.way == "above" else price < level.level
        if self._becomes(name, level.symbol, beyond, first=False):
            yield level.symbol, f"{level.symbol} is {level.way} {at}: {text}."

    def _move(self, name: str, move: PriceMove, look: Look) -> Iterator[tuple[str, str]]:
        text = look.prices.get(move.symbol)
        if text is None:
            return
        price = float(text)
        extremes = self._moves.get(name)
        if extremes is None:
            extremes = self._moves[name] = Extremes(move.span_ms)
        low, high = extremes.add(look.time_ms, price)
        rise, fall = 100.0 * (price / low - 1.0), 100.0 * (1.0 - price / high)
        for way, percent, word in (("rises", rise, "rose"), ("falls", fall, "fell")):
            wanted = move.way in (way, "moves")
            if wanted and self._becomes(name, way, percent >= move.percent, first=True):
                span = span_text(move.span_ms)
                yield (
                    f"{move.symbol} {way}",
                    f"{move.symbol} {word} {percent:.2f} % within {span}, to {text}.",
                )

    def _stale(self, name: str, stale: FeedStale, look: Look) -> Iterator[tuple[str, str]]:
        if stale.symbol:
            age_ms: float | None = look.ages_ms.get(stale.symbol)
        else:
            age_ms = None if look.silent_s is None else 1000.0 * look.silent_s
        if age_ms is not None and self._becomes(name, "stale", age_ms > stale.span_ms, first=True):
            yield (
                "stale",
                f"Nothing was heard of {stale.symbol or 'the live feed'} for {age_ms / 1000:.0f} s.",
            )

    def _gap(self, name: str, look: Look) -> Iterator[tuple[str, str]]:
        seen = self._seen.setdefault(name, {})
        for key, gaps in look.gaps.items():
            before = seen.get(key, gaps)
            seen[key] = gaps
            if isinstance(before, int) and gaps > before:
                told = "a gap was found" if gaps - before == 1 else f"{gaps - before} gaps were found"
                yield key, f"{key}: {told}; g in the Data area fills them."

    def _job(self, name: str, ended: JobEnded, look: Look) -> Iterator[tuple[str, str]]:
        seen = self._seen.setdefault(name, {})
        # A job that is over before it was seen once ran between two looks; those of the first look are old.
        unseen = "running" if seen.setdefault("looked", False) else ""
        seen["looked"] = True
        for job in look.jobs:
            before = seen.get(str(job.job_id), unseen)
            seen[str(job.job_id)] = job.state
            ways = ("done", "failed") if ended.way == "ended" else (ended.way,)
            if before in ("queued", "running") and job.state in ways:
                yield (
                    f"job {job.job_id}",
                    f"{job.title} {'is done' if job.state == 'done' else 'failed'}: {job.sentence}",
                )

    def _disk(self, name: str, disk: DiskLow, look: Look) -> Iterator[tuple[str, str]]:
        if look.free_bytes and self._becomes(name, "disk", look.free_bytes < disk.free_bytes, first=True):
            free, least = look.free_bytes / 1024**3, disk.free_bytes / 1024**3
            yield (
                "disk",
                f"Only {free:.1f} GB are free on the disk of the data folder (alert below {least:,.6g} GB).",
            )
