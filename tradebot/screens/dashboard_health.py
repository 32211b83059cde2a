"""How the engine is doing, as lines: what is wrong first, then services, queues and kernels. No widgets here."""

from __future__ import annotations

from tradebot.engine.messages import EngineSnapshot, HealthView, QueueView, ServiceView
from tradebot.screens import formats
from tradebot.screens.widgets.palette import Line, Part, line_length

__all__ = ["health_lines", "load_text"]

_WIDE = 40
_LATE_MS = 100.0
"""A loop this late is worth a warning; a screen asks four times a second."""


def load_text(health: HealthView, width: int) -> str:
    """What stands on a border of that width: `loop lag 3 ms · cpu 9% · mem 214 MB`, without what is not known."""
    parts = []
    if health.loop_lag_ms is not None:
        parts.append(f"{'loop ' if width >= _WIDE else ''}lag {health.loop_lag_ms:.0f} ms")
    if health.cpu_percent is not None:
        parts.append(f"cpu {health.cpu_percent:.0f}%")
    if health.memory_bytes:
        parts.append(f"{'mem ' if width >= _WIDE else ''}{formats.size_of(health.memory_bytes)}")
    return " · ".join(parts)


def health_lines(snapshot: EngineSnapshot, width: int, rows: int) -> list[Line]:
    """At most `rows` lines of the engine's health, what is wrong on top; none where nothing is known."""
    health = snapshot.health
    # One that failed is waiting for its restart; one that has ended has done what it was there for.
    troubled = [each for each in health.services if each.state == "waiting"]
    lines = [*_kernels(snapshot), *(_trouble(each, width) for each in troubled), *_lag(health)]
    fine = [each for each in health.services if each.state == "running"]
    if fine:
        lines += _running(fine, width, max(1, rows - len(lines) - 1))
    lines += _queues(health, width)
    return lines[:rows]


def _kernels(snapshot: EngineSnapshot) -> list[Line]:
    match snapshot.kernels:
        case "compiling":
            return [(("◐ ", "warning"), ("backtest kernel compiling", "text"))]
        case "failed":
            return [(("× ", "bad"), ("backtest kernel failed", "bad"))]
        case "ready":
            return [] if snapshot.health.services else [(("● ", "live"), ("backtest kernel ready", "dim"))]
        case _:
            return []


def _lag(health: HealthView) -> list[Line]:
    lag = health.loop_lag_ms
    if lag is None or lag < _LATE_MS:
        return []
    return [(("! ", "warning"), (f"the engine is {lag:.0f} ms late", "warning"))]


def _trouble(service: ServiceView, width: int) -> Line:
    """A service that failed: when it is started again, how often it was, why."""
    what = service.name
    if service.wait_seconds is not None:
        what += f" restarts in {max(1, round(service.wait_seconds))} s"
    else:
        what += " waits for its restart"
    if service.restarts:
        what += f" ({formats.plural(service.restarts, 'restart')})"
    line: Line = (("○ ", "warning"), (what, "warning"))
    room = width - line_length(line) - 2
    if service.sentence and room >= 12:
        text = service.sentence
        line = (*line, (f"  {text if len(text) <= room else text[: room - 2] + '..'}", "dim"))
    return line


def _running(services: list[ServiceView], width: int, rows: int) -> list[Line]:
    """Those that run by name while they fit into the rows, else how many there are."""
    lines: list[list[Part]] = [[]]
    for service in services:
        again = f" ({service.restarts}x)" if service.restarts else ""
        parts: list[Part] = [("● ", "live"), (f"{service.name}{again}  ", "dim")]
        if lines[-1] and line_length(lines[-1]) + line_length(parts) - 2 > width:
            lines.append([])
        lines[-1] += parts
    if len(lines) <= rows:
        return [tuple(line) for line in lines]
    restarts = sum(each.restarts for each in services)
    again = f", {formats.plural(restarts, 'restart')}" if restarts else ""
    return [(("● ", "live"), (f"{formats.plural(len(services), 'service')} running{again}", "dim"))]


def _queues(health: HealthView, width: int) -> list[Line]:
    """What waits for its turn, by queue."""
    if not health.queues:
        return []
    busy = [each for each in health.queues if each.waiting]
    text = " · ".join(_waiting(each) for each in busy) or "empty"
    text = text if len(text) <= width - 8 else f"{text[: max(0, width - 10)]}.."
    return [(("queues  ", "dim"), (text, "text" if busy else "dim"))]


def _waiting(queue: QueueView) -> str:
    """`12 rows (files)`; what a queue is called after its pieces needs no name."""
    name = "" if queue.name in queue.unit or queue.unit in queue.name else f" ({queue.name})"
    unit = queue.unit.removesuffix("s") if queue.waiting == 1 else queue.unit
    return f"{queue.waiting:,} {unit}{name}"
