"""The risk limits of symbols on disk, each with the date they were seen; exact decimals as text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from tradebot.engine.market import RiskTier
from tradebot.engine.market.rounding import decimal_text
from tradebot.engine.market.times import iso_ms
from tradebot.engine.store.json_files import damaged_entry, read_table, write_table

_TABLE = "risk_limits"
_WHAT = "the risk limits of symbols"
_NAMES = tuple(field.name for field in fields(RiskTier))


def read_risk_limits(path: Path) -> dict[str, tuple[RiskTier, ...]]:
    """Tiers by symbol, rising by limit, none where there is no file. InputError where the file is damaged."""
    return {symbol: _tiers(path, symbol, entry) for symbol, entry in read_table(path, _TABLE, _WHAT).items()}


def last_seen_ms(path: Path) -> int | None:
    """The latest date that tiers were seen, UTC ms; None where none are held or none says its date."""
    seen = [
        entry.get("seen") for entry in read_table(path, _TABLE, _WHAT).values() if isinstance(entry, dict)
    ]
    try:
        moments = [datetime.fromisoformat(text) for text in seen if isinstance(text, str)]
    except ValueError:
        return None
    return max((int(moment.timestamp() * 1000) for moment in moments), default=None)


def write_risk_limits(path: Path, limits: Mapping[str, tuple[RiskTier, ...]], seen_ms: int) -> None:
    """Put these limits in place of older ones of the same symbols; other symbols keep theirs."""
    entries = read_table(path, _TABLE, _WHAT)
    for symbol, tiers in limits.items():
        texts = [{name: decimal_text(getattr(tier, name)) for name in _NAMES} for tier in tiers]
        entries[symbol] = {"seen": iso_ms(seen_ms), "tiers": texts}
    write_table(path, _TABLE, entries)


def _tiers(path: Path, symbol: str, entry: Any) -> tuple[RiskTier, ...]:
    try:
        tiers = [RiskTier(**{name: Decimal(tier[name]) for name in _NAMES}) for tier in entry["tiers"]]
    except (TypeError, KeyError, AttributeError, ValueError, InvalidOperation):
        raise damaged_entry(path, symbol, "the tiers of one symbol") from None
    return tuple(sorted(tiers, key=lambda tier: tier.limit))
