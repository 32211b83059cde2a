"""A strategy back to the document and the text that a file holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tradebot.engine.strategy.registry import Values
from tradebot.engine.strategy.spec import Combination, StrategySpec, Use

Document = dict[str, Any]


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
    document["risk"] = _risk(spec)
    costs = {name: value for name, value in _costs(spec).items() if value is not None}
    if costs:
        document["costs"] = costs
    return document


def _lists(values: Mapping[str, object]) -> Document:
    """The values as a file holds them: lists of members as lists."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def _head(spec: StrategySpec) -> Document:
    head: Document = {
        "name": spec.name,
        "category": spec.category.value,
        "symbols": list(spec.symbols),
        "timeframe": spec.timeframe.value,
    }
    return {**head, "note": spec.note} if spec.note else head


def _switch(enabled: bool, note: str) -> Document:
    return {**({} if enabled else {"enabled": False}), **({"note": note} if note else {})}


def _rule(rule: Combination) -> Document:
    weights = {"weights": dict(rule.weights)} if rule.weights else {}
    return {"combine": rule.combine, "signals": list(rule.signals), **rule.parameters, **weights}


def _use(use: Use) -> Document:
    return {"use": use.use, **use.parameters}


def _risk(spec: StrategySpec) -> Document:
    risk = spec.risk
    document: Document = {
        "direction": risk.direction.value,
        "opposite": risk.opposite.value,
        "sizing": _use(risk.sizing),
    }
    if risk.stop_loss is not None:
        document["stop_loss"] = _use(risk.stop_loss)
    if risk.take_profit:
        document["take_profit"] = [_use(target) for target in risk.take_profit]
    if risk.max_bars:
        document["max_bars"] = risk.max_bars
    if risk.cooldown_bars:
        document["cooldown_bars"] = risk.cooldown_bars
    return document


def _costs(spec: StrategySpec) -> Values | dict[str, Any]:
    costs = spec.costs
    return {
        "taker_fee_percent": costs.taker_fee_percent,
        "maker_fee_percent": costs.maker_fee_percent,
        "slippage_percent": costs.slippage_percent,
        "half_spread_percent": costs.half_spread_percent,
        "funding": costs.funding,
    }


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
