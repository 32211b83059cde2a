"""What really happened on the simulated exchange: its bars, and an audit of everything that was done to it."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from tradebot.engine.control.clock import Clock
from tradebot.engine.control.errors import InputError
from tradebot.engine.market import BarRow, Timeframe
from tradebot.engine.simulator.bars import Bars, Interval
from tradebot.engine.simulator.wire import kline_rows

if TYPE_CHECKING:
    from tradebot.engine.simulator.faults.rule import FaultRule
    from tradebot.engine.simulator.listing import Coin

_KEPT_NOTES = 100_000
_TIMEFRAMES = {timeframe.interval: timeframe for timeframe in Timeframe}


class Model(Protocol):
    """The prices of one category, as far as the truth asks for them."""

    coins: dict[str, Coin]

    def bars(self, symbol: str, interval: Interval, first: int, last: int, now_ms: int) -> Bars:
        """Bars numbered first..last of an interval that have begun by `now_ms`."""
        ...


class TruthLog:
    """Knows the exchange's bars, holes included, and keeps an audit of events.

    Each event is an object with `time_ms` (the exchange's), `event` and more; with `file` it is also written there as
    one JSON line at once. Raises InputError where the file cannot be written.
    """

    def __init__(self, models: Mapping[str, Model], clock: Clock, file: Path | None = None) -> None:
        self._models = models
        self._clock = clock
        self._holes: list[FaultRule] = []
        self._notes: deque[dict[str, Any]] = deque(maxlen=_KEPT_NOTES)
        self._followed: dict[tuple[str, str, str], int] = {}
        try:
            self._file = None if file is None else file.open("a", encoding="utf-8", newline="\n")
        except OSError:
            raise InputError(
                f"The truth log {file} cannot be written; name a file in a folder of yours."
            ) from None

    def close(self) -> None:
        """Note the last bars and close the file."""
        self.note_bars()
        if self._file is not None:
            self._file.close()
            self._file = None

    # ------------------------------------------------------------------------------------------ events

    def note(self, event: str, **more: Any) -> None:
        """Remember that something happened now."""
        record = {"time_ms": self._clock.now_ms(), "event": event, **more}
        self._notes.append(record)
        if self._file is not None:
            self._file.write(json.dumps(record, separators=(",", ":")) + "\n")
            self._file.flush()

    def events(self, event: str | None = None) -> list[dict[str, Any]]:
        """The newest events, oldest first; of one kind where `event` says so."""
        return [note for note in self._notes if event is None or note["event"] == event]

    # ------------------------------------------------------------------------------------------ bars

    def follow(self, category: str, symbol: str, interval: str) -> None:
        """Note each bar of this dataset that closes from now on; intervals that are no timeframe are left out."""
        key = (category, symbol, interval)
        if key not in self._followed and interval in _TIMEFRAMES:
            self._followed[key] = _TIMEFRAMES[interval].floor(self._clock.now_ms())

    def note_bars(self) -> None:
        """Note the bars that have closed since the last time."""
        now = self._clock.now_ms()
        for (category, symbol, interval), next_ms in self._followed.items():
            timeframe = _TIMEFRAMES[interval]
            for row in self.candles(category, symbol, timeframe, next_ms, now):
                self.note("bar", category=category, symbol=symbol, interval=interval, row=list(map(str, row)))
            self._followed[category, symbol, interval] = max(next_ms, timeframe.floor(now))

    @property
    def has_holes(self) -> bool:
        """Whether there are bars that the exchange does not have."""
        return bool(self._holes)

    def add_hole(self, rule: FaultRule) -> None:
        """From now on the exchange does not have the bars that the rule describes."""
        self._holes.append(rule)

    def is_hole(self, category: str, symbol: str, interval: str, open_ms: int) -> bool:
        """Whether the exchange does not have this bar."""
        from tradebot.engine.simulator.faults.rule import Place

        place = Place("", symbol, category, interval)
        return any(hole.lasts(open_ms) and hole.matches(place) for hole in self._holes)

    def candles(
        self, category: str, symbol: str, timeframe: Timeframe, start_ms: int, end_ms: int
    ) -> list[BarRow]:
        """The closed bars with start_ms <= open time < end_ms that the exchange has by now, as it writes them.

        Raises KeyError for an unknown symbol.
        """
        model = self._models[category]
        coin = model.coins[symbol]
        interval = Interval(timeframe.interval)
        now = self._clock.now_ms()
        first, last = interval.number(timeframe.ceil(start_ms)), interval.number(timeframe.ceil(end_ms)) - 1
        last = min(last, interval.number(now) - 1)
        if coin.delisted_ms is not None:
            # The bar in which trading ended is there as well, and stays as it was then.
            now = min(now, coin.delisted_ms - 1)
            last = min(last, interval.number(now))
        if first > last:
            return []
        bars = model.bars(symbol, interval, first, last, now)
        rows: Sequence[Sequence[str]] = json.loads(kline_rows(bars, coin))
        listed = [BarRow(int(row[0]), *row[1:]) for row in reversed(rows)]
        return [row for row in listed if not self.is_hole(category, symbol, timeframe.interval, row.time_ms)]
