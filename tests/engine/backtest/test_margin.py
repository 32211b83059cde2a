"""Isolated margin: the vectors of the rules for the kernel's functions and for whole runs, and the identity at LP."""

from __future__ import annotations

from decimal import Decimal, localcontext
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.backtest.build import run_rows
from tests.engine.backtest.whole_runs import simulate_run
from tests.support.reference_types import LONG, SHORT, ReferenceCosts, ReferenceTier
from tests.support.rule_case import at_open
from tests.support.run_case import rules, run, symbol
from tradebot.engine.backtest.kernel import margin

TAKER = 0.00055
# as Python, for from there the compiled ones cannot be called
LIQUIDATION: Any = margin.liquidation_price
BANKRUPTCY: Any = margin.bankruptcy_price

VECTORS = [
    # side, S, E, L, MMR, d, X, LP, B as the rules print them
    (LONG, 1.0, 20000.0, 50.0, 0.005, 0.0, 0.0, "19698.492462", 19600.0),
    (SHORT, 1.0, 20000.0, 50.0, 0.005, 0.0, 0.0, "20298.507463", 20400.0),
    (LONG, 100.0, 60000.0, 10.0, 0.01, 10000.0, 0.0, "54444.444444", 54000.0),
    (SHORT, 0.5, 60000.0, 25.0, 0.005, 0.0, 0.0, "62089.552239", 62400.0),
    (LONG, 1.0, 20000.0, 50.0, 0.005, 0.0, 3000.0, "16681.757881", None),
]
Vector = tuple[int, float, float, float, float, float, float, str, float | None]


@pytest.mark.parametrize("vector", VECTORS)
def test_vector(vector: Vector) -> None:
    side, size, entry, leverage, rate, deduction, extra, expected, bankruptcy = vector
    price = LIQUIDATION.py_func(side, size, entry, leverage, TAKER, extra, rate, deduction)
    assert f"{price:.6f}" == expected
    if bankruptcy is not None:
        assert BANKRUPTCY.py_func(side, entry, leverage) == pytest.approx(bankruptcy, rel=1e-15)


@pytest.mark.parametrize("vector", [vector for vector in VECTORS if vector[6] == 0.0])
def test_vector_in_a_run(vector: Vector) -> None:
    """Liquidated by a mark one unit beyond LP, not by one a unit before it; it leaves at B and loses its margin."""
    side, size, entry, leverage, rate, deduction, _, printed, bankruptcy = vector
    assert bankruptcy is not None
    calm = f"{entry} {entry} {entry} {entry}"
    before, beyond = float(printed) + side, float(printed) - side
    for last, reason in ((before, "end"), (beyond, "liquidation")):
        mark = f"{entry} {max(entry, last)} {min(entry, last)} {entry}"
        bars = symbol(
            " | ".join([calm] * 3),
            {0: "long" if side == LONG else "short"},
            mark=f"{calm} | {calm} | {mark}",
            tiers=(ReferenceTier(float("inf"), rate, deduction),),
        )
        way = rules(size, leverage=leverage, costs=ReferenceCosts(taker_fee_percent=100 * TAKER))
        ledger = simulate_run(run(bars, way, cash=size * entry))
        (row,) = run_rows(ledger)
        assert (row["entry_time"], row["exit_reason"]) == (at_open(1), reason)
        assert f"{ledger.trades['liquidation_price'][0]:.6f}" == printed
        if reason == "liquidation":
            assert row["exit_price"] == pytest.approx(bankruptcy, rel=1e-15)
            lost = (
                size * entry / leverage + size * (bankruptcy + entry) * TAKER
            )  # margin, and the fee to open
            assert row["pnl"] == pytest.approx(-lost, rel=1e-12)


@given(
    side=st.sampled_from((LONG, SHORT)),
    size=st.decimals("0.001", "1000", places=3),
    entry=st.decimals("0.01", "100000", places=2),
    leverage=st.decimals("1", "100", places=1),
    taker=st.decimals("0", "0.01", places=5),
    rate=st.decimals("0", "0.02", places=4),
    extra_share=st.decimals("-0.9", "2", places=2),
    deduction_share=st.decimals("0", "0.01", places=4),
)
def test_at_the_liquidation_price_the_margin_left_is_the_maintenance_margin(
    side: int,
    size: Decimal,
    entry: Decimal,
    leverage: Decimal,
    taker: Decimal,
    rate: Decimal,
    extra_share: Decimal,
    deduction_share: Decimal,
) -> None:
    """IM + X + k S (M - E) = S M r - d + S B' t at M = LP, B' shifted by X; to 1e-22 in Decimal, as the rules say.

    The kernel's price in floats is that of the formula.
    """
    extra, deduction = extra_share * size * entry / leverage, deduction_share * size * entry
    with localcontext() as context:
        context.prec = 50
        price = (
            size * entry * (1 - side / leverage) - side * extra / (1 - side * taker) - side * deduction
        ) / (size * (1 - side * rate))
        bankruptcy = entry * (1 - side / leverage)
        shifted = bankruptcy - side * extra / (size * (1 - side * taker))
        left = size * entry / leverage + size * bankruptcy * taker + extra + side * size * (price - entry)
        maintenance = size * price * rate - deduction + size * shifted * taker
        assert abs(left - maintenance) <= Decimal("1e-22") * size * entry
    given = (float(value) for value in (size, entry, leverage, taker, extra, rate, deduction))
    found = LIQUIDATION.py_func(side, *given)
    assert found == pytest.approx(float(price), rel=1e-12, abs=1e-12 * float(entry))
