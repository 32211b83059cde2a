"""What crosses the border of the engine about the log."""

from __future__ import annotations

from dataclasses import dataclass

LOG_LEVELS = ("debug", "info", "warning", "error")


@dataclass(frozen=True, slots=True)
class GetLogs:
    """The records behind number `after` (0: all) that fit; the reply is a LogPage.

    `level` is the least one, `component` "" means all, `since_ms` (UTC) is the oldest moment. `search` keeps no record
    out: it tells which ones hold all its words (`/.../` is a regular expression). An expression that is none is
    refused.
    """

    after: int = 0
    level: str = "debug"
    component: str = ""
    search: str = ""
    since_ms: int = 0


@dataclass(frozen=True, slots=True)
class ExplainRecord:
    """What happened, what we did and what the person can do, for the record of that number. The reply: LogAdvice."""

    sequence: int


LogCommand = GetLogs | ExplainRecord


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One record at `time_ms` (UTC); `sequence` rises by one each, in the order in which they were read."""

    sequence: int
    time_ms: int
    level: str
    component: str
    sentence: str
    details: str = ""


@dataclass(frozen=True, slots=True)
class LogAdvice:
    """Three answers about a record; an empty one has nothing to say."""

    sequence: int
    happened: str = ""
    did: str = ""
    can_do: str = ""


@dataclass(frozen=True, slots=True)
class LogPage:
    """Records that fit, oldest first, as of record `newest`; `matches` are the numbers of those the search found.

    `total` counts all records that are held, `errors` the errors among them; `components` are those there are.
    `problem` says why nothing is written or read, where so.
    """

    records: tuple[LogRecord, ...]
    newest: int
    total: int
    errors: int
    components: tuple[str, ...]
    matches: tuple[int, ...] = ()
    folder: str = ""
    problem: str = ""
