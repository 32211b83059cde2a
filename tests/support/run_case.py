"""How a row of the table of whole runs is written: bars as text, decisions by minute, what is expected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from tests.support.reference_short import run_of
from tests.support.reference_types import (
    LONG,
    NOT_A_NUMBER,
    SHORT,
    ReferenceBars,
    ReferenceInstrument,
    ReferenceLevel,
    ReferencePrices,
    ReferenceRules,
    ReferenceRun,
    ReferenceSizing,
    ReferenceSymbol,
    ReferenceTier,
)
from tests.support.rule_case import MINUTE_MS, START_MS, RuleCase

ONE = ReferenceSizing("fixed", 1.0)
NO_TIERS: Sequence[ReferenceTier] = ()


@dataclass(frozen=True, slots=True)
class RunCase:
    """One rule on a few bars. What is None is not looked at; a trade names the columns that matter.

    `equity` and `cash` hold one value a step; `last_row` is (equity, cash, exposure, drawdown) of the last one.
    """

    name: str
    working: str
    run: ReferenceRun
    final_equity: float
    trades: tuple[Mapping[str, object], ...] = ()
    refusals: Mapping[str, int] = field(default_factory=dict)
    interventions: Mapping[str, int] = field(default_factory=dict)
    equity: Sequence[float] | None = None
    cash: Sequence[float] | None = None
    last_row: tuple[float, float, float, float] | None = None
    bankrupt: bool = False


def run_case_of(case: RuleCase) -> RunCase:
    """The row of the short form as a row of whole runs, at leverage 1."""
    return RunCase(
        case.name,
        case.reason,
        run_of(case.slots, case.risk, case.costs, case.cash),
        case.final_equity,
        case.trades,
        case.refusals,
        case.interventions,
        case.equity,
        last_row=case.last_row,
        bankrupt=case.bankrupt,
    )


def rules(size: float = 1.0, **settings: object) -> ReferenceRules:
    """A strategy on minutes with a fixed quantity, unless `sizing` says otherwise."""
    settings.setdefault("sizing", ReferenceSizing("fixed", size))
    return replace(ReferenceRules(), **settings)  # type: ignore[arg-type]  # plain test data


def run(
    symbols: ReferenceSymbol | Sequence[ReferenceSymbol],
    strategy: ReferenceRules | Sequence[ReferenceRules] | None = None,
    cash: float = 1000.0,
) -> ReferenceRun:
    """One symbol or several, one strategy or several."""
    several = [symbols] if isinstance(symbols, ReferenceSymbol) else list(symbols)
    ways = [strategy or rules()] if isinstance(strategy, ReferenceRules | None) else list(strategy)
    return ReferenceRun(several, ways, cash)


def symbol(
    bars: str,
    decisions: Mapping[int, str],
    name: str = "AAA",
    *,
    mark: str | None = None,
    finer: str | None = None,
    minutes: int = 1,
    start_ms: int = START_MS,
    levels: Mapping[str, Mapping[int, float]] | None = None,
    strategy: int = 0,
    funding: Sequence[tuple[int, float]] = (),
    tick: float = 0.5,
    lot: float = 0.1,
    min_quantity: float = 0.0,
    max_quantity: float | None = None,
    spot: bool = False,
    delivery_ms: int | None = None,
    tiers: Sequence[ReferenceTier] = NO_TIERS,
) -> ReferenceSymbol:
    """`bars` is one "open high low close [volume]" between bars, "-" where there is none, each of `minutes` minutes.

    `mark` has the mark's four prices of the same bars; `finer` the same span in bars of a minute. A decision is made of
    "long", "short", "exit_long", "exit_short", joined by "+", at the close of its bar; so are the levels.
    """
    numbered = [(i, text) for i, text in enumerate(bars.split("|")) if text.strip() != "-"]
    words = [set(decisions.get(i, "").split("+")) for i, _ in numbered]
    return ReferenceSymbol(
        instrument=ReferenceInstrument(
            name, tick, lot, min_quantity, 0.0, max_quantity, spot, delivery_ms, tiers
        ),
        bars=columns(bars, mark, minutes * MINUTE_MS, start_ms),
        side=[LONG if "long" in said else SHORT if "short" in said else 0 for said in words],
        exit_long=["exit_long" in said for said in words],
        exit_short=["exit_short" in said for said in words],
        levels={
            key: [values.get(i, NOT_A_NUMBER) for i, _ in numbered] for key, values in (levels or {}).items()
        },
        strategy=strategy,
        finer=None if finer is None else columns(finer, None, MINUTE_MS, start_ms),
        funding=tuple(funding),
    )


def columns(bars: str, mark: str | None, length_ms: int, start_ms: int) -> ReferenceBars:
    rows = [(i, text.split()) for i, text in enumerate(bars.split("|")) if text.strip() != "-"]
    opens, highs, lows, closes = ([float(numbers[at]) for _, numbers in rows] for at in range(4))
    marks = None
    if mark is not None:
        quoted = [text.split() for text in mark.split("|") if text.strip() != "-"]
        marks = ReferencePrices(*([float(numbers[at]) for numbers in quoted] for at in range(4)))
    return ReferenceBars(
        time=[start_ms + i * length_ms for i, _ in rows],
        length_ms=length_ms,
        open=opens,
        high=highs,
        low=lows,
        close=closes,
        volume=[float(numbers[4]) for _, numbers in rows] if len(rows[0][1]) > 4 else (),
        mark=marks,
    )


def percent(value: float) -> ReferenceLevel:
    """A distance in percent."""
    return ReferenceLevel("percent", value)


def atr(multiple: float) -> ReferenceLevel:
    """A distance in multiples of the column `atr:14`."""
    return ReferenceLevel("atr", multiple, "atr:14")


def multiple_of_r(multiple: float) -> ReferenceLevel:
    """A distance in multiples of R."""
    return ReferenceLevel("r", multiple)
