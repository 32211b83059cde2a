"""What the rules of a strategy could ever do, whatever the market does: which sides they support, and for how long."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tradebot.engine.strategy.combinations import WEIGHT_TOLERANCE
from tradebot.engine.strategy.nature import Natures, together
from tradebot.engine.strategy.needs import members_of
from tradebot.engine.strategy.registry import Registry
from tradebot.engine.strategy.signals import Supports
from tradebot.engine.strategy.spec import Combination, SignalSpec, StrategySpec


@dataclass(frozen=True, slots=True)
class Possible:
    """Whether long and short can be supported at all; `standing`: whether that usually holds on for many bars."""

    long: bool
    short: bool
    standing: bool

    def side(self, short: bool) -> bool:
        """Whether this side can be supported."""
        return self.short if short else self.long


class PossibleSides:
    """What each signal, group and combination of one strategy can do, worked out when it is asked for."""

    def __init__(self, spec: StrategySpec, registry: Registry) -> None:
        self._spec = spec
        self._registry = registry
        self._signals = registry.signals
        self.natures = Natures(spec.signals, spec.groups)
        self._known: dict[str, Possible] = {}

    def of(self, name: str) -> Possible:
        """What a member can do; without recursion, because chains may be long."""
        waiting = [name]
        while waiting:
            missing = [each for each in self._below(waiting[-1]) if each not in self._known]
            if missing and waiting[-1] not in self._known:
                waiting.extend(missing)
                continue
            current = waiting.pop()
            if current not in self._known:
                self._known[current] = self._work_out(current)
        return self._known[name]

    def of_rule(self, rule: Combination) -> Possible:
        """What a combination of its enabled members can do."""
        names = self.enabled(rule)
        members = [self.of(name) for name in names]
        weights = [rule.weights.get(name, 1.0) for name in names]
        return Possible(
            long=_reached(rule, weights, [each.long for each in members]),
            short=_reached(rule, weights, [each.short for each in members]),
            standing=_reached(rule, weights, [each.standing for each in members]),
        )

    def nature_of_rule(self, rule: Combination) -> Supports:
        """How a combination of its enabled members is read."""
        names = self.enabled(rule)
        return together([self.natures.of(name) for name in names], all_needed=rule.combine == "unanimous")

    def enabled(self, rule: Combination) -> list[str]:
        """The members of a combination that are switched on."""
        spec = self._spec
        return [name for name in rule.signals if (spec.signals.get(name) or spec.groups[name]).enabled]

    def below(self, rule: Combination) -> list[str]:
        """The enabled members that a combination leads to, each once, in the order in which they are met."""
        found: dict[str, None] = {}
        waiting = self.enabled(rule)[::-1]
        while waiting:
            name = waiting.pop()
            if name not in found:
                found[name] = None
                waiting.extend(self._below(name)[::-1])
        return list(found)

    def _below(self, name: str) -> list[str]:
        return members_of(self._spec, self._registry, name)

    def _work_out(self, name: str) -> Possible:
        signal = self._spec.signals.get(name)
        if signal is None:
            return self.of_rule(self._spec.groups[name].rule)
        declaration = self._signals[signal.use]
        standing = declaration.standing
        if standing is None:
            standing = all(self._known[each].standing for each in self._below(name))
        nature = self.natures.of(name)
        long, short = nature is not Supports.SHORT, nature is not Supports.LONG
        if nature is Supports.DIRECTION and not declaration.member_parameters:
            true, opposite = self._stated(signal)
            long, short = (opposite, true) if signal.invert else (true, opposite)
        return Possible(long, short, standing)

    def _stated(self, signal: SignalSpec) -> tuple[bool, bool]:
        """Whether a signal has a truth and an opposite at all: a threshold with one level has only one of them."""
        words = self._signals[signal.use].words
        if words is None:
            return True, True
        texts = {name: _text(value) for name, value in signal.parameters.items()}
        true, opposite = words(texts)
        return bool(true), bool(opposite)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _reached(rule: Combination, weights: Iterable[float], votes: list[bool]) -> bool:
    """Whether these members, voting together, make the combination support a side."""
    count = sum(votes)
    match rule.combine:
        case "unanimous":
            return count == len(votes)
        case "majority":
            return count > len(votes) // 2
        case "at_least":
            return count >= int(rule.parameters["k"])
        case "weighted":
            given = list(weights)
            agreeing = sum(weight for weight, vote in zip(given, votes, strict=True) if vote)
            return agreeing / sum(given) >= float(rule.parameters["threshold"]) - WEIGHT_TOLERANCE
    return count > 0
