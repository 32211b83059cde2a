"""What an alert waits for, in one sentence: "BTCUSDT above 60000", "BTCUSDT 15m: rsi below 30", "disk below 5 GB"."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Literal

from tradebot.engine.control.errors import InputError
from tradebot.engine.market import Timeframe

__all__ = [
    "BarRule",
    "Condition",
    "DiskLow",
    "FeedStale",
    "GapFound",
    "JobEnded",
    "PriceLevel",
    "PriceMove",
    "StrategySignal",
    "parse_condition",
    "parse_span",
    "span_text",
]

EXAMPLES = (
    "BTCUSDT above 60000",
    "BTCUSDT below 50000",
    "BTCUSDT crosses 55000",
    "BTCUSDT falls 3% in 15m",
    "BTCUSDT 15m: rsi below 30",
    "strategy ema-trend",
    "feed stale 60s",
    "gap found",
    "job failed",
    "disk below 5 GB",
)
_UNIT_MS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_SPAN = re.compile(r"(\d+)\s*([smhdw])")
_NUMBER = r"(\d+(?:[.,_]\d+)*|\d*\.\d+)"
_SYMBOL = r"([A-Za-z0-9]{2,}(?:-[A-Za-z0-9]+)*)"
_LEVEL = re.compile(rf"{_SYMBOL}\s+(above|below|crosses|over|under|>|<)\s+{_NUMBER}", re.IGNORECASE)
_MOVE = re.compile(rf"{_SYMBOL}\s+(rises|falls|moves)\s+{_NUMBER}\s*%\s+in\s+(\d+\s*[smhdw])", re.IGNORECASE)
_RULE = re.compile(rf"{_SYMBOL}\s+(\w+)\s*:\s*(.+)", re.DOTALL)
_STRATEGY = re.compile(r"(?:strategy|signal of)\s+(\S.*)", re.IGNORECASE)
_STALE = re.compile(rf"feed\s+stale(?:\s+(\d+\s*[smhdw]))?(?:\s+{_SYMBOL})?", re.IGNORECASE)
_JOB = re.compile(r"job\s+(done|failed|ended)", re.IGNORECASE)
_DISK = re.compile(rf"disk\s+(?:below|under|<)\s+{_NUMBER}\s*(GB|MB)?", re.IGNORECASE)
_LONGEST_MOVE_MS = _UNIT_MS["d"]
_USUAL_STALE_MS = 60_000


@dataclass(frozen=True, slots=True)
class PriceLevel:
    """The last price goes above or below a level, or crosses it either way."""

    symbol: str
    way: Literal["above", "below", "crosses"]
    level: float


@dataclass(frozen=True, slots=True)
class PriceMove:
    """The last price is that many percent above the lowest, below the highest (or either) of the last `span_ms`."""

    symbol: str
    way: Literal["rises", "falls", "moves"]
    percent: float
    span_ms: int


@dataclass(frozen=True, slots=True)
class BarRule:
    """A rule in words becomes true at the close of a bar that is followed."""

    symbol: str
    timeframe: Timeframe
    rule: str


@dataclass(frozen=True, slots=True)
class StrategySignal:
    """A saved strategy decides to enter at the close of a bar that is followed."""

    name: str


@dataclass(frozen=True, slots=True)
class FeedStale:
    """Nothing was heard for `span_ms`: of a symbol, or of any stream (symbol "")."""

    span_ms: int
    symbol: str = ""


@dataclass(frozen=True, slots=True)
class GapFound:
    """A dataset that is followed has more gaps than before."""


@dataclass(frozen=True, slots=True)
class JobEnded:
    """A job ends, in one way or (`ended`) in either."""

    way: Literal["done", "failed", "ended"]


@dataclass(frozen=True, slots=True)
class DiskLow:
    """The disk of the data folder has less room than that."""

    free_bytes: int


Condition = PriceLevel | PriceMove | BarRule | StrategySignal | FeedStale | GapFound | JobEnded | DiskLow


def parse_condition(text: str) -> Condition:
    """The condition that a sentence says. Raises InputError with what is understood instead."""
    cleaned = " ".join(text.split())
    for pattern, make in _MAKERS:
        found = pattern.fullmatch(cleaned)
        if found is not None:
            return make(found)
    raise InputError(f'"{cleaned}" is not understood as an alert; write one like {"; ".join(EXAMPLES)}.')


def parse_span(text: str) -> int:
    """Milliseconds of `30s`, `15m`, `2h`, `1d` or `1w`. Raises InputError for anything else."""
    found = _SPAN.fullmatch(text.strip())
    if found is None or int(found[1]) == 0:
        raise InputError(f'"{text}" is not a length of time; write one like 30s, 15m, 2h or 1d.')
    return int(found[1]) * _UNIT_MS[found[2]]


def span_text(span_ms: int) -> str:
    """The shortest text that `parse_span` reads back: `900_000` -> "15m"."""
    unit = next(name for name in ("w", "d", "h", "m", "s") if span_ms % _UNIT_MS[name] == 0)
    return f"{span_ms // _UNIT_MS[unit]}{unit}"


def _number(text: str) -> float:
    value = float(text.replace("_", "").replace(",", ""))
    if not math.isfinite(value) or value <= 0:
        raise InputError(f'"{text}" must be a number above 0.')
    return value


def _level(found: re.Match[str]) -> Condition:
    words: dict[str, Literal["above", "below", "crosses"]] = {
        "above": "above", "over": "above", ">": "above", "below": "below", "under": "below", "<": "below",
    }  # fmt: skip
    return PriceLevel(found[1].upper(), words.get(found[2].lower(), "crosses"), _number(found[3]))


def _move(found: re.Match[str]) -> Condition:
    span_ms = parse_span(found[4])
    if span_ms > _LONGEST_MOVE_MS:
        raise InputError(
            f"A move is watched over a day at most, not {found[4]}; a rule on bars looks further back."
        )
    ways: dict[str, Literal["rises", "falls", "moves"]] = {
        "rises": "rises",
        "falls": "falls",
        "moves": "moves",
    }
    return PriceMove(found[1].upper(), ways[found[2].lower()], _number(found[3]), span_ms)


def _rule(found: re.Match[str]) -> Condition:
    if found[2] not in Timeframe.names():
        raise InputError(f"{found[2]} is no timeframe; write one of {', '.join(Timeframe.names())}.")
    return BarRule(found[1].upper(), Timeframe(found[2]), found[3].strip())


def _stale(found: re.Match[str]) -> Condition:
    span_ms = parse_span(found[1]) if found[1] else _USUAL_STALE_MS
    return FeedStale(span_ms, (found[2] or "").upper())


def _job(found: re.Match[str]) -> Condition:
    ways: dict[str, Literal["done", "failed", "ended"]] = {
        "done": "done",
        "failed": "failed",
        "ended": "ended",
    }
    return JobEnded(ways[found[1].lower()])


def _disk(found: re.Match[str]) -> Condition:
    unit = 1024**2 if (found[2] or "GB").upper() == "MB" else 1024**3
    return DiskLow(int(_number(found[1]) * unit))


_MAKERS = (
    (_DISK, _disk),
    (_JOB, _job),
    (_STALE, _stale),
    (re.compile(r"gap(?:s)?\s+found", re.IGNORECASE), lambda _found: GapFound()),
    (_STRATEGY, lambda found: StrategySignal(found[1].strip())),
    (_RULE, _rule),
    (_MOVE, _move),
    (_LEVEL, _level),
)
