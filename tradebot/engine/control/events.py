"""What happened, as sentences for a person: a short memory that any thread may write and read."""

from __future__ import annotations

import logging
import threading
from collections import deque
from dataclasses import dataclass
from enum import Enum

from tradebot.engine.control.clock import Clock


class Level(Enum):
    """How much an event matters."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


_NUMBERS = {Level.INFO: logging.INFO, Level.WARNING: logging.WARNING, Level.ERROR: logging.ERROR}
# Where no log file was begun, nothing is to appear on the screen in its place.
logging.getLogger("tradebot").addHandler(logging.NullHandler())


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened at `time_ms` (UTC); `sequence` rises by one each."""

    sequence: int
    time_ms: int
    level: Level
    source: str
    sentence: str


class EventLog:
    """The last `capacity` events. The same sentence of the same source in a row is kept once, with its latest time."""

    def __init__(self, clock: Clock, capacity: int = 500) -> None:
        self._clock = clock
        self._events: deque[Event] = deque(maxlen=capacity)
        self._sequence = 0
        self._lock = threading.Lock()

    def add(self, level: Level, source: str, sentence: str, **more: str) -> Event:
        """Remember that something happened, and have it logged; `more` are further texts of `logs.LogEntry`."""
        logging.getLogger(f"tradebot.{source}").log(_NUMBERS[level], "%s", sentence, extra=more)
        with self._lock:
            last = self._events[-1] if self._events else None
            if last is not None and (last.source, last.sentence) == (source, sentence):
                self._events.pop()
            self._sequence += 1
            event = Event(self._sequence, self._clock.now_ms(), level, source, sentence)
            self._events.append(event)
            return event

    def info(self, source: str, sentence: str) -> None:
        """Remember something ordinary."""
        self.add(Level.INFO, source, sentence)

    def warning(self, source: str, sentence: str) -> None:
        """Remember something a person should know."""
        self.add(Level.WARNING, source, sentence)

    def error(self, source: str, sentence: str) -> None:
        """Remember something that failed."""
        self.add(Level.ERROR, source, sentence)

    def recent(self, count: int) -> tuple[Event, ...]:
        """The newest events, oldest of them first."""
        with self._lock:
            return tuple(self._events)[-count:]
