"""Reads how a strategy opens, protects and limits its positions: [orders], [risk], [costs], [optimize]."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tradebot.engine.control.errors import did_you_mean
from tradebot.engine.market import Timeframe
from tradebot.engine.strategy.graph import Node
from tradebot.engine.strategy.overrides import settable_paths
from tradebot.engine.strategy.problems import Path
from tradebot.engine.strategy.reading import Reader
from tradebot.engine.strategy.registry import Parameter, ParameterKind
from tradebot.engine.strategy.sections import RANGE
from tradebot.engine.strategy.spec import (
    BreakEven,
    CostsSpec,
    Direction,
    EntryOrder,
    LossStreak,
    Opposite,
    OptimizeRange,
    OrdersSpec,
    Pyramiding,
    RiskSpec,
    Use,
)
from tradebot.engine.strategy.values import expected, found, plain

Document = Mapping[str, object]
_EVERYTHING = 100.0
_TOLERANCE = 1e-9


def read_orders(reader: Reader, document: Document) -> OrdersSpec | None:
    """How a position is opened; None after reporting."""
    values = reader.section(document, "orders")
    table = _table(document, "orders")
    if table.get("entry") == "stop" and "offset" not in table:
        reader.report(
            ("orders", "offset"),
            'is missing; a stop order stands away from the close: expected a table such as { use = "percent", '
            "percent = 0.1 }",
        )
    if values is None:
        return None
    return OrdersSpec(EntryOrder(values["entry"]), values.get("offset"), values["valid_bars"])


def read_risk(reader: Reader, document: Document) -> RiskSpec | None:
    """Sides, sizes, levels and limits; None after reporting."""
    table = _table(document, "risk")
    spot = _is_spot(document)
    _check_risk_unit(reader, table)
    _check_shares(reader, table.get("take_profit"))
    values = reader.section(document, "risk")
    if spot:
        _check_spot(reader, table)
    if values is None:
        return None
    direction = Direction(values.get("direction", "long" if spot else "both"))
    streak, break_even = values.get("loss_streak"), values.get("break_even")
    return RiskSpec(
        direction=direction,
        opposite=Opposite(values.get("opposite", "reverse" if direction is Direction.BOTH else "close")),
        sizing=values.get("sizing", Use("equity", {"percent": 100.0})),
        leverage=values["leverage"],
        stop_loss=values.get("stop_loss"),
        take_profit=_with_shares(values.get("take_profit", ())),
        trailing_stop=values.get("trailing_stop"),
        break_even=BreakEven(**break_even) if break_even else None,
        max_bars=values["max_bars"],
        cooldown_bars=values["cooldown_bars"],
        max_positions=values["max_positions"],
        max_exposure_percent=values.get("max_exposure_percent"),
        max_symbol_exposure_percent=values.get("max_symbol_exposure_percent"),
        max_daily_loss_percent=values.get("max_daily_loss_percent"),
        max_drawdown_percent=values.get("max_drawdown_percent"),
        loss_streak=LossStreak(**streak) if streak else None,
        pyramiding=Pyramiding(**values["pyramiding"]) if "pyramiding" in values else None,
    )


def read_costs(reader: Reader, document: Document) -> CostsSpec | None:
    """What the strategy says about costs; None after reporting."""
    values = reader.section(document, "costs")
    if _is_spot(document) and _table(document, "costs").get("funding") is True:
        reader.report(("costs", "funding"), "must be false on spot, which has no funding, but is true")
    return None if values is None else CostsSpec(**values)


def level_nodes(document: Document, timeframe: Timeframe | None) -> list[Node]:
    """Stops and targets that stand at a series, as far as they can be read, with the series that they name."""
    found_nodes = []
    for path, table in _uses(_table(document, "risk")):
        reference = table.get("series")
        if table.get("use") == "series" and isinstance(reference, str) and reference:
            found_nodes.append(
                Node(path, True, {("series",): reference}, None, timeframe=timeframe, is_level=True)
            )
    return found_nodes


# Rules between keys ------------------------------------------------------------------------------------


def _table(document: Document, name: str) -> Mapping[str, Any]:
    table = document.get(name)
    return table if isinstance(table, Mapping) else {}


def _is_spot(document: Document) -> bool:
    return _table(document, "strategy").get("category") == "spot"


def _uses(risk: Mapping[str, Any]) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """The tables that place a stop or a target, by their path."""
    for name in ("stop_loss", "take_profit", "trailing_stop"):
        given = risk.get(name)
        path: Path = ("risk", name)
        if isinstance(given, Mapping):
            yield path, given
        elif isinstance(given, list):
            yield from (((*path, at), each) for at, each in enumerate(given, 1) if isinstance(each, Mapping))


def _check_risk_unit(reader: Reader, risk: Mapping[str, Any]) -> None:
    """What counts in multiples of the initial risk, or sizes by it, needs the stop that defines it."""
    if "stop_loss" in risk:
        return
    sizing = risk.get("sizing")
    if isinstance(sizing, Mapping) and sizing.get("use") == "risk":
        reader.report(
            ("risk", "sizing", "use"), 'needs a stop_loss: with "risk" the size follows from its distance'
        )
    for path, table in _uses(risk):
        if table.get("use") == "r":
            reader.report(
                (*path, "use"), 'needs a stop_loss: "r" is its distance from the fill, and there is none'
            )
        if "start_r" in table:
            reader.report((*path, "start_r"), "needs a stop_loss: R is its distance from the fill")
    if "break_even" in risk:
        reader.report(("risk", "break_even"), "needs a stop_loss, which it moves to the entry: there is none")


def _check_spot(reader: Reader, risk: Mapping[str, Any]) -> None:
    direction, leverage = risk.get("direction"), risk.get("leverage")
    if direction in ("short", "both"):
        reader.report(("risk", "direction"), f'must be "long" on spot, but is "{direction}"')
    if isinstance(leverage, int | float) and not isinstance(leverage, bool) and leverage > 1.0:
        reader.report(("risk", "leverage"), f"must be 1 on spot, which lends nothing, but {found(leverage)}")


def _share(target: object) -> float | None:
    """The share that a target states, where it is one at all."""
    share = target.get("share_percent") if isinstance(target, Mapping) else None
    if isinstance(share, int | float) and not isinstance(share, bool) and 0.0 < share <= _EVERYTHING:
        return float(share)
    return None


def _check_shares(reader: Reader, targets: object) -> None:
    """Shares are of the original quantity: together at most all of it, and something for each target."""
    if not isinstance(targets, list):
        return
    given = sum(_share(each) or 0.0 for each in targets)
    if given > _EVERYTHING + _TOLERANCE:
        reader.report(
            ("risk", "take_profit"),
            f"closes {plain(round(given, 6))} % of the quantity; the shares may be 100 % together at most",
        )
        return
    for position, target in enumerate(targets, 1):
        without = isinstance(target, Mapping) and "share_percent" not in target
        if without and given >= _EVERYTHING - _TOLERANCE:
            reader.report(
                ("risk", "take_profit", position, "share_percent"),
                "is missing, and nothing is left for it: the other targets close 100 % of the quantity",
            )


def _with_shares(targets: tuple[Use, ...]) -> tuple[Use, ...]:
    """The targets with what each closes: what the others leave is shared evenly among those that say nothing.

    Shares of 50 %, nothing, nothing become 50, 25, 25.
    """
    open_targets = [use for use in targets if "share_percent" not in use.parameters]
    given = sum(use.number("share_percent") for use in targets if "share_percent" in use.parameters)
    share = (_EVERYTHING - given) / max(len(open_targets), 1)
    return tuple(
        use if "share_percent" in use.parameters else Use(use.use, {**use.parameters, "share_percent": share})
        for use in targets
    )


# [optimize] --------------------------------------------------------------------------------------------


def read_optimize(reader: Reader, document: Document) -> dict[str, OptimizeRange]:
    """The ranges by the path of the value that they vary."""
    if "optimize" not in document:
        return {}
    table = reader.table(document["optimize"], ("optimize",))
    known = settable_paths(document, reader.registry) if table else {}
    ranges = {path: _read_range(reader, path, raw, known) for path, raw in (table or {}).items()}
    return {path: each for path, each in ranges.items() if each is not None}


def _read_range(
    reader: Reader, name: str, raw: object, known: Mapping[str, Parameter]
) -> OptimizeRange | None:
    path: Path = ("optimize", name)
    if name not in known:
        if isinstance(raw, Mapping) and any(isinstance(each, Mapping) for each in raw.values()):
            reader.report(
                path, f'must be one path in quotation marks, such as "{_path_below(name, raw)}" = ...'
            )
        else:
            reader.report(path, "is not the path of a value of this strategy." + did_you_mean(name, known))
        return None
    parameter = known[name]
    whole = parameter.kind is ParameterKind.INTEGER
    if not (whole or parameter.kind is ParameterKind.NUMBER or parameter.allow_number):
        reader.report(path, f"cannot be varied in steps: {name} is {expected(parameter)}")
        return None
    if not isinstance(raw, Mapping):
        reader.report(path, f"must be a table such as {{ low = 5, high = 50, step = 1 }}, but {found(raw)}")
        return None
    if reader.values(raw, path, RANGE) is None:
        return None
    return _checked_range(reader, path, raw, parameter)


def _path_below(name: str, raw: Mapping[str, Any]) -> str:
    """The dotted path that unquoted keys were meant to be."""
    inner = next((key for key, each in raw.items() if isinstance(each, Mapping)), None)
    return name if inner is None else f"{name}.{_path_below(inner, raw[inner])}"


def _checked_range(
    reader: Reader, path: Path, raw: Mapping[str, Any], parameter: Parameter
) -> OptimizeRange | None:
    low, high, step = (raw[each.name] for each in RANGE)
    good = True

    def refuse(key: str, sentence: str) -> None:
        nonlocal good
        good = False
        reader.report((*path, key), sentence)

    if parameter.kind is ParameterKind.INTEGER:
        for key, value in (("low", low), ("high", high), ("step", step)):
            if value != int(value):
                refuse(key, f"must be a whole number as {path[1]} is one, but {found(value)}")
    for key, value in (("low", low), ("high", high)):
        lowest = -1e300 if parameter.low is None else parameter.low
        highest = 1e300 if parameter.high is None else parameter.high
        if not lowest <= value <= highest:
            refuse(key, f"must be {expected(parameter)}, as {path[1]} must be, but {found(value)}")
    if not low < high:
        refuse("high", f"must be above low, which is {plain(low)}, but {found(high)}")
    if not step > 0:
        refuse("step", f"must be above 0, but {found(step)}")
    return OptimizeRange(low, high, step) if good else None
