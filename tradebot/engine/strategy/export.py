"""A strategy file as readable Python: the calls of `StrategyBuilder` that make the same strategy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_WIDTH = 100
_HEAD = "from tradebot.engine.strategy import StrategyBuilder\n\n"


def to_python(document: Mapping[str, Any]) -> str:
    """Python text that builds the strategy of a document and names it `strategy`, its nodes in the same order.

    The document must have been checked; comments are not taken over, notes are.
    """
    head = dict(document["strategy"])
    lines = [_call("StrategyBuilder", [head.pop("name")], head)]
    for section, method in (("indicators", "indicator"), ("signals", "signal"), ("groups", "group")):
        for name, node in document.get(section, {}).items():
            lines.append(_node(method, name, dict(node)))
    for section in ("entry", "exit"):
        if section in document:
            rule = dict(document[section])
            lines.append(_call(f".{section}", [rule.pop("combine"), rule.pop("signals")], rule))
    lines += _risk(dict(document.get("risk", {})))
    if document.get("costs"):
        lines.append(_call(".costs", [], document["costs"]))
    body = "\n".join(f"    {line}" for call in [*lines, ".build()"] for line in call.split("\n"))
    return f"{_HEAD}strategy = (\n{body}\n)\n"


def _node(method: str, name: str, node: dict[str, Any]) -> str:
    chosen = [node.pop("combine"), node.pop("signals")] if method == "group" else [node.pop("use")]
    return _call(f".{method}", [name, *chosen], node)


def _risk(risk: dict[str, Any]) -> list[str]:
    uses = {name: risk.pop(name) for name in ("sizing", "stop_loss", "take_profit") if name in risk}
    lines = [_call(".risk", [], risk)] if risk else []
    for name, given in uses.items():
        for table in given if isinstance(given, list) else [given]:
            values = dict(table)
            lines.append(_call(f".{name}", [values.pop("use")], values))
    return lines


def _call(name: str, positional: list[Any], values: Mapping[str, Any]) -> str:
    plain = {key: value for key, value in values.items() if key.isidentifier()}
    given = [repr(value) for value in positional] + [f"{key}={value!r}" for key, value in plain.items()]
    line = f"{name}({', '.join(given)})"
    if len(line) <= _WIDTH:
        return line
    return f"{name}(\n" + "".join(f"    {each},\n" for each in given) + ")"
