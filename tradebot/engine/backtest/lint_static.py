"""Lint without data: what the rules of a strategy can never do, whatever the market does."""

from __future__ import annotations

from collections.abc import Iterator

from tradebot.engine.backtest.lint_types import LintFinding, LintSeverity
from tradebot.engine.strategy import Direction, Registry, StrategySpec
from tradebot.engine.strategy.nature import Natures, together
from tradebot.engine.strategy.needs import members_of
from tradebot.engine.strategy.signals import Supports
from tradebot.engine.strategy.spec import Combination


def static_findings(spec: StrategySpec, registry: Registry) -> Iterator[LintFinding]:
    """What the rules can never do, whatever the data."""
    natures = Natures(spec.signals, spec.groups)
    entry = combined_nature(spec, natures, spec.entry.rule)
    if entry is Supports.BOTH:
        yield LintFinding(
            "entry_of_conditions",
            "entry",
            "has nothing but conditions, which support long and short at once, and that is no decision: give a rule "
            'supports = "long" or "short"',
            LintSeverity.ERROR,
        )
    else:
        yield from _one_sided_entry(entry, spec.risk.direction)
        yield from _conditions_in_any(spec, registry, natures)
    if spec.exit is not None:
        yield from _exit_of_the_wrong_side(combined_nature(spec, natures, spec.exit), spec.risk.direction)


def _one_sided_entry(entry: Supports, direction: Direction) -> Iterator[LintFinding]:
    if entry is Supports.DIRECTION or entry.value == direction.value:
        return
    if direction is Direction.BOTH:
        yield LintFinding(
            "one_sided_entry",
            "entry",
            f"supports only {entry.value} and never opens a {_other(entry.value)}: say risk.direction = "
            f'"{entry.value}" if that is meant',
            LintSeverity.HINT,
        )
    else:
        yield LintFinding(
            "one_sided_entry",
            "entry",
            f"supports only {entry.value}, but risk.direction is {direction.value}: it opens nothing",
            LintSeverity.ERROR,
        )


def _exit_of_the_wrong_side(nature: Supports, direction: Direction) -> Iterator[LintFinding]:
    if nature.value != direction.value or direction is Direction.BOTH:
        return
    other = _other(nature.value)
    yield LintFinding(
        "exit_of_the_wrong_side",
        "exit",
        f"supports only {nature.value}, which closes a {other}, but only {nature.value} is opened: turn its rules "
        f'round with invert = true, or give them supports = "{other}"',
    )


def _other(side: str) -> str:
    return "short" if side == "long" else "long"


def combined_nature(spec: StrategySpec, natures: Natures, rule: Combination) -> Supports:
    """How a combination of enabled members is read."""
    names = [name for name in rule.signals if _enabled(spec, name)]
    return together([natures.of(name) for name in names], all_needed=rule.combine == "unanimous")


def _enabled(spec: StrategySpec, name: str) -> bool:
    return (spec.signals.get(name) or spec.groups[name]).enabled


def _conditions_in_any(spec: StrategySpec, registry: Registry, natures: Natures) -> Iterator[LintFinding]:
    """Conditions beside rules of a side, where one member is enough: each of them makes both sides supported."""
    groups = [name for name in members_below(spec, registry, spec.entry.rule) if name in spec.groups]
    rules = [("entry", spec.entry.rule), *((f"groups.{name}", spec.groups[name].rule) for name in groups)]
    for place, rule in rules:
        if rule.combine != "any" and not (rule.combine == "at_least" and rule.parameters.get("k") == 1):
            continue
        if combined_nature(spec, natures, rule) is Supports.BOTH:
            continue
        for position, name in enumerate(rule.signals, 1):
            if _enabled(spec, name) and natures.of(name) is Supports.BOTH:
                yield LintFinding(
                    "condition_in_any",
                    f"{place}.signals.{position}",
                    f'"{name}" is a condition: where it is true both sides are supported, which is a conflict and no '
                    'decision; ask for it with combine = "unanimous", or give it supports = "long" or "short"',
                )


def members_below(spec: StrategySpec, registry: Registry, rule: Combination) -> list[str]:
    """All enabled members that a combination leads to, each once."""
    return names_below(spec, registry, [name for name in rule.signals if _enabled(spec, name)])


def names_below(spec: StrategySpec, registry: Registry, names: list[str]) -> list[str]:
    """These members and all that they lead to; without recursion, because chains may be long."""
    found: dict[str, None] = {}
    waiting = names[::-1]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = None
            waiting.extend(members_of(spec, registry, name)[::-1])
    return list(found)
