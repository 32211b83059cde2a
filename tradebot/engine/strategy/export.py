"""A strategy file as readable Python: the calls of `StrategyBuilder` that make the same strategy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_WIDTH = 100
_LIMITS = (
    "max_positions",
    "max_exposure_percent",
    "max_symbol_exposure_percent",
    "max_daily_loss_percent",
    "max_drawdown_percent",
)
_USES = ("sizing", "stop_loss", "take_profit", "trailing_stop")


class _Code(str):
    """Python text that stands for itself."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def to_python(document: Mapping[str, Any]) -> str:
    """Python text that builds the strategy of a document and names it `strategy`, its nodes in the same order.

    The document must have been checked; comments are not taken over, notes are.
    """
    calls = [_head(dict(document["strategy"]))]
    for section, method in (("indicators", "indicator"), ("signals", "signal"), ("groups", "group")):
        for name, node in document.get(section, {}).items():
            calls.append(_node(method, name, dict(node)))
    for section in ("entry", "exit"):
        if section in document:
            rule = dict(document[section])
            calls.append(_call(f".{section}", [rule.pop("combine"), rule.pop("signals")], rule))
    calls += _orders(dict(document.get("orders", {})))
    calls += _risk(dict(document.get("risk", {})))
    if document.get("costs"):
        calls.append(_call(".costs", [], document["costs"]))
    for path, values in document.get("optimize", {}).items():
        calls.append(_call(".optimize", [path], values))
    body = "\n".join(f"    {line}" for call in [*calls, ".build()"] for line in call.split("\n"))
    names = "StrategyBuilder, TopSymbols" if "TopSymbols(" in calls[0] else "StrategyBuilder"
    return f"from tradebot.engine.strategy import {names}\n\nstrategy = (\n{body}\n)\n"


def _head(head: dict[str, Any]) -> str:
    symbols = head["symbols"]
    if isinstance(symbols, Mapping):
        head["symbols"] = _Code(_call("TopSymbols", [symbols["top"]], _without(symbols, "top")))
    return _call("StrategyBuilder", [head.pop("name")], head)


def _node(method: str, name: str, node: dict[str, Any]) -> str:
    chosen = [node.pop("combine"), node.pop("signals")] if method == "group" else [node.pop("use")]
    return _call(f".{method}", [name, *chosen], node)


def _orders(orders: dict[str, Any]) -> list[str]:
    """`.orders("limit", "percent", percent=0.1, valid_bars=3)`."""
    if not orders:
        return []
    offset = orders.pop("offset", None)
    chosen = [orders.pop("entry", "market"), *([offset["use"]] if offset else [])]
    return [_call(".orders", chosen, {**(_without(offset, "use") if offset else {}), **orders})]


def _risk(risk: dict[str, Any]) -> list[str]:
    """What the section says, in the order of the builder's methods."""
    tables = {name: risk.pop(name, None) for name in (*_USES, "break_even", "pyramiding", "loss_streak")}
    limits = {name: risk.pop(name) for name in _LIMITS if name in risk}
    calls = [_call(".risk", [], risk)] if risk else []
    for name in _USES:
        given = tables[name] or []
        uses = given if isinstance(given, list) else [given]
        calls += [_call(f".{name}", [table["use"]], _without(table, "use")) for table in uses]
    if tables["break_even"]:
        calls.append(
            _call(".break_even", [tables["break_even"]["at_r"]], _without(tables["break_even"], "at_r"))
        )
    if tables["pyramiding"]:
        spacing = tables["pyramiding"].get("spacing")
        chosen = [tables["pyramiding"]["max_adds"], *([spacing["use"]] if spacing else [])]
        calls.append(_call(".pyramiding", chosen, _without(spacing, "use") if spacing else {}))
    if limits:
        calls.append(_call(".limits", [], limits))
    if tables["loss_streak"]:
        calls.append(_call(".loss_streak", [], tables["loss_streak"]))
    return calls


def _without(table: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in table.items() if name != key}


def _call(name: str, positional: list[Any], values: Mapping[str, Any]) -> str:
    given = [repr(value) for value in positional] + [f"{key}={value!r}" for key, value in values.items()]
    line = f"{name}({', '.join(given)})"
    if len(line) <= _WIDTH:
        return line
    return f"{name}(\n" + "".join(f"    {each},\n" for each in given) + ")"
