"""What happened, what we did, what the person can do: said for every record, by itself or from this catalogue."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tradebot.engine.control.logs import LogEntry


@dataclass(frozen=True, slots=True)
class Advice:
    """Three answers; an empty one has nothing to say."""

    happened: str
    did: str = ""
    can_do: str = ""


@dataclass(frozen=True, slots=True)
class _Case:
    pattern: re.Pattern[str]
    did: str
    can_do: str


def _case(pattern: str, did: str, can_do: str) -> _Case:
    return _Case(re.compile(pattern, re.IGNORECASE), did, can_do)


_CASES = (
    _case(
        r"\b10002\b|recv_window|clock (?:skew|is|differs)|timestamp",
        "The exchange's clock is asked again, and requests use it.",
        "Turn on the automatic time of the system; a clock that drifts comes back here.",
    ),
    _case(
        r"\b10006\b|\b10018\b|too many (?:visits|requests)|rate limit|\b429\b",
        "The request waits and is sent again; that path is asked more slowly for a while.",
        "Nothing now. Where other programs use this address too, lower exchange.budget_percent.",
    ),
    _case(
        r"\bbanned|\bban\b|\b403\b",
        "No request is sent until the exchange takes them again; the end of the ban is remembered.",
        "Wait. Stop other programs that ask Bybit from this address, or lower exchange.budget_percent.",
    ),
    _case(
        r"no space|disk is full|disk full|free some",
        "Nothing was written by halves; what could not be stored waits.",
        "Make room on the disk; tradebot data prune --dry-run tells what could go.",
    ),
    _case(
        r"permission|refused .*allow|cannot be written|read-only|another tradebot",
        "What is stored stays as it is; reading goes on.",
        "Allow writing there, close the other program, or name another folder with --data.",
    ),
    _case(
        r"stream|reconnect|socket|silent|connection (?:was )?(?:lost|closed|reset)",
        "It connects again by itself, and asks for what the stream missed.",
        "Nothing where it comes back. Where it stays away, look at the network or a firewall.",
    ),
    _case(
        r"time ?out|timed out|cannot be reached|could not be reached|unreachable|name or service|resolve",
        "It is asked again and again, with longer pauses.",
        "Look at the network and at exchange.url; stored data, building and testing work without it.",
    ),
    _case(
        r"plug-?in",
        "It is left out; everything else works.",
        "Mend the line that is named in config/plugins and start again.",
    ),
    _case(
        r"compil|kernel",
        "It is tried again, and once more when a backtest is started.",
        "Make room and allow writing in the cache folder where it goes on failing.",
    ),
    _case(
        r"A defect of tradebot",
        "The rest goes on; the traceback is in the details of this record.",
        "Send the record (y copies it) or the crash report along when you tell us.",
    ),
)  # fmt: skip


def advice(entry: LogEntry) -> Advice:
    """What a record says for itself; what it leaves open for a warning or an error, the catalogue answers."""
    happened = entry.happened or entry.sentence
    if entry.level not in {"warning", "error"} or (entry.did and entry.can_do):
        return Advice(happened, entry.did, entry.can_do)
    text = f"{entry.component}: {entry.sentence} {entry.happened}"
    for case in _CASES:
        if case.pattern.search(text):
            return Advice(happened, entry.did or case.did, entry.can_do or case.can_do)
    return Advice(happened, entry.did, entry.can_do)
