"""The formulas of isolated margin, Kelly's share and impact in the reference: vectors of the rules, then laws."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.support.reference_margin import (
    bankruptcy_price,
    initial_margin,
    liquidation_price,
    liquidation_price_in_tier,
    tier_of,
)
from tests.support.reference_sizing import kelly_fraction
from tests.support.reference_types import LONG, SHORT, ReferenceTier

TAKER = 0.00055

VECTORS = [
    # side, S, E, L, MMR, d, X, LP, B as the rules print them
    (LONG, 1, 20000, 50, 0.005, 0, 0, "19698.492462", 19600),
    (SHORT, 1, 20000, 50, 0.005, 0, 0, "20298.507463", 20400),
    (LONG, 100, 60000, 10, 0.01, 10000, 0, "54444.444444", 54000),
    (SHORT, 0.5, 60000, 25, 0.005, 0, 0, "62089.552239", 62400),
]


@pytest.mark.parametrize("vector", VECTORS)
def test_golden_liquidation_prices(
    vector: tuple[int, float, float, float, float, float, float, str, float],
) -> None:
    side, size, entry, leverage, rate, deduction, extra, expected, bankruptcy = vector
    tier = ReferenceTier(math.inf, rate, deduction)
    price = liquidation_price(side, size, entry, leverage, TAKER, extra, [tier])
    assert f"{price:.6f}" == expected
    assert bankruptcy_price(side, entry, leverage) == pytest.approx(bankruptcy, rel=1e-15)


def test_golden_liquidation_price_with_added_margin() -> None:
    """(20000 x 0.98 - 3000 / (1 - t)) / 0.995: the page's 16681.757881 is that with t = 0.00055.

    3000 / 0.99945 = 3001.650908; 19600 - 3001.650908 = 16598.349092; / 0.995 = 16681.757881.
    """
    tier = ReferenceTier(math.inf, 0.005)
    assert f"{liquidation_price(LONG, 1, 20000, 50, TAKER, 3000, [tier]):.6f}" == "16681.757881"


@given(
    side=st.sampled_from((LONG, SHORT)),
    size=st.floats(0.001, 1000),
    entry=st.floats(0.01, 100_000),
    leverage=st.floats(1, 100),
    taker=st.floats(0, 0.01),
    rate=st.floats(0, 0.02),
    extra_share=st.floats(-0.9, 2),
    deduction_share=st.floats(0, 0.01),
)
def test_at_the_liquidation_price_the_margin_is_the_maintenance_margin(
    side: int,
    size: float,
    entry: float,
    leverage: float,
    taker: float,
    rate: float,
    extra_share: float,
    deduction_share: float,
) -> None:
    """IM + X + k S (M - E) = S M r - d + S B' t at M = LP, with B' shifted by the margin added.

    B' is where the margin, X included, is just used up by the loss and the fee: B - k X / (S (1 - k t)).
    """
    extra, deduction = extra_share * size * entry / leverage, deduction_share * size * entry
    price = liquidation_price_in_tier(
        side, size, entry, leverage, taker, extra, ReferenceTier(math.inf, rate, deduction)
    )
    bankruptcy = bankruptcy_price(side, entry, leverage) - side * extra / (size * (1 - side * taker))
    margin = initial_margin(side, size, entry, leverage, taker) + extra + side * size * (price - entry)
    maintenance = size * price * rate - deduction + size * bankruptcy * taker
    assert margin == pytest.approx(maintenance, abs=1e-9 * size * entry)


@given(
    side=st.sampled_from((LONG, SHORT)),
    value=st.floats(1, 100_000),
    leverage=st.floats(1, 100),
    extra_share=st.floats(-0.5, 2),
)
def test_the_tier_is_that_of_the_value_at_the_liquidation_price(
    side: int, value: float, leverage: float, extra_share: float
) -> None:
    """Deductions of 5 at 1000 (0.5 to 1 %), 155 more at 10,000 (to 2.5 %): the maintenance margin does not jump."""
    tiers = [
        ReferenceTier(1_000, 0.005, 0),
        ReferenceTier(10_000, 0.01, 5),
        ReferenceTier(math.inf, 0.025, 155),
    ]
    extra = extra_share * value / leverage
    price = liquidation_price(side, 1.0, value, leverage, TAKER, extra, tiers)
    assume(price > 0)
    again = liquidation_price_in_tier(side, 1.0, value, leverage, TAKER, extra, tier_of(tiers, price))
    assert price == pytest.approx(again, rel=1e-12)


def test_a_tier_holds_up_to_its_limit() -> None:
    tiers = [ReferenceTier(1_000, 0.005), ReferenceTier(2_000, 0.01)]
    assert [tier_of(tiers, value).maintenance_rate for value in (1_000, 1_000.01, 2_000, 9_000)] == [
        0.005,
        0.01,
        0.01,
        0.01,
    ]


@pytest.mark.parametrize(
    ("closed", "fraction"),
    [
        ([2.0, 2.0, -1.0, -1.0], 0.25),  # W = 1/2, R = 2: 1/2 - 1/2 / 2
        ([1.0, -1.0, -1.0], 0.0),  # 1/3 - 2/3 < 0
        ([3.0, 3.0, 3.0], 1.0),  # no losses: W
        ([3.0, 0.0], 0.5),  # a zero is not a profit and not a loss: W
        ([-1.0, 0.0], 0.0),  # no profits
        ([4.0, 2.0, 0.0, -1.0], 0.5 - 0.5 / 3),  # R = 3 / 1, the zero counts in W only
    ],
)
def test_kelly(closed: list[float], fraction: float) -> None:
    assert kelly_fraction(closed) == pytest.approx(fraction, rel=1e-15)
