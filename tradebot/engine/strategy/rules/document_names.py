"""What a rule sentence may name of the strategy itself: its indicators by their names, and symbols."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tradebot.engine.market import is_symbol
from tradebot.engine.strategy.declared import nodes_of
from tradebot.engine.strategy.registry import Registry

_QUOTES = ("USDT", "USDC", "PERP", "USD", "EUR")
_SHORTEST_COIN = 2


class DocumentNames:
    """Looks names up in one document; `symbols` are those that may be meant by their coin alone."""

    def __init__(self, document: Mapping[str, Any], registry: Registry, symbols: tuple[str, ...]) -> None:
        self._references: dict[str, str] = {}
        for name, node in nodes_of(document, "indicators"):
            declaration = registry.indicators.get(str(node.get("use")))
            self._references[name.lower()] = name
            for output in declaration.outputs if declaration is not None else ():
                self._references[f"{name.lower()}.{output}"] = f"{name}.{output}"
        head = document.get("strategy")
        own = head.get("symbols") if isinstance(head, Mapping) else None
        listed = [each for each in own if isinstance(each, str)] if isinstance(own, list) else []
        self.own = tuple(each for each in listed if is_symbol(each))
        self._symbols = dict.fromkeys((*symbols, *self.own))

    def series(self, word: str) -> str:
        """The series of the document that a word names, "" where it names none."""
        return self._references.get(word.lower(), "")

    def references(self) -> list[str]:
        """All of them, in the order of the document."""
        return list(self._references.values())

    def symbol(self, word: str) -> str:
        """The symbol that a word means: `ethusdt`, or `eth` where one of that coin is known; "" where none."""
        upper = word.upper()
        if upper in self._symbols:
            return upper
        if any(upper.endswith(quote) and len(upper) >= len(quote) + _SHORTEST_COIN for quote in _QUOTES):
            return upper if is_symbol(upper) else ""
        coins = (f"{upper}{quote}" for quote in _QUOTES)
        return next((coin for coin in coins if coin in self._symbols), "")
