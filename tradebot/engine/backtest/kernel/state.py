"""The simulation's state: structured records that can be cut anywhere, saved and restored."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np

from tradebot.engine.backtest.kernel.codes import Count
from tradebot.engine.backtest.kernel.records import (
    ACCOUNT,
    BAR,
    INTERVENTION,
    LIMITS,
    NEVER,
    RULES,
    SLOT,
    STRATEGY,
    TRADE,
    Records,
)
from tradebot.engine.control.errors import InputError
from tradebot.engine.market import Int64

STATE_VERSION = 2


@dataclass(frozen=True, slots=True, eq=False)
class SimulationState:
    """All that a run carries on from one bar to the next.

    `account` ACCOUNT[1], `strategies` STRATEGY[m], `slots` SLOT[n] by (strategy, symbol), `counts`
    int64[n, len(Count)].
    """

    account: Records
    strategies: Records
    slots: Records
    counts: Int64

    @classmethod
    def begin(cls, slot_count: int, cash: float, strategy_count: int = 1) -> SimulationState:
        """A flat account with `cash` in its wallet, before the first bar."""
        account: Records = np.zeros(1, dtype=ACCOUNT)
        account["version"] = STATE_VERSION
        account["wallet"] = account["equity"] = account["peak"] = account["day_equity"] = cash
        account["clock_ms"] = account["day_end"] = NEVER
        strategies: Records = np.zeros(strategy_count, dtype=STRATEGY)
        strategies["paused_until"] = strategies["blocked_until"] = NEVER
        slots: Records = np.zeros(slot_count, dtype=SLOT)
        slots["bar"] = slots["decision"] = slots["decision_before"] = -1
        slots["last_exit"] = NEVER
        for field in ("base_stop", "break_even", "trail", "stop", "initial_stop", "risk", "liquidation"):
            slots[field] = np.nan
        return cls(account, strategies, slots, np.zeros((slot_count, len(Count)), dtype=np.int64))

    def copy(self) -> SimulationState:
        """An independent copy: what a run does to one does not reach the other."""
        return SimulationState(*(part.copy() for part in self._parts()))

    def to_bytes(self) -> bytes:
        """The state as bytes that `from_bytes` reads on any machine."""
        buffer = io.BytesIO()
        for part in self._parts():
            np.save(buffer, part, allow_pickle=False)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> SimulationState:
        """The state that `to_bytes` wrote. InputError for another version or damaged bytes."""
        buffer = io.BytesIO(data)
        try:
            account = _load(buffer)
            version = int(account["version"][0])
            if version != STATE_VERSION or account.dtype != ACCOUNT:
                raise InputError(
                    f"The saved simulation state has version {version}, this tradebot reads version "
                    f"{STATE_VERSION}; start the run anew."
                )
            strategies, slots, counts = (_load(buffer) for _ in range(3))
        except (ValueError, IndexError, KeyError, EOFError, OSError):
            raise InputError(
                "The saved simulation state cannot be read: its bytes are damaged; start the run anew."
            ) from None
        return cls(account, strategies, slots, counts)

    def _parts(self) -> tuple[Any, ...]:
        return self.account, self.strategies, self.slots, self.counts


def _load(buffer: io.BytesIO) -> Any:
    return np.load(buffer, allow_pickle=False)


__all__ = [
    "ACCOUNT",
    "BAR",
    "INTERVENTION",
    "LIMITS",
    "NEVER",
    "RULES",
    "SLOT",
    "STATE_VERSION",
    "STRATEGY",
    "TRADE",
    "Records",
    "SimulationState",
]
