"""All that a run needs before it is simulated: symbols, bars, decisions and rules of one or several strategies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tradebot.engine.backtest.inputs.engine_bars import engine_timeframe
from tradebot.engine.backtest.inputs.slots import MakeMarket, SlotInput, check_quote_coins, load_inputs
from tradebot.engine.backtest.inputs.store_market import StoreMarket
from tradebot.engine.backtest.inputs.universe import Universe, resolve_universe
from tradebot.engine.backtest.kernel.ledger import RunSettings, StrategyRules, SymbolData
from tradebot.engine.control.errors import InputError
from tradebot.engine.control.progress import CancelToken
from tradebot.engine.store import Store
from tradebot.engine.strategy import Registry, StrategySpec
from tradebot.engine.strategy.node_cache import NodeCache


@dataclass(frozen=True, slots=True)
class Asked:
    """One strategy of a run: what it says, the text that says it, and its settings.

    `universe`: its symbols where they were resolved before; None: as the strategy says.
    """

    spec: StrategySpec
    toml: str
    settings: RunSettings
    universe: Universe | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A run ready to be simulated: strategies by name, their slots by (strategy, symbol).

    Nothing in it depends on the order in which strategies, symbols or files were given.
    """

    asked: tuple[Asked, ...]
    universes: tuple[Universe, ...]
    inputs: tuple[SlotInput, ...]

    @property
    def slots(self) -> list[SymbolData]:
        """What the simulation is given."""
        return [one.data for one in self.inputs]

    @property
    def rules(self) -> list[StrategyRules]:
        """The rules of the strategies, in their order."""
        return [StrategyRules.of(one.spec, one.settings) for one in self.asked]

    @property
    def specs(self) -> list[StrategySpec]:
        """The strategies, in their order."""
        return [one.spec for one in self.asked]

    @property
    def settings(self) -> RunSettings:
        """Cash and span, and the costs of the first strategy."""
        return self.asked[0].settings

    def inputs_of(self, strategy: int) -> list[SlotInput]:
        """The slots of one strategy."""
        return [one for one in self.inputs if one.data.strategy == strategy]


def prepare(
    asked: Sequence[Asked],
    registry: Registry,
    store: Store,
    cancel: CancelToken,
    *,
    counted: Callable[[int], Callable[[str], None]],
    with_hashes: bool = True,
    nodes: NodeCache | None = None,
    make_market: MakeMarket = StoreMarket,
) -> Prepared:
    """Resolve the symbols and load everything; `counted` is told the number of slots and gives what hears each symbol.

    InputError where data is missing, or where the strategies cannot share an account: different categories, coins,
    cash or spans, equal names, timeframes that do not fit into each other.
    """
    ordered = sorted(asked, key=lambda one: (one.spec.name, one.toml))
    _check_together(ordered)
    universes = [one.universe or resolve_universe(one.spec, store, one.settings) for one in ordered]
    engine = engine_timeframe([one.spec for one in ordered])
    loaded = counted(sum(len(universe.symbols) for universe in universes))
    inputs: list[SlotInput] = []
    for number, (one, universe) in enumerate(zip(ordered, universes, strict=True)):
        inputs += load_inputs(
            one.spec,
            registry,
            store,
            one.settings,
            universe.symbols,
            loaded,
            cancel,
            with_hashes,
            nodes,
            make_market,
            strategy=number,
            engine=engine,
        )
    check_quote_coins([one.data.instrument for one in inputs])
    return Prepared(tuple(ordered), tuple(universes), tuple(inputs))


def _check_together(asked: Sequence[Asked]) -> None:
    """Whether these strategies can share one account."""
    if not asked:
        raise InputError("There is no strategy to test; give at least one.")
    first = asked[0]
    for before, one in pairwise(asked):
        if one.spec.name == before.spec.name:
            raise InputError(
                f'Two strategies of this run are called "{one.spec.name}"; give them different names, so that their '
                "trades can be told apart."
            )
        if one.spec.category is not first.spec.category:
            raise InputError(
                f'"{first.spec.name}" trades {first.spec.category.value} and "{one.spec.name}" '
                f"{one.spec.category.value}; one account keeps one category, so test them one by one."
            )
        terms = [(each.settings.cash, each.settings.start_ms, each.settings.end_ms) for each in (first, one)]
        if terms[0] != terms[1]:
            raise InputError(
                f'"{first.spec.name}" and "{one.spec.name}" were given different cash or spans; strategies that share '
                "an account begin and end together."
            )
