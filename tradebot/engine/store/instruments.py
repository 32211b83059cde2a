"""The rules of instruments on disk, each with the date it was seen; exact decimals as text."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import fields
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from tradebot.engine.control.errors import InputError
from tradebot.engine.market import Category, Instrument
from tradebot.engine.market.rounding import decimal_text
from tradebot.engine.market.times import iso_ms
from tradebot.engine.store.side_files import write_whole

_VERSION = 1
_DECIMALS = (
    "tick_size",
    "lot_size",
    "min_quantity",
    "min_notional",
    "max_market_quantity",
    "max_leverage",
)


def read_instruments(path: Path, category: Category) -> dict[str, Instrument]:
    """Instruments by symbol, none where there is no file. InputError where the file is damaged."""
    return {symbol: _instrument(path, category, symbol, entry) for symbol, entry in _entries(path).items()}


def write_instruments(path: Path, instruments: Iterable[Instrument], seen_ms: int) -> None:
    """Put these rules in place of older ones of the same symbols; other symbols keep theirs."""
    entries = _entries(path)
    for instrument in instruments:
        entry = {
            field.name: getattr(instrument, field.name)
            for field in fields(instrument)
            if field.name not in ("symbol", "category")
        }
        texts = {name: decimal_text(entry[name]) for name in _DECIMALS if entry[name] is not None}
        entries[instrument.symbol] = {"seen": iso_ms(seen_ms), **entry, **texts}
    content = {"version": _VERSION, "instruments": dict(sorted(entries.items()))}
    write_whole(path, json.dumps(content, indent=1) + "\n")


def _entries(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except json.JSONDecodeError as error:
        raise InputError(
            f"{path}, line {error.lineno}: this is not JSON, expected the rules of instruments; "
            "delete the file and they are asked of the exchange again."
        ) from None
    entries = content.get("instruments") if isinstance(content, dict) else None
    if not isinstance(entries, dict):
        raise InputError(
            f'{path}: the key "instruments" is missing, expected one entry for each symbol; '
            "delete the file and the rules are asked of the exchange again."
        )
    return entries


def _instrument(path: Path, category: Category, symbol: str, entry: Any) -> Instrument:
    try:
        values = {name: value for name, value in entry.items() if name != "seen"}
        for name in _DECIMALS:
            if values.get(name) is not None:
                values[name] = Decimal(values[name])
        return Instrument(symbol=symbol, category=category, **values)
    except (TypeError, AttributeError, InvalidOperation, ValueError):
        raise InputError(
            f"{path}: the entry of {symbol} is damaged, expected the rules of one instrument; "
            "delete the entry or the file and it is asked of the exchange again."
        ) from None
