"""Risk limits: tiers in order, as fractions, and none of a symbol where one cannot be understood."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import pytest

from tests.engine.exchange.fake_bybit import FakeBybit
from tests.engine.exchange.virtual_time import VirtualClock, run_virtual
from tradebot.engine.exchange import Exchange, MalformedError
from tradebot.engine.exchange.risk_tiers import parse_risk_limits, tiers_by_symbol
from tradebot.engine.market import Category, RiskTier


def item(symbol: str = "BTCUSDT", **fields: Any) -> dict[str, Any]:
    return {
        "id": 1,
        "symbol": symbol,
        "riskLimitValue": "300000",
        "maintenanceMargin": "0.0033",
        "initialMargin": "0.0066",
        "isLowestRisk": 1,
        "maxLeverage": "150.00",
        "mmDeduction": "",
    } | fields


SECOND = {"id": 2, "isLowestRisk": 0, "riskLimitValue": "2000000", "maintenanceMargin": "0.005"} | {
    "initialMargin": "0.01",
    "maxLeverage": "100.00",
    "mmDeduction": "510",
}


def answer(*items: Any, cursor: str = "") -> dict[str, Any]:
    return {
        "retCode": 0,
        "result": {"list": list(items), "nextPageCursor": cursor},
        "time": 1_700_000_000_000,
    }


def tiers(*items: Any) -> dict[str, tuple[RiskTier, ...]]:
    return tiers_by_symbol(parse_risk_limits(answer(*items)).items)


def test_tiers_rise_by_their_limit_whatever_the_order_of_the_answer() -> None:
    assert tiers(item(**SECOND), item()) == {
        "BTCUSDT": (
            RiskTier(Decimal(300000), Decimal("0.0033"), Decimal("0.0066"), Decimal(150), Decimal(0)),
            RiskTier(Decimal(2000000), Decimal("0.005"), Decimal("0.01"), Decimal(100), Decimal(510)),
        )
    }


def test_percentages_of_the_documents_become_fractions() -> None:
    documented = item(maintenanceMargin="0.5", initialMargin="1", maxLeverage="100.00")
    (tier,) = tiers(documented)["BTCUSDT"]
    assert (tier.maintenance_margin, tier.initial_margin) == (Decimal("0.005"), Decimal("0.01"))
    (tier,) = tiers(item(maintenanceMargin="50", initialMargin="100", maxLeverage="1"))["BTCUSDT"]
    assert (tier.maintenance_margin, tier.initial_margin) == (Decimal("0.5"), Decimal(1))
    (tier,) = tiers(item(maintenanceMargin="0.5", initialMargin="1", maxLeverage="1"))["BTCUSDT"]
    assert (tier.maintenance_margin, tier.initial_margin) == (Decimal("0.5"), Decimal(1))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("riskLimitValue", "0"),
        ("riskLimitValue", "-5"),
        ("maintenanceMargin", "NaN"),
        ("maintenanceMargin", "0.7"),
        ("initialMargin", None),
        ("maxLeverage", ""),
        ("mmDeduction", "-1"),
    ],
)
def test_a_symbol_with_a_tier_that_does_not_fit_is_left_out_and_said(field: str, value: Any) -> None:
    page = parse_risk_limits(answer(item(), item(**SECOND | {field: value}), item("ETHUSDT")))
    assert list(tiers_by_symbol(page.items)) == ["ETHUSDT"]
    (problem,) = page.problems
    assert f"`{field}`" in problem
    assert "BTCUSDT" in problem


def test_an_answer_without_a_list_is_refused() -> None:
    with pytest.raises(MalformedError, match="risk limit answer"):
        parse_risk_limits({"retCode": 0, "result": None})


def test_the_cursor_is_followed_and_tiers_of_a_symbol_may_lie_on_two_pages() -> None:
    said: list[str] = []

    async def main(clock: VirtualClock) -> None:
        rest = FakeBybit(clock)
        pages = [answer(item(), cursor="first%3DA"), answer(item(**SECOND), "row", item("ETHUSDT"))]
        asked: list[dict[str, Any]] = []

        def page(path: str, params: dict[str, Any]) -> dict[str, Any]:
            asked.append(params)
            return pages[len(asked) - 1]

        rest.faults.append(page)
        exchange = Exchange(rest, clock, random.Random(1), notice=lambda _level, text: said.append(text))
        found = await exchange.risk_limits(Category.LINEAR)
        assert {symbol: len(steps) for symbol, steps in found.items()} == {"BTCUSDT": 2, "ETHUSDT": 1}
        assert [call.get("cursor") for call in asked] == [None, "first%3DA"]

    run_virtual(main)
    assert len(said) == 1
