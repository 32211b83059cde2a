"""How the engine itself is doing, as screens and commands are told it: services, queues, lag, processor, memory."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["HealthView", "QueueView", "ServiceView", "TrendView"]


@dataclass(frozen=True, slots=True)
class ServiceView:
    """A task that runs as long as the engine does. `state` is running, waiting (restarts in `wait_seconds`) or ended.

    `restarts` counts those since the engine was started; `sentence` says why the last one was needed.
    """

    name: str
    state: str
    restarts: int = 0
    wait_seconds: float | None = None
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class QueueView:
    """Work that waits for its turn: `waiting` pieces, of `unit` each (rows, jobs, messages)."""

    name: str
    waiting: int
    unit: str


@dataclass(frozen=True, slots=True)
class HealthView:
    """The engine's own health. `loop_lag_ms` is the 95th percentile of the last minute, None before it is known.

    `cpu_percent` is of one core (200 is two cores busy) and, like `memory_bytes`, of the program with its child
    processes.
    """

    loop_lag_ms: float | None = None
    cpu_percent: float | None = None
    memory_bytes: int = 0
    services: tuple[ServiceView, ...] = ()
    queues: tuple[QueueView, ...] = ()


@dataclass(frozen=True, slots=True)
class TrendView:
    """The closes of a followed symbol over the last 24 hours (UTC), oldest first; None where none is stored.

    The last one is of the hour under way: the close of its newest stored bar.
    """

    symbol: str
    closes: tuple[float | None, ...]
