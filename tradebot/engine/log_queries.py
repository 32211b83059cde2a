"""Commands about the log: records of all tradebot processes of this user, as they are written."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from tradebot.engine.control.errors import InputError
from tradebot.engine.control.logs import LogEntry
from tradebot.engine.control.logs_advice import advice
from tradebot.engine.control.logs_python import current_log
from tradebot.engine.control.logs_reading import CAPACITY, LogReader, at_least, text_filter
from tradebot.engine.messages import Command, ExplainRecord, GetLogs, LogAdvice, LogPage, LogRecord


class LogQueries:
    """Answers on the calling thread. Thread-safe; the newest `capacity` records are held."""

    def __init__(self, folder: Path, capacity: int = CAPACITY) -> None:
        self._folder = folder
        self._capacity = capacity
        self._reader = LogReader(folder, capacity)
        self._entries: list[LogEntry] = []
        self._records: list[LogRecord] = []
        self._first = 1
        self._errors = 0
        self._components: set[str] = set()
        self._lock = threading.Lock()

    def answer(self, command: Command) -> Any:
        """The reply to a command, None where it is not one of these. Raises InputError where it is refused."""
        match command:
            case GetLogs():
                return self._page(command)
            case ExplainRecord():
                return self._explain(command.sequence)
            case _:
                return None

    def _page(self, command: GetLogs) -> LogPage:
        levels, found = at_least(command.level), text_filter(command.search)
        with self._lock:
            self._read_on()
            start = max(0, command.after + 1 - self._first)
            records, entries = self._records[start:], self._entries[start:]
            first, errors, components = self._first, self._errors, tuple(sorted(self._components))
            newest, total = first + len(self._records) - 1, len(self._records)
        kept: list[LogRecord] = []
        matches: list[int] = []
        is_searched = bool(command.search.strip())
        for record, entry in zip(records, entries, strict=True):
            if (
                record.level in levels
                and record.time_ms >= command.since_ms
                and command.component in {"", record.component}
            ):
                kept.append(record)
                if is_searched and found(entry):
                    matches.append(record.sequence)
        log = current_log()
        problem = (log.problem if log is not None else "") or self._reader.problem
        return LogPage(
            tuple(kept), newest, total, errors, components, tuple(matches), str(self._folder), problem
        )

    def _read_on(self) -> None:
        for entry in self._reader.poll():
            number = self._first + len(self._records)
            self._entries.append(entry)
            self._records.append(
                LogRecord(number, entry.time_ms, entry.level, entry.component, entry.sentence, entry.details)
            )
            self._errors += entry.level == "error"
            self._components.add(entry.component)
        extra = len(self._records) - self._capacity
        if extra > self._capacity // 10:  # rarely, as moving a long list costs
            self._errors -= sum(entry.level == "error" for entry in self._entries[:extra])
            del self._entries[:extra], self._records[:extra]
            self._first += extra

    def _explain(self, sequence: int) -> LogAdvice:
        with self._lock:
            place = sequence - self._first
            if not 0 <= place < len(self._entries):
                raise InputError(f"There is no record {sequence} any more; choose another one.")
            told = advice(self._entries[place])
        return LogAdvice(sequence, told.happened, told.did, told.can_do)
