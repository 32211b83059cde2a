"""A strategy back to the document and the text that a file holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from tradebot.engine.strategy.spec import Combination, OrdersSpec, RiskSpec, StrategySpec, Use

Document = dict[str, Any]
_ALL = 100.0  # percent: what a target that stands alone closes


def to_document(spec: StrategySpec) -> Document:
    """Nested dicts and lists as a file holds them, everything that decides something written out."""
    document: Document = {"strategy": _head(spec)}
    if spec.indicators:
        document["indicators"] = {
            node.name: {
                "use": node.use,
                **node.parameters,
                **({"timeframe": node.timeframe.value} if node.timeframe is not None else {}),
                **({"symbol": node.symbol} if node.symbol else {}),
                **_switch(node.enabled, node.note),
            }
            for node in spec.indicators.values()
        }
    if spec.signals:
        document["signals"] = {
            node.name: {
                "use": node.use,
                **_lists(node.parameters),
                "supports": node.supports.value,
                **({"invert": True} if node.invert else {}),
                **_switch(node.enabled, node.note),
            }
            for node in spec.signals.values()
        }
    if spec.groups:
        document["groups"] = {
            node.name: {**_rule(node.rule), **_switch(node.enabled, node.note)}
            for node in spec.groups.values()
        }
    document["entry"] = {**_rule(spec.entry.rule), "trigger": spec.entry.trigger.value}
    if spec.exit is not None:
        document["exit"] = _rule(spec.exit)
    orders = _orders(spec.orders)
    if orders:
        document["orders"] = orders
    document["risk"] = _risk(spec.risk)
    costs = _given(spec.costs)
    if costs:
        document["costs"] = costs
    if spec.optimize:
        document["optimize"] = {path: _given(values) for path, values in spec.optimize.items()}
    return document


def _lists(values: Mapping[str, object]) -> Document:
    """The values as a file holds them: lists of members as lists."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def _head(spec: StrategySpec) -> Document:
    return {
        "name": spec.name,
        "category": spec.category.value,
        "symbols": list(spec.symbols) if spec.top is None else _given(spec.top),
        "timeframe": spec.timeframe.value,
        **({"execution": spec.execution.value} if spec.execution is not None else {}),
        **({"note": spec.note} if spec.note else {}),
    }


def _switch(enabled: bool, note: str) -> Document:
    return {**({} if enabled else {"enabled": False}), **({"note": note} if note else {})}


def _rule(rule: Combination) -> Document:
    weights = {"weights": dict(rule.weights)} if rule.weights else {}
    return {"combine": rule.combine, "signals": list(rule.signals), **rule.parameters, **weights}


def _use(use: Use) -> Document:
    return {"use": use.use, **use.parameters}


def _orders(orders: OrdersSpec) -> Document:
    if orders == OrdersSpec():
        return {}
    return {**_given(orders), "entry": orders.entry.value}


def _risk(risk: RiskSpec) -> Document:
    """The section in the order of the format; what is not used is left out."""
    never: Document = {"max_bars": 0, "cooldown_bars": 0, "max_positions": 0, "leverage": 1.0}
    document = {
        name: value for name, value in _given(risk).items() if name not in never or value != never[name]
    }
    targets = document.get("take_profit", [])
    if len(targets) == 1 and targets[0]["share_percent"] == _ALL:
        targets[0].pop("share_percent")
    return {**document, "direction": risk.direction.value, "opposite": risk.opposite.value}


def _given(values: Any) -> Document:
    """The fields of a part of a specification that hold something, as a file holds them."""
    pairs = ((each.name, getattr(values, each.name)) for each in fields(values))
    return {name: _plain(value) for name, value in pairs if value is not None and value != ()}


def _plain(value: Any) -> Any:
    if isinstance(value, Use):
        return _use(value)
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return _given(value) if is_dataclass(value) else value


def to_toml(spec: StrategySpec) -> str:
    """The text of a strategy file, its nodes in the order of the strategy."""
    return document_to_toml(to_document(spec))


def document_to_toml(document: Mapping[str, Any]) -> str:
    """TOML text with one section per node; tables inside a section stand on one line."""
    parts: list[str] = []
    for section, table in document.items():
        if section in {"indicators", "signals", "groups"}:
            parts.extend(_section(f"{_key(section)}.{_key(name)}", node) for name, node in table.items())
        else:
            parts.append(_section(_key(section), table))
    return "\n".join(parts)


def _section(header: str, table: Mapping[str, Any]) -> str:
    lines = [f"{_key(name)} = {_value(value)}" for name, value in table.items()]
    return "\n".join([f"[{header}]", *lines, ""])


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        inside = ", ".join(f"{_key(name)} = {_value(each)}" for name, each in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(each) for each in value) + "]"
    return _scalar(value)


def _scalar(value: object) -> str:
    import tomli_w  # here: only writing needs it

    return tomli_w.dumps({"v": value}).removeprefix("v = ").rstrip("\n")


def _key(name: str) -> str:
    bare = name.isascii() and name.replace("_", "").replace("-", "").isalnum()
    return name if bare else _scalar(name)
