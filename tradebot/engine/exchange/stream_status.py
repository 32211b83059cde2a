"""How a stream connection is doing: rate, latency and age by kind of topic, and which kind has fallen silent."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from tradebot.engine.control.clock import Clock

# Latencies kept of each kind; enough for a p95 of the last moments.
_LATENCIES = 400
# A rate is known after this many messages, and a kind that is silent this many usual intervals long is stalled:
# by chance alone that happens once in e^30 intervals.
_KNOWN_AFTER = 30
_STALLED_INTERVALS = 30.0


@dataclass(frozen=True, slots=True)
class KindStatus:
    """One kind of topic ("kline", "tickers", "publicTrade") on one connection.

    `messages` counts since the feed began, over all reconnects; the rate is that of the last seconds. Latency is from
    the exchange's sending (of trades: from the match) to our hearing by its clock (ms), None before the first message,
    as is the age.
    """

    kind: str
    topics: int
    messages: int
    messages_per_second: float
    last_message_age_s: float | None
    latency_p50_ms: float | None
    latency_p95_ms: float | None


@dataclass(frozen=True, slots=True)
class StreamStatus:
    """How one connection is doing. Rates are messages a second over the last seconds, by kind of topic.

    `last_message_age_s` (of any frame) and `latency_ms` (of the last ping) are None before the first. `drops` counts
    connections that were lost, `attempts` those that were tried; `connected_s` is how long the present one lives.
    """

    url: str
    connected: bool
    topics: int
    messages_per_second: float
    last_message_age_s: float | None
    reconnects: int
    latency_ms: float | None
    topics_by_kind: Mapping[str, int] = field(default_factory=dict)
    rates_by_kind: Mapping[str, float] = field(default_factory=dict)
    refused: tuple[str, ...] = ()
    malformed: int = 0
    sentence: str = ""
    kinds: tuple[KindStatus, ...] = ()
    drops: int = 0
    attempts: int = 0
    connected_s: float = 0.0


class _Kind:
    """The figures of one kind of topic."""

    __slots__ = ("connection_messages", "first_at", "last_at", "latencies", "messages", "rate", "recent")

    def __init__(self) -> None:
        self.messages = 0
        self.recent = 0
        self.rate = 0.0
        self.last_at: float | None = None
        self.latencies: deque[int] = deque(maxlen=_LATENCIES)
        self.connection_messages = 0
        self.first_at = 0.0


class StreamMeter:
    """Counts what a stream hears. `now_ms` is the exchange's clock as well as it is known."""

    def __init__(self, clock: Clock, now_ms: Callable[[], int]) -> None:
        self._clock = clock
        self._now_ms = now_ms
        self._kinds: dict[str, _Kind] = {}
        self._since = clock.monotonic()

    def count(self, kind: str, sent_ms: int) -> None:
        """Take in one message of a kind of topic that the exchange sent at `sent_ms`."""
        of = self._kinds.get(kind)
        if of is None:
            of = self._kinds[kind] = _Kind()
        now = self._clock.monotonic()
        of.messages += 1
        of.recent += 1
        of.last_at = now
        if not of.connection_messages:
            of.first_at = now
        of.connection_messages += 1
        of.latencies.append(self._now_ms() - sent_ms)

    def connected(self) -> None:
        """A new connection: what is usual is learned anew, so that a stall ends a connection once."""
        for of in self._kinds.values():
            of.connection_messages = 0

    def stalled(self, silent_s: float, active: Iterable[str]) -> str | None:
        """A kind of the `active` topics that is silent for `silent_s` and far longer than is usual, None without.

        A kind of few messages (an illiquid symbol) is never taken for stalled by less than 30 usual intervals.
        """
        now = self._clock.monotonic()
        kinds: set[str] | None = None
        for name, of in self._kinds.items():
            if of.connection_messages < _KNOWN_AFTER or of.last_at is None or now - of.last_at < silent_s:
                continue
            usual = (of.last_at - of.first_at) / (of.connection_messages - 1)
            if now - of.last_at < _STALLED_INTERVALS * usual:
                continue
            kinds = {kind_of(topic) for topic in active} if kinds is None else kinds
            if name in kinds:
                return name
        return None

    def rates(self) -> dict[str, float]:
        """Messages a second by kind since the figures were last renewed (at least a second)."""
        now = self._clock.monotonic()
        elapsed = now - self._since
        if elapsed >= 1.0:
            for of in self._kinds.values():
                of.rate, of.recent = of.recent / elapsed, 0
            self._since = now
        return {kind: of.rate for kind, of in self._kinds.items()}

    def kinds(self, topics: Mapping[str, int]) -> tuple[KindStatus, ...]:
        """Every kind that is subscribed or was heard, sorted; `topics` counts those subscribed now."""
        now, rates = self._clock.monotonic(), self.rates()
        found = []
        for name in sorted({*topics, *self._kinds}):
            of = self._kinds.get(name) or _Kind()
            ordered = sorted(of.latencies)
            found.append(
                KindStatus(
                    name,
                    topics.get(name, 0),
                    of.messages,
                    rates.get(name, 0.0),
                    None if of.last_at is None else now - of.last_at,
                    _share(ordered, 0.5),
                    _share(ordered, 0.95),
                )
            )
        return tuple(found)


def kind_of(topic: str) -> str:
    """The kind of a topic: what stands before its first dot."""
    return topic.partition(".")[0]


def _share(ordered: list[int], share: float) -> float | None:
    """The value that this share of the values does not exceed; a clock that is a little ahead counts as no latency."""
    return max(0.0, float(ordered[min(len(ordered) - 1, int(len(ordered) * share))])) if ordered else None
