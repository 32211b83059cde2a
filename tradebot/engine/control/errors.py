"""Refusals as sentences: what happened, where, what was expected, what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

EXIT_OK = 0
EXIT_SHORT = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130


class TradebotError(Exception):
    """A refusal that a person can read. `exit_code` is what a command ends with.

    1: it ran and something falls short; 2: wrong usage or input (see `InputError`).
    """

    exit_code = EXIT_SHORT

    def __init__(self, sentence: str) -> None:
        self.sentence = printable(sentence)
        super().__init__(self.sentence)


class InputError(TradebotError):
    """What the person gave cannot be used: an unknown name, a broken file, a value out of range."""

    exit_code = EXIT_USAGE


class ShortfallError(TradebotError):
    """The work ran but could not be finished: the exchange is unreachable, the disk is full."""

    exit_code = EXIT_SHORT


class CancelledError(TradebotError):
    """The person cancelled the work; nothing is wrong."""

    exit_code = EXIT_INTERRUPTED


def printable(text: str) -> str:
    """The text with control characters spelled out, so that what a file holds can never steer a terminal."""
    return "".join(each if each.isprintable() or each == "\n" else f"\\x{ord(each):02x}" for each in text)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name a person most likely meant, or None: `nearest("lenght", ["length"])` -> "length"."""
    candidates = list(known)
    by_lower = {candidate.lower(): candidate for candidate in candidates}
    matches = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[matches[0]] if matches else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """` Did you mean "length"?` with a leading blank, or an empty text."""
    match = nearest(name, known)
    return f' Did you mean "{match}"?' if match else ""
