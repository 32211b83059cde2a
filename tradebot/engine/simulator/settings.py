"""What a simulated exchange is told at its start."""

from __future__ import annotations

from dataclasses import dataclass

from tradebot.engine.control.clock import Clock, ScaledClock, SystemClock
from tradebot.engine.control.errors import InputError
from tradebot.engine.market.times import iso_date

# 2000-01-01 and 2100-01-01: clocks outside of them are a slip of the pen, and far ones cost a walk of every day.
_FIRST_START_MS = 946_684_800_000
_LAST_START_MS = 4_102_444_800_000


@dataclass(frozen=True, slots=True)
class SimulatorSettings:
    """How the simulated exchange runs. A bad value raises InputError.

    `seed` decides every price; `symbols` how many perpetuals are listed; `port` 0 takes a free one.
    `speed` lets its time run faster than the real one, `start_ms` (UTC) lets it begin at another moment than now.
    `limit_enforced` bans an address for `ban_seconds` after more than 600 requests in 5 s.
    `latency_ms` delays each REST reply, `ack_delay_ms` each stream acknowledgement;
    `ticker_rate` is ticker messages a second and symbol (Bybit: up to 10).
    `oversized_limit_refused` decides whether a `limit` above the maximum is refused or cut, as the exchange's
    documents are silent about it.
    `kline_rate` is messages a second of a running bar (Bybit: one in 1 to 60 s), `beats` how often a second the
    stream looks for what is due: bars are confirmed at most one beat late. `faults` names a plan of faults and
    `truth` a file for the audit; empty means none. `replay` is a folder of recorded bars that are served instead of
    made-up ones, from the last quarter on where `start_ms` is None; `symbols` then counts for nothing.
    """

    seed: int = 1
    symbols: int = 600
    port: int = 0
    host: str = "127.0.0.1"
    speed: float = 1.0
    start_ms: int | None = None
    limit_enforced: bool = True
    ban_seconds: float = 600.0
    latency_ms: float = 0.0
    ack_delay_ms: float = 20.0
    ticker_rate: float = 1.0
    oversized_limit_refused: bool = False
    kline_rate: float = 1.0
    beats: float = 20.0
    faults: str = ""
    truth: str = ""
    replay: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65_535:
            raise InputError(f"The simulator's port must be 0 (any free one) to 65535, was {self.port}.")
        if not 1 <= self.symbols <= 5_000:
            raise InputError(f"The simulator lists 1 to 5000 symbols, was asked for {self.symbols}.")
        if not 0 < self.speed <= 100_000:
            raise InputError(f"The simulator's speed must be above 0 and at most 100000, was {self.speed:g}.")
        if self.start_ms is not None and not _FIRST_START_MS <= self.start_ms < _LAST_START_MS:
            raise InputError(
                f"The simulator's clock must begin from 2000-01-01 to 2099-12-31, was to begin {_shown(self.start_ms)}."
            )
        if not 0 < self.ticker_rate <= 10:
            raise InputError(
                f"The simulator's ticker rate must be above 0 and at most 10 a second, was {self.ticker_rate:g}."
            )
        if not 0 < self.kline_rate <= 10:
            raise InputError(
                f"The simulator's kline rate must be above 0 and at most 10 a second, was {self.kline_rate:g}."
            )
        if not 0.1 <= self.beats <= 100:
            raise InputError(f"The simulator's beats must be 0.1 to 100 a second, was {self.beats:g}.")
        if min(self.ban_seconds, self.latency_ms, self.ack_delay_ms) < 0:
            raise InputError(
                "The simulator's ban time, latency and acknowledgement delay must not be negative."
            )

    def clock(self) -> Clock:
        """The clock that these settings describe."""
        if self.start_ms is None and self.speed == 1.0:
            return SystemClock()
        start = SystemClock().now_ms() if self.start_ms is None else self.start_ms
        return ScaledClock(start, self.speed)


def _shown(start_ms: int) -> str:
    try:
        return f"on {iso_date(start_ms)}"
    except OverflowError:
        return f"at {start_ms} ms"
