"""The rules of instruments on disk, each with the date it was seen; exact decimals as text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from tradebot.engine.market import Category, Instrument
from tradebot.engine.market.rounding import decimal_text
from tradebot.engine.market.times import iso_ms
from tradebot.engine.store.json_files import damaged_entry, read_table, write_table

_TABLE = "instruments"
_WHAT = "the rules of instruments"
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
    return {
        symbol: _instrument(path, category, symbol, entry)
        for symbol, entry in read_table(path, _TABLE, _WHAT).items()
    }


def write_instruments(path: Path, instruments: Iterable[Instrument], seen_ms: int) -> None:
    """Put these rules in place of older ones of the same symbols; other symbols keep theirs."""
    entries = read_table(path, _TABLE, _WHAT)
    for instrument in instruments:
        entry = {
            field.name: getattr(instrument, field.name)
            for field in fields(instrument)
            if field.name not in ("symbol", "category")
        }
        texts = {name: decimal_text(entry[name]) for name in _DECIMALS if entry[name] is not None}
        entries[instrument.symbol] = {"seen": iso_ms(seen_ms), **entry, **texts}
    write_table(path, _TABLE, entries)


def _instrument(path: Path, category: Category, symbol: str, entry: Any) -> Instrument:
    try:
        values = {name: value for name, value in entry.items() if name != "seen"}
        for name in _DECIMALS:
            if values.get(name) is not None:
                values[name] = Decimal(values[name])
        return Instrument(symbol=symbol, category=category, **values)
    except (TypeError, AttributeError, InvalidOperation, ValueError):
        raise damaged_entry(path, symbol, "the rules of one instrument") from None
