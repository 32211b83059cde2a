"""Answers of `market/risk-limit`: margin tiers by symbol, whichever way the exchange writes its percentages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from tradebot.engine.exchange.errors import MalformedError
from tradebot.engine.exchange.fields import (
    as_object,
    cursor_of,
    decimal_or_none,
    envelope_rows,
    positive_of,
    symbol_of,
)
from tradebot.engine.exchange.parsing import Page
from tradebot.engine.market import RiskTier

# Initial margin times leverage is about 1 where margins are fractions and about 100 where they are percent.
_PERCENT_FROM = Decimal(10)


def parse_risk_limits(envelope: Mapping[str, Any]) -> Page[tuple[str, RiskTier | None]]:
    """Answer of `market/risk-limit` -> (symbol, tier) in its own order, None for a tier that does not fit.

    A symbol that lacks a tier must not be used, so its name is kept; what is wrong with it stands in `problems`.
    """
    items: list[tuple[str, RiskTier | None]] = []
    problems: list[str] = []
    for raw in envelope_rows(envelope, "risk limit answer"):
        symbol = ""
        try:
            fields = as_object(raw, "risk limit answer")
            symbol = symbol_of(fields, "risk limit")
            items.append((symbol, _tier(fields, f"risk limit of {symbol}")))
        except MalformedError as error:
            problems.append(error.sentence)
            if symbol:
                items.append((symbol, None))
    return Page(tuple(items), tuple(problems), cursor_of(envelope))


def _tier(fields: Mapping[str, Any], where: str) -> RiskTier:
    maintenance = positive_of(fields, "maintenanceMargin", where)
    initial = positive_of(fields, "initialMargin", where)
    leverage = positive_of(fields, "maxLeverage", where)
    scale = Decimal(100) if initial * leverage >= _PERCENT_FROM else Decimal(1)
    maintenance, initial = maintenance / scale, initial / scale
    if not maintenance <= initial <= 1:
        raise MalformedError(
            where,
            f"its fields `maintenanceMargin` {maintenance} and `initialMargin` {initial} are no rising margins",
        )
    deduction = decimal_or_none(fields, "mmDeduction", where) or Decimal(0)
    if deduction < 0:
        raise MalformedError(where, f"its field `mmDeduction` is {deduction} instead of a number from 0")
    return RiskTier(positive_of(fields, "riskLimitValue", where), maintenance, initial, leverage, deduction)


def tiers_by_symbol(
    items: Iterable[tuple[str, RiskTier | None]],
) -> dict[str, tuple[RiskTier, ...]]:
    """Tiers of each symbol, rising by their limit, each once; a symbol that lacks one is left out altogether."""
    found: dict[str, dict[Decimal, RiskTier]] = {}
    broken: set[str] = set()
    for symbol, tier in items:
        if tier is None:
            broken.add(symbol)
        else:
            found.setdefault(symbol, {})[tier.limit] = tier
    return {
        symbol: tuple(tiers[limit] for limit in sorted(tiers))
        for symbol, tiers in sorted(found.items())
        if symbol not in broken
    }
