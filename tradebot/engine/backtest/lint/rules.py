"""Lint of the rules on data: what never or always fires, what says the same twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from tradebot.engine.backtest.lint.facts import Count, Pair, RuleFacts
from tradebot.engine.backtest.lint.types import LintFinding
from tradebot.engine.control.progress import counted
from tradebot.engine.strategy import Direction, Registry, Severity, StrategySpec
from tradebot.engine.strategy.nature import Natures
from tradebot.engine.strategy.needs import members_below, members_of, names_below
from tradebot.engine.strategy.signals import Supports

_MOST_PAIRS = 8
_MOST_NAMED = 5
_WORDS = ("long", "short")


def rule_findings(
    spec: StrategySpec, registry: Registry, facts: Sequence[RuleFacts]
) -> Iterator[LintFinding]:
    """What the columns of all symbols together say. Nothing is said of no bars."""
    bars = sum(each.bars for each in facts)
    if not bars:
        return
    symbols = [each.symbol for each in facts]
    sums = _Sums(spec, registry, facts, bars, f"of {counted(bars, 'bar')} of {_named(symbols)}")
    yield from sums.entry()
    yield from sums.leaving()
    yield from sums.members()
    yield from sums.pairs()


def _named(symbols: Sequence[str]) -> str:
    return symbols[0] if len(symbols) == 1 else counted(len(symbols), "symbol")


class _Sums:
    """The facts of all symbols, summed up."""

    def __init__(
        self, spec: StrategySpec, registry: Registry, facts: Sequence[RuleFacts], bars: int, of: str
    ) -> None:
        self._spec = spec
        self._registry = registry
        self._facts = facts
        self._bars = bars
        self._of = of
        names = dict.fromkeys(name for each in facts for name in each.fired)
        self._fired = {name: _sum(each.fired.get(name, (0, 0)) for each in facts) for name in names}
        self._entry_tree = members_below(spec, registry, spec.entry.rule)
        self._exit_tree = [] if spec.exit is None else members_below(spec, registry, spec.exit)
        self._wanted = {Direction.LONG: (0,), Direction.SHORT: (1,), Direction.BOTH: (0, 1)}[
            spec.risk.direction
        ]

    # ---- entry and exit

    def entry(self) -> Iterator[LintFinding]:
        decided = _sum(each.decided for each in self._facts)
        if not any(decided):
            yield LintFinding("entry_never", "entry", f"never decides on any {self._of}: {self._why_never()}")
        elif not any(decided[side] for side in self._wanted):
            side = self._wanted[0]
            yield LintFinding(
                "entry_wrong_side",
                "entry",
                f"never decides for {_WORDS[side]}, the only side that is opened: {_WORDS[1 - side]} on "
                f"{decided[1 - side]:,} {self._of}",
            )
        elif sum(decided) == self._bars:
            yield LintFinding(
                "entry_always",
                "entry",
                f"decides on every one {self._of}: a position is opened again as soon as one ends",
            )

    def _why_never(self) -> str:
        silent = [name for name in self._entry_tree if name in self._spec.signals and self._silent(name)]
        if silent:
            return f"{_quoted(silent)} never fire{'s' if len(silent) == 1 else ''}"
        conflicts = sum(each.conflicts for each in self._facts)
        pairs = [pair for side in self._wanted for pair in self._apart(side)]
        if self._spec.entry.rule.combine == "unanimous" and pairs:
            one, other = pairs[0]
            return f'each of its rules fires, but "{one}" and "{other}" never on the same bar'
        if conflicts:
            return f"both sides are supported at once on {conflicts:,} of them, which is a conflict"
        return "each of its rules fires, but never enough of them on the same bar"

    def _apart(self, side: int) -> list[Pair]:
        """Pairs that never meet on any symbol."""
        sets = [each.apart.get(side, frozenset()) for each in self._facts]
        return sorted(frozenset.intersection(*sets)) if sets else []

    def leaving(self) -> Iterator[LintFinding]:
        if self._spec.exit is None:
            return
        closes = _sum(each.closes for each in self._facts)
        for side in self._wanted:
            if closes[side] == 0:
                yield LintFinding(
                    "exit_never", "exit", f"never closes a {_WORDS[side]}: it would on 0 {self._of}"
                )
            elif closes[side] == self._bars:
                yield LintFinding(
                    "exit_always",
                    "exit",
                    f"closes a {_WORDS[side]} at the very next open: it would on every one {self._of}",
                )

    # ---- members

    def _silent(self, name: str) -> bool:
        return not any(self._fired.get(name, (0, 0)))

    def members(self) -> Iterator[LintFinding]:
        natures = Natures(self._spec.signals, self._spec.groups)
        for name, (long, short) in self._fired.items():
            nature = natures.of(name)
            path = self._path(name)
            if self._silent(name):
                below = members_of(self._spec, self._registry, name)
                if not any(self._silent(each) for each in below):
                    yield LintFinding("never_fires", path, f"never fires: {self._how_often(nature, 0, 0)}")
            elif long == self._bars or short == self._bars:
                what = "it decides nothing" if nature is Supports.BOTH else "it never changes its mind"
                yield LintFinding(
                    "always_fires", path, f"always fires, so {what}: {self._how_often(nature, long, short)}"
                )
            elif nature is Supports.DIRECTION and not (long and short) and name in self._entry_tree:
                yield self._one_sided(path, long, short)

    def _one_sided(self, path: str, long: int, short: int) -> LintFinding:
        missing = 1 if long else 0
        only = self._wanted == (missing,)
        return LintFinding(
            "never_one_side",
            path,
            f"never supports {_WORDS[missing]}{', the only side that is opened' if only else ''}: "
            f"{self._how_often(Supports.DIRECTION, long, short)}",
            Severity.WARNING if only else Severity.HINT,
        )

    def _how_often(self, nature: Supports, long: int, short: int) -> str:
        if nature is Supports.BOTH:
            return f"true on {long:,} {self._of}"
        if nature is Supports.LONG:
            return f"long on {long:,} {self._of}"
        if nature is Supports.SHORT:
            return f"short on {short:,} {self._of}"
        return f"long on {long:,} and short on {short:,} {self._of}"

    # ---- pairs

    def pairs(self) -> Iterator[LintFinding]:
        same = frozenset().union(*(each.same for each in self._facts))
        for one, other in self._listed(same, lambda facts, pair: pair in facts.same or facts.constant(*pair)):
            yield LintFinding(
                "always_agree",
                self._path(other),
                f'always says what "{one}" says, on each {self._of}: one of the two is enough',
            )
        opposite = frozenset().union(*(each.opposite for each in self._facts))
        for one, other in self._listed(
            opposite, lambda facts, pair: pair in facts.opposite or facts.silent(*pair)
        ):
            yield LintFinding(
                "always_opposite",
                self._path(other),
                f'always says the opposite of "{one}", on each {self._of}: the two never agree',
            )

    def _listed(self, found: Iterable[Pair], holds: Callable[[RuleFacts, Pair], bool]) -> list[Pair]:
        """Pairs found on some symbol that hold on all, of members that stand side by side."""
        order = {name: position for position, name in enumerate(self._fired)}
        pairs = [
            pair
            for pair in found
            if self._side_by_side(*pair) and all(holds(facts, pair) for facts in self._facts)
        ]
        return sorted(pairs, key=lambda pair: (order[pair[0]], order[pair[1]]))[:_MOST_PAIRS]

    def _side_by_side(self, one: str, other: str) -> bool:
        """Whether both take part in the entry, or both in the exit, and neither is made of the other."""
        together = any(one in tree and other in tree for tree in (self._entry_tree, self._exit_tree))
        return together and other not in self._below(one) and one not in self._below(other)

    def _below(self, name: str) -> list[str]:
        return names_below(self._spec, self._registry, members_of(self._spec, self._registry, name))

    def _path(self, name: str) -> str:
        return f"signals.{name}" if name in self._spec.signals else f"groups.{name}"


def _sum(counts: Iterable[Count]) -> Count:
    longs, shorts = zip(*counts, strict=True)
    return sum(longs), sum(shorts)


def _quoted(names: Sequence[str]) -> str:
    shown = [f'"{name}"' for name in names[:_MOST_NAMED]]
    more = len(names) - len(shown)
    listed = ", ".join(shown)
    return f"{listed} and {more} more" if more else " and ".join(listed.rsplit(", ", 1))
