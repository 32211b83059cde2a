"""Candles as freqtrade keeps them: a JSON list of [open time in ms, open, high, low, close, volume]."""

from __future__ import annotations

import json
from pathlib import Path

from tradebot.engine.control.errors import InputError
from tradebot.engine.store.layout import FUNDING, TableKind
from tradebot.engine.store.rows import shown

_WIDTH = 6


def freqtrade_lines(text: bytes, path: Path, kind: TableKind) -> bytes:
    """Our lines from freqtrade's JSON, each number in the digits of the file; InputError with the bar's number.

    Funding rates stand in the place of the open price, as freqtrade writes them.
    """
    try:
        rows = json.loads(text, parse_float=str, parse_int=str, parse_constant=str)
    except (ValueError, RecursionError):
        raise InputError(
            f"{path} is damaged, expected a JSON list of [time in ms, open, high, low, close, volume]; "
            "download it again."
        ) from None
    if not isinstance(rows, list) or not rows:
        raise InputError(f"{path} holds no bars, expected a JSON list of them; nothing was imported.")
    width = len(kind.columns) if kind is FUNDING else min(_WIDTH, len(kind.columns))
    ending = "," if kind.optional_last else ""
    lines = []
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, list) or len(row) != _WIDTH or not all(isinstance(each, str) for each in row):
            raise InputError(
                f"{path}, bar {number}: {_shown(row)} is no bar, expected "
                "[time in ms, open, high, low, close, volume]; correct or delete it."
            )
        lines.append(",".join(row[:width]) + ending)
    try:
        return ("\n".join(lines) + "\n").encode("ascii")
    except UnicodeEncodeError:
        raise InputError(f"{path} holds text in the place of numbers; download it again.") from None


def _shown(row: object) -> str:
    values = (
        [each if isinstance(each, str) else json.dumps(each) for each in row]
        if isinstance(row, list)
        else [row]
    )
    return shown(", ".join(str(each) for each in values))
