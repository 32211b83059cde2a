"""How a row of the table of rules is written: bars as text, decisions by minute, expected trades and refusals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.support.reference_types import LONG, SHORT, ReferenceCosts, ReferenceRisk, ReferenceSlot

MINUTE_MS = 60_000
START_MS = 1_704_067_200_000  # 2024-01-01T00:00:00Z
QUANTITY_ONE = ReferenceRisk(sizing="fixed", size=1.0)
FREE = ReferenceCosts()


@dataclass(frozen=True, slots=True)
class RuleCase:
    """One rule on a few bars, in the short form: one strategy, a plain size, a percent stop, a percent target.

    The fields are those of `run_case.RunCase`, which `run_case.run_case_of` makes of it.
    """

    name: str
    reason: str
    slots: tuple[ReferenceSlot, ...]
    final_equity: float
    trades: tuple[Mapping[str, object], ...] = ()
    risk: ReferenceRisk = QUANTITY_ONE
    costs: ReferenceCosts = FREE
    cash: float = 1000.0
    refusals: Mapping[str, int] = field(default_factory=dict)
    interventions: Mapping[str, int] = field(default_factory=dict)
    bankrupt: bool = False
    equity: Sequence[float] | None = None
    last_row: tuple[float, float, float, float] | None = None


def slot(
    bars: str,
    decisions: Mapping[int, str],
    symbol: str = "AAA",
    tick: float = 0.5,
    lot: float = 0.1,
    min_quantity: float = 0.0,
    min_notional: float = 0.0,
    max_quantity: float | None = None,
    funding: Sequence[tuple[int, float]] = (),
) -> ReferenceSlot:
    """`bars` is one "open high low close" a minute between bars, "-" where there is none.

    A decision is made of "long", "short", "exit_long", "exit_short", joined by "+", at the close of its minute.
    """
    rows = [(minute, text.split()) for minute, text in enumerate(bars.split("|")) if text.strip() != "-"]
    words = [set(decisions.get(minute, "").split("+")) for minute, _ in rows]
    return ReferenceSlot(
        symbol=symbol,
        tick=tick,
        lot=lot,
        min_quantity=min_quantity,
        min_notional=min_notional,
        max_quantity=max_quantity,
        timeframe_ms=MINUTE_MS,
        time=[at_open(minute) for minute, _ in rows],
        open=[float(prices[0]) for _, prices in rows],
        high=[float(prices[1]) for _, prices in rows],
        low=[float(prices[2]) for _, prices in rows],
        close=[float(prices[3]) for _, prices in rows],
        side=[LONG if "long" in said else SHORT if "short" in said else 0 for said in words],
        exit_long=["exit_long" in said for said in words],
        exit_short=["exit_short" in said for said in words],
        funding=tuple(funding),
    )


def trade(
    side: int,
    entry_time: int,
    entry_price: float,
    exit_time: int,
    exit_price: float,
    exit_reason: str,
    pnl: float,
    **columns: object,
) -> dict[str, object]:
    """The columns that every expected trade names, and those that this one is about."""
    return {
        "side": side,
        "entry_time": entry_time,
        "entry_price": entry_price,
        "exit_time": exit_time,
        "exit_price": exit_price,
        "exit_reason": exit_reason,
        "pnl": pnl,
        "status": "open" if exit_reason == "end" else "closed",
        **columns,
    }


def fixed(size: float = 1.0, **settings: object) -> ReferenceRisk:
    """A risk table with a fixed quantity."""
    return ReferenceRisk(sizing="fixed", size=size, **settings)  # type: ignore[arg-type]  # plain test data


def at_open(minute: int) -> int:
    """Time of a fill at the open of that minute's bar."""
    return START_MS + minute * MINUTE_MS


def inside(minute: int) -> int:
    """Time written for a fill inside that minute's bar: its last millisecond."""
    return at_open(minute + 1) - 1


def at_close(minute: int) -> int:
    """Time of the mark of a position that is still open after that minute's bar."""
    return at_open(minute + 1)
