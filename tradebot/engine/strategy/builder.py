"""A strategy written in Python: the same model as the file and the form."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from tradebot.engine.strategy.check import check_document
from tradebot.engine.strategy.registry import Registry, Value
from tradebot.engine.strategy.spec import StrategySpec
from tradebot.engine.strategy.writing import document_to_toml


class StrategyBuilder:
    """Puts a strategy together step by step; every method returns the builder.

    Names and values are those of the strategy file, and `build` checks them exactly as a file is checked.

    >>> spec = (
    ...     StrategyBuilder("Trend with strength", symbols=["BTCUSDT"], timeframe="1h")
    ...     .indicator("fast", "ema", length=21)
    ...     .indicator("slow", "ema", length=55)
    ...     .indicator("adx14", "adx", length=14)
    ...     .signal("trend", "compare", a="fast", op=">", b="slow", supports="direction")
    ...     .signal("strong", "compare", a="adx14", op=">", b=20)
    ...     .entry("unanimous", ["trend", "strong"])
    ...     .risk(direction="both", opposite="reverse")
    ...     .sizing("equity", percent=50)
    ...     .stop_loss("percent", percent=2.5)
    ...     .take_profit("percent", percent=7.5)
    ...     .build()
    ... )
    >>> spec.indicators["fast"].parameters
    {'source': 'close', 'length': 21}
    >>> from tradebot.engine.strategy import parse_strategy
    >>> parse_strategy(spec.to_toml()) == spec
    True
    """

    def __init__(
        self, name: str, *, symbols: Sequence[str], timeframe: str, category: str = "linear", note: str = ""
    ) -> None:
        head = {"name": name, "category": category, "symbols": list(symbols), "timeframe": timeframe}
        self._document: dict[str, Any] = {"strategy": {**head, **({"note": note} if note else {})}}

    def indicator(
        self, name: str, use: str, *, enabled: bool = True, note: str = "", **values: Value
    ) -> StrategyBuilder:
        """Add the indicator `use` under a name, with its declared values: `length=21, source="hl2"`."""
        return self._node("indicators", name, {"use": use, **values}, enabled, note)

    def signal(
        self,
        name: str,
        use: str,
        *,
        supports: str | None = None,
        invert: bool = False,
        enabled: bool = True,
        note: str = "",
        **values: Value | Sequence[str],
    ) -> StrategyBuilder:
        """Add the signal `use` under a name; without `supports` its truth is read as its kind does by nature."""
        table: dict[str, Any] = {"use": use}
        table |= {key: value if isinstance(value, Value) else list(value) for key, value in values.items()}
        if supports is not None:
            table["supports"] = supports
        if invert:
            table["invert"] = True
        return self._node("signals", name, table, enabled, note)

    def group(
        self,
        name: str,
        combine: str,
        signals: Sequence[str],
        *,
        enabled: bool = True,
        note: str = "",
        **values: Any,
    ) -> StrategyBuilder:
        """Combine members into one that has a name; `values` are `k=2`, or `threshold=0.6, weights={"trend": 2.0}`."""
        return self._node("groups", name, _rule(combine, signals, values), enabled, note)

    def entry(
        self, combine: str, signals: Sequence[str], *, trigger: str = "level", **values: Any
    ) -> StrategyBuilder:
        """When a position is opened; `trigger="edge"`: on the first bar of a decision only."""
        self._document["entry"] = {**_rule(combine, signals, values), "trigger": trigger}
        return self

    def exit(self, combine: str, signals: Sequence[str], **values: Any) -> StrategyBuilder:
        """What supports short closes a long, what supports long closes a short."""
        self._document["exit"] = _rule(combine, signals, values)
        return self

    def risk(
        self,
        *,
        direction: str | None = None,
        opposite: str | None = None,
        max_bars: int | None = None,
        cooldown_bars: int | None = None,
    ) -> StrategyBuilder:
        """Which sides may be opened and when a position ends by time; what is not given keeps its default."""
        given = {
            "direction": direction,
            "opposite": opposite,
            "max_bars": max_bars,
            "cooldown_bars": cooldown_bars,
        }
        self._section("risk").update({name: value for name, value in given.items() if value is not None})
        return self

    def sizing(self, use: str, **values: Value) -> StrategyBuilder:
        """How large an entry is: `("equity", percent=50)`, `("notional", amount=1000)`, `("fixed", quantity=0.1)`."""
        self._section("risk")["sizing"] = {"use": use, **values}
        return self

    def stop_loss(self, use: str, **values: Value) -> StrategyBuilder:
        """Where a losing position is closed: `("percent", percent=2.5)`."""
        self._section("risk")["stop_loss"] = {"use": use, **values}
        return self

    def take_profit(self, use: str, **values: Value) -> StrategyBuilder:
        """Where a winning position is closed: `("percent", percent=7.5)`."""
        self._section("risk")["take_profit"] = [{"use": use, **values}]
        return self

    def costs(self, **values: float | bool) -> StrategyBuilder:
        """Costs that differ from the settings: `taker_fee_percent=0.04, funding=False`."""
        self._section("costs").update(values)
        return self

    def document(self) -> dict[str, Any]:
        """A copy of what was put together so far, as a strategy file would hold it."""
        return copy.deepcopy(self._document)

    def to_toml(self) -> str:
        """What was put together so far, unchecked, as the text of a strategy file."""
        return document_to_toml(self._document)

    def build(self, registry: Registry | None = None) -> StrategySpec:
        """The checked strategy. Raises StrategyError with everything that is wrong."""
        return check_document(self._document, self._document["strategy"]["name"], registry).required()

    def _section(self, name: str) -> dict[str, Any]:
        section: dict[str, Any] = self._document.setdefault(name, {})
        return section

    def _node(
        self, section: str, name: str, table: dict[str, Any], enabled: bool, note: str
    ) -> StrategyBuilder:
        nodes = self._section(section)
        if name in nodes:
            raise ValueError(f'{section} has the name "{name}" already')
        if not enabled:
            table["enabled"] = False
        nodes[name] = {**table, "note": note} if note else table
        return self


def _rule(combine: str, signals: Sequence[str], values: dict[str, Any]) -> dict[str, Any]:
    return {"combine": combine, "signals": list(signals), **values}
