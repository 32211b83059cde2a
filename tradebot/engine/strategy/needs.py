"""What a strategy reads: which bars of which symbols and timeframes, how far back, and the nodes that take part."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from tradebot.engine.market import Category, Timeframe
from tradebot.engine.strategy.nature import named_members
from tradebot.engine.strategy.nodes import Readers, series_references
from tradebot.engine.strategy.registry import Registry
from tradebot.engine.strategy.series import FUNDING, MARKET_SERIES, split_reference
from tradebot.engine.strategy.spec import Combination, StrategySpec, Use

Place = tuple[str, Timeframe]
"""Symbol ("": the one that is traded) and timeframe."""


@dataclass(frozen=True, slots=True)
class DataNeed:
    """Bars that a strategy reads, or with `timeframe` None the settled funding, for each symbol that it trades.

    `symbol`: "" for the traded one itself. `paths` are the values that ask for it, `execution` where only fills are
    walked on these bars. `look_back` bars must have closed before `deepest`, the path of a node or level, has a value.
    """

    symbol: str
    timeframe: Timeframe | None
    paths: tuple[str, ...]
    look_back: int = 0
    deepest: str = ""
    execution: bool = False

    @property
    def before_ms(self) -> int:
        """How long before the first decision these bars must begin, in milliseconds."""
        return 0 if self.timeframe is None else self.look_back * self.timeframe.ms


@dataclass(frozen=True, slots=True)
class Participants:
    """The signals, groups and indicators that the entry, the exit and the levels of a strategy use."""

    members: tuple[str, ...]
    indicators: tuple[str, ...]
    series: tuple[str, ...]
    """Everything that is read by name, columns of the bars included."""


def participants(spec: StrategySpec, registry: Registry) -> Participants:
    """What takes part: switched on, and reached from [entry], [exit] or a level of [risk]; in the order of the file."""
    roots = [*spec.entry.rule.signals, *(spec.exit.signals if spec.exit is not None else ())]
    members = _reached(roots, lambda name: members_of(spec, registry, name))
    active = [name for name in members if _enabled(spec, name)]
    read: list[str] = []
    for name in active:
        signal = spec.signals.get(name)
        if signal is not None:
            read += series_references(registry.signals[signal.use], signal.parameters)
    read += level_series(spec)
    names = _reached((split_reference(each)[0] for each in read), lambda name: _sources(spec, registry, name))
    for name in names:
        if name in spec.indicators:
            indicator = spec.indicators[name]
            read += series_references(registry.indicators[indicator.use], indicator.parameters)
    return Participants(
        members=tuple(name for name in (*spec.signals, *spec.groups) if name in set(active)),
        indicators=tuple(name for name in spec.indicators if name in names),
        series=tuple(dict.fromkeys(read)),
    )


def readers_of(spec: StrategySpec, registry: Registry) -> Readers:
    """How many of the nodes that take part read each indicator.

    What a level follows is read to the end, and so is what stands below a rule that may hold where a member does not:
    such a rule asks once more where its members have values.
    """
    used = participants(spec, registry)
    first: dict[str, str] = {}
    seen: dict[object, str] = {}
    for name in used.indicators:
        each = spec.indicators[name]
        definition = (each.use, tuple(sorted(each.parameters.items())), each.timeframe, each.symbol)
        first[name] = seen.setdefault(definition, name)
    counts = dict.fromkeys(seen.values(), 0)
    negating = [
        name
        for name in used.members
        if name in spec.signals and registry.signals[spec.signals[name].use].negates
    ]
    lasting = set(names_below(spec, registry, negating))
    for name in used.members:
        signal = spec.signals.get(name)
        if signal is not None:
            references = series_references(registry.signals[signal.use], signal.parameters)
            _count(counts, first, references, 2 if name in lasting else 1)
    for name in used.indicators:
        each = spec.indicators[name]
        _count(counts, first, series_references(registry.indicators[each.use], each.parameters), 1)
    _count(counts, first, level_series(spec), 2)
    return Readers(counts, first)


def _count(counts: dict[str, int], first: Mapping[str, str], references: Iterable[str], by: int) -> None:
    for name in {split_reference(each)[0] for each in references}:
        if name in first:
            counts[first[name]] += by


def members_of(spec: StrategySpec, registry: Registry, name: str) -> list[str]:
    """The enabled signals and groups that a member names; none for an unknown one."""
    signal, group = spec.signals.get(name), spec.groups.get(name)
    if signal is not None:
        names: Iterable[str] = named_members(registry.signals[signal.use], signal.parameters)
    else:
        names = group.rule.signals if group is not None else ()
    return [each for each in names if _enabled(spec, each)]


def members_below(spec: StrategySpec, registry: Registry, rule: Combination) -> list[str]:
    """All enabled members that a combination leads to, each once."""
    return names_below(spec, registry, [name for name in rule.signals if _enabled(spec, name)])


def names_below(spec: StrategySpec, registry: Registry, names: Iterable[str]) -> list[str]:
    """These members and all that they lead to, each once."""
    return list(_reached(names, lambda name: members_of(spec, registry, name)))


def level_series(spec: StrategySpec) -> list[str]:
    """The series that stops and targets follow."""
    uses = [spec.risk.stop_loss, *spec.risk.take_profit, spec.risk.trailing_stop]
    return [str(use.parameters["series"]) for use in uses if use is not None and "series" in use.parameters]


def data_needs(spec: StrategySpec, registry: Registry) -> tuple[DataNeed, ...]:
    """All that a strategy reads: its own bars first, then those of its indicators, execution bars, funding."""
    used = participants(spec, registry)
    depths = _indicator_depths(spec, registry, used.indicators)
    home = ("", spec.timeframe)
    paths: dict[Place, list[str]] = {home: ["strategy.timeframe"]}
    deepest: dict[Place, tuple[int, str]] = {home: (0, "")}
    for name in used.indicators:
        place, path = _place(spec, name), f"indicators.{name}"
        paths.setdefault(place, []).append(path)
        deepest[place] = max(deepest.get(place, (0, "")), (depths[name], path))
    for name, depth in _member_depths(spec, registry, used.members, depths).items():
        section = "signals" if name in spec.signals else "groups"
        deepest[home] = max(deepest[home], (depth, f"{section}.{name}"))
    for path, use in _level_uses(spec):
        deepest[home] = max(deepest[home], (int(use.parameters["length"]), path))
    needs = [
        DataNeed(symbol, timeframe, tuple(read), *deepest[symbol, timeframe])
        for (symbol, timeframe), read in paths.items()
    ]
    if spec.execution is not None and spec.execution is not spec.timeframe:
        needs.append(DataNeed("", spec.execution, ("strategy.execution",), execution=True))
    if spec.category is Category.LINEAR and FUNDING in used.series:
        needs.extend(_funding_needs(spec, registry, used))
    return tuple(needs)


def _funding_needs(spec: StrategySpec, registry: Registry, used: Participants) -> list[DataNeed]:
    """Funding read as a series, by the symbol whose it is."""
    readers: dict[str, list[str]] = {}
    for name in used.indicators:
        indicator = spec.indicators[name]
        if FUNDING in series_references(registry.indicators[indicator.use], indicator.parameters):
            readers.setdefault(indicator.symbol, []).append(f"indicators.{name}")
    for name in used.members:
        signal = spec.signals.get(name)
        if signal is not None and FUNDING in series_references(
            registry.signals[signal.use], signal.parameters
        ):
            readers.setdefault("", []).append(f"signals.{name}")
    return [DataNeed(symbol, None, tuple(paths)) for symbol, paths in readers.items()]


def _enabled(spec: StrategySpec, name: str) -> bool:
    node = spec.signals.get(name) or spec.groups.get(name)
    return node is not None and node.enabled


def _place(spec: StrategySpec, name: str) -> Place:
    indicator = spec.indicators[name]
    return indicator.symbol, indicator.timeframe or spec.timeframe


def _sources(spec: StrategySpec, registry: Registry, name: str) -> list[str]:
    indicator = spec.indicators.get(name)
    if indicator is None:
        return []
    references = series_references(registry.indicators[indicator.use], indicator.parameters)
    return [split_reference(each)[0] for each in references]


def _reached(roots: Iterable[str], below: Callable[[str], Iterable[str]]) -> dict[str, None]:
    """Everything that the roots lead to, roots included; without recursion, because chains may be long."""
    found: dict[str, None] = {}
    waiting = list(roots)[::-1]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = None
            waiting.extend(list(below(name))[::-1])
    return found


def _in_order(names: Iterable[str], below: Callable[[str], Iterable[str]]) -> list[str]:
    """The names, each after those below it."""
    done: dict[str, None] = {}
    waiting = list(names)
    while waiting:
        missing = [each for each in below(waiting[-1]) if each not in done]
        if missing and waiting[-1] not in done:
            waiting.extend(missing)
        else:
            done[waiting.pop()] = None
    return list(done)


def _indicator_depths(spec: StrategySpec, registry: Registry, names: tuple[str, ...]) -> dict[str, int]:
    """Bars of its own place that each indicator and its sources at that place need before the first value."""
    depths: dict[str, int] = {}

    def below(name: str) -> list[str]:
        return [each for each in _sources(spec, registry, name) if each not in MARKET_SERIES]

    for name in _in_order(names, below):
        indicator = spec.indicators[name]
        same = [depths[each] for each in below(name) if _place(spec, each) == _place(spec, name)]
        own = registry.indicators[indicator.use].look_back(indicator.parameters)
        depths[name] = own + max(same, default=0)
    return depths


def _member_depths(
    spec: StrategySpec, registry: Registry, names: tuple[str, ...], depths: Mapping[str, int]
) -> dict[str, int]:
    """Bars of the strategy's own place that each signal and group needs before the first value."""
    home = ("", spec.timeframe)
    found: dict[str, int] = {}
    for name in _in_order(names, lambda each: members_of(spec, registry, each)):
        before = [found[each] for each in members_of(spec, registry, name)]
        signal = spec.signals.get(name)
        own = 0
        if signal is not None:
            declaration = registry.signals[signal.use]
            own = declaration.bars_before(signal.parameters)
            sources = [split_reference(each)[0] for each in series_references(declaration, signal.parameters)]
            before += [depths[each] for each in sources if each in depths and _place(spec, each) == home]
        found[name] = own + max(before, default=0)
    return found


def _level_uses(spec: StrategySpec) -> list[tuple[str, Use]]:
    """Everything whose distance is a multiple of the average true range, and the sizing by volatility, by its path."""
    risk = spec.risk
    targets = ((f"risk.take_profit.{number}", use) for number, use in enumerate(risk.take_profit, 1))
    spacing = risk.pyramiding.spacing if risk.pyramiding is not None else None
    uses = (
        ("risk.stop_loss", risk.stop_loss),
        *targets,
        ("risk.trailing_stop", risk.trailing_stop),
        ("orders.offset", spec.orders.offset),
        ("risk.sizing", risk.sizing),
        ("risk.pyramiding.spacing", spacing),
    )
    return [(path, use) for path, use in uses if use is not None and "length" in use.parameters]
