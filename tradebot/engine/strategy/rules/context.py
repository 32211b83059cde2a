"""What the clauses need to know while a sentence is read: the registry, the document's own series, the base bars."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tradebot.engine.market import Timeframe
from tradebot.engine.strategy.registry import IndicatorDeclaration, ParameterKind, Registry, SignalDeclaration
from tradebot.engine.strategy.rules.natures import STRENGTH_COLUMNS, Nature, Scale, scale_of
from tradebot.engine.strategy.rules.tree import Series
from tradebot.engine.strategy.series import split_reference


@dataclass(frozen=True, slots=True)
class Context:
    """The surroundings of one sentence."""

    registry: Registry
    document: Mapping[str, Any]
    base: Timeframe | None

    def declaration(self, series: Series) -> IndicatorDeclaration | None:
        """The indicator that a series comes from, None for a column."""
        if series.use:
            return self.registry.indicators.get(series.use)
        node = self.node(series)
        return self.registry.indicators.get(str(node.get("use"))) if node is not None else None

    def node(self, series: Series) -> Mapping[str, Any] | None:
        """The table of a series that the document has already."""
        nodes = self.document.get("indicators")
        found = nodes.get(split_reference(series.node)[0]) if isinstance(nodes, Mapping) else None
        return found if isinstance(found, Mapping) else None

    def output(self, series: Series) -> str:
        """The output that a series means, "" where it means none of several."""
        declaration = self.declaration(series)
        named = split_reference(series.node)[1] if series.node else series.output
        return named or (declaration.main if declaration is not None else "")

    def scale(self, series: Series) -> Scale:
        """How the values of a series are to be read."""
        if series.column:
            return Scale(Nature.STRENGTH if series.column in STRENGTH_COLUMNS else Nature.LINE)
        declaration = self.declaration(series)
        if declaration is None:
            return Scale(Nature.LINE)
        scale = scale_of(declaration, self.output(series))
        if scale.nature is Nature.LINE and not self.at_price(series):
            source = self.source(series)
            below = self.scale(source) if source is not None else scale
            # An average of an oscillator lives on that oscillator's scale.
            return below if below.nature is not Nature.LINE else scale
        return scale

    def source(self, series: Series) -> Series | None:
        """What an indicator is computed from, None where from prices."""
        if series.use:
            return series.source
        node, declaration = self.node(series), self.declaration(series)
        for parameter in declaration.parameters if declaration is not None else ():
            if parameter.kind is ParameterKind.SERIES and node is not None:
                given = node.get(parameter.name)
                if isinstance(given, str) and given in (self.document.get("indicators") or {}):
                    return Series(node=given)
                return Series(column=given) if isinstance(given, str) and given in STRENGTH_COLUMNS else None
        return None

    def at_price(self, series: Series) -> bool:
        """Whether a series is a price or drawn at price, and not an average of something else."""
        return series.column not in ("", *STRENGTH_COLUMNS) or (
            not series.column and self.source(series) is None
        )

    def is_price(self, series: Series) -> bool:
        """Whether a series is a price column of the bars."""
        return bool(series.column) and series.column not in (*STRENGTH_COLUMNS, "funding")

    def coarser(self, series: Series) -> bool:
        """Whether a series is computed on other bars than the strategy's."""
        node = self.node(series)
        frame = series.timeframe or (str(node.get("timeframe", "")) if node is not None else "")
        return bool(frame) and (self.base is None or frame != self.base.value)

    def with_output(self, series: Series, output: str) -> Series:
        """The same indicator's other output."""
        if series.node:
            return Series(node=f"{split_reference(series.node)[0]}.{output}")
        return Series(
            use=series.use,
            output=output,
            values=series.values,
            source=series.source,
            timeframe=series.timeframe,
            symbol=series.symbol,
        )

    def signal(self, use: str) -> SignalDeclaration:
        """The declaration of a kind of signal."""
        return self.registry.signals[use]
