"""Log records for tests of the screens: the ones of a working day, seeded, and real answers about them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.support.fake_results import NOW_MS
from tradebot.engine import messages as m
from tradebot.engine.control.logs import LogEntry
from tradebot.engine.control.logs_advice import advice
from tradebot.engine.control.logs_reading import at_least, text_filter

_DAY: tuple[tuple[int, str, str, str], ...] = (
    (-93_000_000, "info", "kernels", "The backtest is compiled."),
    (-55_000, "info", "collector", "12 bars of 12 symbols were stored in 8 ms."),
    (-47_000, "debug", "stream", "pong after 38 ms"),
    (-46_000, "warning", "stream", "The stream was silent for 20.2 s; it connects again in 1 s."),
    (-45_000, "info", "stream", "Connected to stream.bybit.com, 24 topics, subscribed again."),
    (-44_500, "info", "collector", "1 bar of 12 symbols was filled by REST."),
    (-9_000, "error", "exchange", "Bybit refused it: 10002, our timestamp was 5,240 ms behind the server."),
    (-7_500, "info", "exchange", "The clock was asked again, it is 4 ms ahead."),
    (-3_000, "debug", "collector", "linear/BTCUSDT_1m closed 14:31"),
    (-1_000, "info", "collector", "12 bars of 12 symbols were stored in 7 ms."),
)
_TRACE = 'Traceback (most recent call last):\n  File "client.py", line 88, in post\nExchangeError: 10002'


class FakeLogs:
    """Answers the commands about the log; `add` has something logged."""

    def __init__(self, full: bool) -> None:
        self.entries: list[LogEntry] = []
        self.problem = ""
        for ago, level, component, sentence in _DAY if full else ():
            self.add(level, component, sentence, NOW_MS + ago, _TRACE if level == "error" else "")

    def add(
        self, level: str, component: str, sentence: str, time_ms: int = NOW_MS, details: str = ""
    ) -> None:
        self.entries.append(LogEntry(time_ms, level, component, sentence, details=details))

    def add_many(self, count: int) -> None:
        """That many ordinary records, one a second."""
        self.entries += [
            replace(
                LogEntry(0, "info", "store", ""),
                time_ms=NOW_MS + 1000 * n,
                sentence=f"{n:,} bars were stored.",
            )
            for n in range(count)
        ]

    def answer(self, command: m.LogCommand) -> Any:
        if isinstance(command, m.ExplainRecord):
            told = advice(self.entries[command.sequence - 1])
            return m.LogAdvice(command.sequence, told.happened, told.did, told.can_do)
        levels, found = at_least(command.level), text_filter(command.search)
        kept = [
            (number, entry)
            for number, entry in enumerate(self.entries, start=1)
            if number > command.after
            and entry.level in levels
            and entry.time_ms >= command.since_ms
            and command.component in {"", entry.component}
        ]
        return m.LogPage(
            tuple(m.LogRecord(n, e.time_ms, e.level, e.component, e.sentence, e.details) for n, e in kept),
            len(self.entries),
            len(self.entries),
            sum(entry.level == "error" for entry in self.entries),
            tuple(sorted({entry.component for entry in self.entries})),
            tuple(n for n, e in kept if command.search and found(e)),
            "~/.local/state/tradebot/log",
            self.problem,
        )
