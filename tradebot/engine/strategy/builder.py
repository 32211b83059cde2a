"""A strategy written in Python: the same model as the file and the form."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from tradebot.engine.strategy.check import check_document
from tradebot.engine.strategy.paths import remove_at, same, set_at
from tradebot.engine.strategy.problems import Problem, StrategyError
from tradebot.engine.strategy.registry import Registry, Value
from tradebot.engine.strategy.spec import StrategySpec, TopSymbols
from tradebot.engine.strategy.toml_text import read_toml
from tradebot.engine.strategy.writing import document_to_toml


class StrategyBuilder:
    """Puts a strategy together step by step; every method returns the builder.

    Names and values are those of the strategy file, and `build` checks them exactly as a file is checked.

    >>> spec = (
    ...     StrategyBuilder("Pullback in a trend", symbols=["BTCUSDT"], timeframe="15m", execution="1m")
    ...     .indicator("rsi14", "rsi", length=14)
    ...     .indicator("trend", "ema", length=200, timeframe="4h")
    ...     .signal("dip", "compare", a="rsi14", op="<", b=30, supports="long")
    ...     .signal("rising", "rising", source="trend")
    ...     .entry("unanimous", ["dip", "rising"])
    ...     .orders("limit", "percent", percent=0.1, valid_bars=3)
    ...     .risk(direction="long", leverage=3, cooldown_bars=4)
    ...     .sizing("risk", percent=1)
    ...     .stop_loss("atr", length=14, multiple=2)
    ...     .take_profit("r", multiple=1, share_percent=50)
    ...     .take_profit("r", multiple=3)
    ...     .build()
    ... )
    >>> [target.number("share_percent") for target in spec.risk.take_profit]
    [50.0, 50.0]
    >>> from tradebot.engine.strategy import parse_strategy
    >>> parse_strategy(spec.to_toml()) == spec
    True

    A builder made by `from_toml` edits the text it was given: remarks, order and layout stay.

    >>> text = '''
    ... [strategy]   # my first one
    ... name = "t"
    ... symbols = ["BTCUSDT"]
    ... timeframe = "1h"
    ... '''
    >>> print(StrategyBuilder.from_toml(text).set("strategy.timeframe", "4h").to_toml())
    <BLANKLINE>
    [strategy]   # my first one
    name = "t"
    symbols = ["BTCUSDT"]
    timeframe = "4h"
    <BLANKLINE>
    """

    def __init__(
        self,
        name: str,
        *,
        symbols: Sequence[str] | TopSymbols,
        timeframe: str,
        category: str = "linear",
        execution: str | None = None,
        note: str = "",
    ) -> None:
        """`symbols`: names and patterns, or `TopSymbols(20)`. `execution`: finer bars on which orders are walked."""
        self._text: str | None = None
        self._document: dict[str, Any] = {"strategy": {"name": name, "category": category}}
        self.market(symbols=symbols, timeframe=timeframe, execution=execution, note=note or None)

    @classmethod
    def from_toml(cls, text: str, file: str = "strategy") -> StrategyBuilder:
        """A builder of what a strategy file says, whose `to_toml` gives that very text with the changes made since.

        What the file says need not be right yet, that is for `build` to say. StrategyError for a text that is no TOML,
        in which `file` is what the sentence calls it.
        """
        read = read_toml(text.removeprefix("\ufeff"))
        if isinstance(read, Problem):
            raise StrategyError((read,), file)
        builder = cls.__new__(cls)
        builder._text = text
        builder._document = read.document
        return builder

    # ---- the market

    def market(
        self,
        *,
        name: str | None = None,
        category: str | None = None,
        symbols: Sequence[str] | TopSymbols | None = None,
        timeframe: str | None = None,
        execution: str | None = None,
        note: str | None = None,
    ) -> StrategyBuilder:
        """What is traded and on which bars; what is not given stays as it is."""
        if isinstance(symbols, TopSymbols):
            traded: Any = {"top": symbols.top, "by": symbols.by}
        else:
            traded = None if symbols is None else list(symbols)
        return self._given(
            "strategy",
            name=name,
            category=category,
            symbols=traded,
            timeframe=timeframe,
            execution=execution,
            note=note,
        )

    # ---- nodes

    def indicator(
        self,
        name: str,
        use: str,
        *,
        timeframe: str | None = None,
        symbol: str | None = None,
        enabled: bool = True,
        note: str = "",
        **values: Value,
    ) -> StrategyBuilder:
        """Add the indicator `use` under a name, with its declared values: `length=21, source="hl2"`.

        With `timeframe` it is computed on coarser bars, with `symbol` on those of another market. ValueError where the
        name is taken already.
        """
        place = _without_none(timeframe=timeframe, symbol=symbol)
        return self._node("indicators", name, {"use": use, **values, **place}, enabled, note)

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
        """Add the signal `use` under a name; without `supports` its truth is read as its kind does by nature.

        ValueError where the name is taken already.
        """
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
        """Combine members into one that has a name; `values` are `k=2`, or `threshold=0.6, weights={"trend": 2.0}`.

        ValueError where the name is taken already.
        """
        return self._node("groups", name, _rule(combine, signals, values), enabled, note)

    # ---- when a position is opened and closed

    def entry(
        self, combine: str, signals: Sequence[str], *, trigger: str | None = None, **values: Any
    ) -> StrategyBuilder:
        """When a position is opened; `trigger="edge"`: on the first bar of a decision only."""
        self._document["entry"] = _rule(combine, signals, {**values, **_without_none(trigger=trigger)})
        return self

    def exit(self, combine: str, signals: Sequence[str], **values: Any) -> StrategyBuilder:
        """What supports short closes a long, what supports long closes a short."""
        self._document["exit"] = _rule(combine, signals, values)
        return self

    def orders(
        self, entry: str, offset: str | None = None, *, valid_bars: int | None = None, **values: Value
    ) -> StrategyBuilder:
        """How a position is opened: `("market")`, `("limit", "percent", percent=0.1, valid_bars=3)`.

        `offset` is a kind of distance from the close of the decision, `values` are its own: percent, or length and
        multiple of an "atr". `valid_bars`: for so many bars the order waits.
        """
        self._document["orders"] = {"entry": entry}
        table = {"use": offset, **values} if offset is not None else None
        return self._given("orders", offset=table, valid_bars=valid_bars)

    # ---- risk

    def risk(
        self,
        *,
        direction: str | None = None,
        opposite: str | None = None,
        leverage: float | None = None,
        max_bars: int | None = None,
        cooldown_bars: int | None = None,
    ) -> StrategyBuilder:
        """Which sides may be opened and when a position ends by time; what is not given stays as it is."""
        return self._given(
            "risk",
            direction=direction,
            opposite=opposite,
            leverage=leverage,
            max_bars=max_bars,
            cooldown_bars=cooldown_bars,
        )

    def sizing(self, use: str, **values: Value) -> StrategyBuilder:
        """How large an entry is: `("equity", percent=50)`, `("risk", percent=1)`, `("fixed", quantity=0.1)`.

        Others are `("notional", amount=1000)`, `("volatility", target_percent=20, length=20)` and
        `("kelly", fraction=0.5, min_trades=30, start_percent=10)`.
        """
        return self._given("risk", sizing={"use": use, **values})

    def stop_loss(self, use: str, **values: Value) -> StrategyBuilder:
        """Where a losing position is closed: `("percent", percent=2.5)`, `("atr", length=14, multiple=2)`.

        Or at a series of the strategy: `("series", series="bands.lower", follow=True)`.
        """
        return self._given("risk", stop_loss={"use": use, **values})

    def take_profit(
        self, use: str, *, share_percent: float | None = None, **values: Value
    ) -> StrategyBuilder:
        """Add a target: `("percent", percent=7.5)`, `("r", multiple=2)`, `("atr", ...)`, `("series", ...)`.

        Each call adds one. `share_percent` is the part of the original quantity that leaves there; targets without
        share what the others leave. `remove("risk.take_profit")` takes all of them away.
        """
        risk = self._section("risk")
        present = risk.get("take_profit", [])
        targets = present if isinstance(present, list) else [present]
        target = {"use": use, **values, **_without_none(share_percent=share_percent)}
        risk["take_profit"] = [*targets, target]
        return self

    def trailing_stop(
        self, use: str, *, start_percent: float | None = None, start_r: float | None = None, **values: Value
    ) -> StrategyBuilder:
        """A stop that follows the best price: `("percent", percent=1.5, start_percent=2)`, `("atr", multiple=3)`.

        It starts once the position was `start_percent`, or `start_r` times its risk, in profit.
        """
        starts = _without_none(start_percent=start_percent, start_r=start_r)
        return self._given("risk", trailing_stop={"use": use, **values, **starts})

    def break_even(self, at_r: float, *, offset_percent: float | None = None) -> StrategyBuilder:
        """Move the stop to the entry, or a little beyond, once the profit was `at_r` times the initial risk."""
        return self._given("risk", break_even={"at_r": at_r, **_without_none(offset_percent=offset_percent)})

    def limits(
        self,
        *,
        max_positions: int | None = None,
        max_exposure_percent: float | None = None,
        max_symbol_exposure_percent: float | None = None,
        max_daily_loss_percent: float | None = None,
        max_drawdown_percent: float | None = None,
    ) -> StrategyBuilder:
        """What may be open at most, and the losses that close everything; percentages are of the marked equity.

        The daily loss ends the day, the drawdown the run. What is not given stays as it is.
        """
        return self._given(
            "risk",
            max_positions=max_positions,
            max_exposure_percent=max_exposure_percent,
            max_symbol_exposure_percent=max_symbol_exposure_percent,
            max_daily_loss_percent=max_daily_loss_percent,
            max_drawdown_percent=max_drawdown_percent,
        )

    def loss_streak(self, losses: int, pause_bars: int) -> StrategyBuilder:
        """Take no entry for `pause_bars` bars after so many losing positions in a row."""
        return self._given("risk", loss_streak={"losses": losses, "pause_bars": pause_bars})

    def pyramiding(self, max_adds: int, spacing: str | None = None, **values: Value) -> StrategyBuilder:
        """Add to a position that is in profit: `(2, "atr", length=14, multiple=1)`.

        `spacing` is a kind of distance from the last fill, `values` are its own: percent, or length and multiple.
        """
        table = _without_none(spacing={"use": spacing, **values} if spacing is not None else None)
        return self._given("risk", pyramiding={"max_adds": max_adds, **table})

    # ---- costs and ranges

    def costs(
        self,
        *,
        taker_fee_percent: float | None = None,
        maker_fee_percent: float | None = None,
        slippage_percent: float | None = None,
        half_spread_percent: float | None = None,
        max_volume_share_percent: float | None = None,
        impact: float | None = None,
        funding: bool | None = None,
    ) -> StrategyBuilder:
        """Costs that differ from the settings: `taker_fee_percent=0.04, funding=False`."""
        return self._given(
            "costs",
            taker_fee_percent=taker_fee_percent,
            maker_fee_percent=maker_fee_percent,
            slippage_percent=slippage_percent,
            half_spread_percent=half_spread_percent,
            max_volume_share_percent=max_volume_share_percent,
            impact=impact,
            funding=funding,
        )

    def optimize(self, path: str, *, low: float, high: float, step: float) -> StrategyBuilder:
        """Name the values that a search may try for one path: `("indicators.fast.length", low=5, high=50, step=1)`."""
        return self._given("optimize", **{path: {"low": low, "high": high, "step": step}})

    # ---- any value by its path

    def set(self, path: str, value: Any) -> StrategyBuilder:
        """Give the value at a path: `("indicators.fast.length", 30)`, `("risk.take_profit.1.multiple", 2.5)`.

        Tables on the way are made where they are missing, places in lists count from 1. KeyError where the path leads
        through something that is no table, or to a place that a list does not have.
        """
        set_at(self._document, path, copy.deepcopy(value))
        return self

    def remove(self, path: str) -> StrategyBuilder:
        """Take away what stands at a path: a value, a node, a whole section. KeyError where nothing stands there."""
        remove_at(self._document, path)
        return self

    # ---- what came of it

    def document(self) -> dict[str, Any]:
        """A copy of what was put together so far, as a strategy file would hold it."""
        return copy.deepcopy(self._document)

    def to_toml(self) -> str:
        """What was put together so far, unchecked, as the text of a strategy file.

        Of a builder made by `from_toml` its own text, byte for byte where nothing was changed.
        """
        if self._text is None:
            return document_to_toml(self._document)
        from tradebot.engine.strategy.toml_change import change_text

        read = read_toml(self._text.removeprefix("\ufeff"))
        if not isinstance(read, Problem) and same(read.document, self._document):
            return self._text
        changed = change_text(self._text.removeprefix("\ufeff"), self.document())
        return changed.replace("\n", "\r\n") if "\r\n" in self._text else changed

    def build(self, registry: Registry | None = None) -> StrategySpec:
        """The checked strategy. Raises StrategyError with everything that is wrong."""
        head = self._document.get("strategy")
        name = head.get("name", "strategy") if isinstance(head, Mapping) else "strategy"
        return check_document(self.document(), str(name), registry).required()

    # ---- how it is kept

    def _section(self, name: str) -> dict[str, Any]:
        section: dict[str, Any] = self._document.setdefault(name, {})
        return section

    def _given(self, section: str, **values: Any) -> StrategyBuilder:
        self._section(section).update(_without_none(**values))
        return self

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


def _rule(combine: str, signals: Sequence[str], values: Mapping[str, Any]) -> dict[str, Any]:
    return {"combine": combine, "signals": list(signals), **values}


def _without_none(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
