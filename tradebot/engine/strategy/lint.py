"""What a strategy says that most likely was not meant: found without any data, said as warnings and hints."""

from __future__ import annotations

from tradebot.engine.strategy.possible import Possible, PossibleSides
from tradebot.engine.strategy.problems import Path, Severity
from tradebot.engine.strategy.reading import Reader
from tradebot.engine.strategy.signals import Supports
from tradebot.engine.strategy.spec import (
    Combination,
    Direction,
    EntryOrder,
    Opposite,
    OrdersSpec,
    RiskSpec,
    StrategySpec,
    Trigger,
)
from tradebot.engine.strategy.values import plain

_EVERYTHING = 100.0
_TOLERANCE = 1e-9
_MOST_OF_KELLY = 0.5
_FEWEST_FOR_KELLY = 30


def lint(reader: Reader, spec: StrategySpec) -> None:
    """Report what is most likely not meant in a strategy that has no errors."""
    sides = PossibleSides(spec, reader.registry)
    entry = sides.of_rule(spec.entry.rule)
    _lint_entry(reader, spec, sides, entry)
    if spec.exit is not None:
        _lint_exit(reader, spec.exit, spec.risk.direction, sides)
    _lint_orders(reader, spec.orders)
    _lint_sizes(reader, spec.risk)
    _lint_closing(reader, spec, entry)
    _lint_level(reader, spec, entry)


def _warn(reader: Reader, path: Path, sentence: str) -> None:
    reader.report(path, sentence, Severity.WARNING)


# Entry and exit ----------------------------------------------------------------------------------------


def _lint_entry(reader: Reader, spec: StrategySpec, sides: PossibleSides, entry: Possible) -> None:
    direction = spec.risk.direction
    allowed = direction is not Direction.SHORT and entry.long, direction is not Direction.LONG and entry.short
    if sides.nature_of_rule(spec.entry.rule) is Supports.BOTH:
        _warn(
            reader,
            ("entry",),
            "has nothing but conditions, which support long and short at once, and that is no decision: give a rule "
            'supports = "long", "short" or "direction"',
        )
    elif not any(allowed):
        opened = "position" if direction is Direction.BOTH else direction.value
        _warn(reader, ("entry",), f"can never open a {opened}: its rules never support that together")
    else:
        _lint_conditions(reader, spec, sides)


def _lint_conditions(reader: Reader, spec: StrategySpec, sides: PossibleSides) -> None:
    """Conditions where one member is enough, beside members with a side: each makes both sides supported."""
    groups = [name for name in sides.below(spec.entry.rule) if name in spec.groups]
    rules: list[tuple[Path, Combination]] = [(("entry",), spec.entry.rule)]
    rules += [(("groups", name), spec.groups[name].rule) for name in groups]
    for path, rule in rules:
        one_is_enough = rule.combine == "any" or (rule.combine == "at_least" and rule.parameters["k"] == 1)
        if not one_is_enough or sides.nature_of_rule(rule) is Supports.BOTH:
            continue
        for position, name in enumerate(rule.signals, 1):
            if name in sides.enabled(rule) and sides.natures.of(name) is Supports.BOTH:
                _warn(
                    reader,
                    (*path, "signals", position),
                    f'"{name}" is a condition and supports both sides whenever it is true, which is a conflict and no '
                    'decision: combine it by "unanimous", or give it supports = "long" or "short"',
                )


def _lint_exit(reader: Reader, rule: Combination, direction: Direction, sides: PossibleSides) -> None:
    """What supports short closes a long: an exit, or a member of it, may only reach the side that is never open."""
    closes = _closing(sides.of_rule(rule), direction)
    if not closes:
        _warn(
            reader,
            ("exit",),
            f"can never close a {_opened(direction)}: {_needed(direction)}; turn its rules round with invert = true",
        )
        return
    if rule.combine != "any":
        return
    for position, name in enumerate(rule.signals, 1):
        if name in sides.enabled(rule) and not _closing(sides.of(name), direction):
            _warn(
                reader,
                ("exit", "signals", position),
                f'"{name}" can never close a {_opened(direction)}: {_needed(direction)}',
            )


def _closing(possible: Possible, direction: Direction) -> bool:
    """Whether a position that may be open can be closed."""
    closes_long = direction is not Direction.SHORT and possible.short
    return closes_long or (direction is not Direction.LONG and possible.long)


def _opened(direction: Direction) -> str:
    return "position" if direction is Direction.BOTH else direction.value


def _needed(direction: Direction) -> str:
    if direction is Direction.BOTH:
        return "it never supports a side"
    other = "short" if direction is Direction.LONG else "long"
    return f"only what supports {other} closes a {direction.value}, and it never does"


# Orders, sizes and levels ------------------------------------------------------------------------------


def _lint_orders(reader: Reader, orders: OrdersSpec) -> None:
    if orders.entry is not EntryOrder.MARKET:
        return
    if orders.offset is not None:
        _warn(
            reader,
            ("orders", "offset"),
            'is not used: a market order fills at the next open (entry = "limit" or "stop" uses it)',
        )
    if orders.valid_bars != 1:
        _warn(reader, ("orders", "valid_bars"), "is not used: a market order fills at the next open")


def _lint_sizes(reader: Reader, risk: RiskSpec) -> None:
    affordable = _EVERYTHING * risk.leverage
    for name in ("percent", "start_percent"):
        if risk.sizing.use in ("equity", "kelly") and name in risk.sizing.parameters:
            share = risk.sizing.number(name)
            if share > affordable + _TOLERANCE:
                _warn(
                    reader,
                    ("risk", "sizing", name),
                    f"is {plain(share)}, but a leverage of {plain(risk.leverage)} affords {plain(affordable)} % of the "
                    "equity: every entry is cut down to that",
                )
    _lint_kelly(reader, risk)
    stop = risk.stop_loss
    if stop is not None and stop.use == "percent" and stop.number("percent") >= _EVERYTHING / risk.leverage:
        _warn(
            reader,
            ("risk", "stop_loss", "percent"),
            f"is {plain(stop.number('percent'))}, but with a leverage of {plain(risk.leverage)} the position is "
            f"liquidated before a loss of {plain(round(_EVERYTHING / risk.leverage, 2))} %: the stop is never reached",
        )


def _lint_kelly(reader: Reader, risk: RiskSpec) -> None:
    """Kelly's share is the edge as if it were known; it is estimated, and an estimate that is too high ruins."""
    if risk.sizing.use != "kelly":
        return
    fraction, trades = risk.sizing.number("fraction"), risk.sizing.number("min_trades")
    if fraction > _MOST_OF_KELLY:
        _warn(
            reader,
            ("risk", "sizing", "fraction"),
            f"is {plain(fraction)}: beyond {plain(_MOST_OF_KELLY)} an edge estimated a little too high loses more "
            "than it brings",
        )
    if trades < _FEWEST_FOR_KELLY:
        _warn(
            reader,
            ("risk", "sizing", "min_trades"),
            f"is {plain(trades)}: fewer than {_FEWEST_FOR_KELLY} closed trades say little about an edge",
        )


def _lint_closing(reader: Reader, spec: StrategySpec, entry: Possible) -> None:
    """Whether anything closes a position, and all of it."""
    risk = spec.risk
    turns = risk.opposite is not Opposite.IGNORE and entry.long and entry.short
    whole = spec.exit is not None or risk.stop_loss or risk.trailing_stop or risk.max_bars or turns
    share = sum(target.number("share_percent") for target in risk.take_profit)
    if whole or share >= _EVERYTHING - _TOLERANCE:
        return
    if risk.take_profit:
        _warn(
            reader,
            ("risk", "take_profit"),
            f"closes {plain(round(share, 6))} % of the quantity, and nothing closes the rest",
        )
        return
    ignored = risk.opposite is Opposite.IGNORE
    why = "opposite is ignore" if ignored else "no entry is ever against it"
    _warn(
        reader,
        ("risk",),
        "closes no position: there is no [exit], stop_loss, take_profit, trailing_stop or max_bars, and "
        + why,
    )


def _lint_level(reader: Reader, spec: StrategySpec, entry: Possible) -> None:
    """An entry that is still true after a stop opens the next position at once."""
    risk = spec.risk
    stops = risk.stop_loss is not None or risk.trailing_stop is not None or risk.take_profit
    if stops and entry.standing and spec.entry.trigger is Trigger.LEVEL and not risk.cooldown_bars:
        reader.report(
            ("risk", "cooldown_bars"),
            "is 0, and the entry is a level that may hold on: after a stop or target the next close enters again; "
            'give it some bars, or entry.trigger = "edge"',
            Severity.HINT,
        )
