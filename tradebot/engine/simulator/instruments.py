"""Descriptions of the listed symbols, as each category writes them."""

from __future__ import annotations

from tradebot.engine.market import Category
from tradebot.engine.simulator.listing import Coin
from tradebot.engine.simulator.wire import fixed, padded, trimmed

Description = dict[str, object]
# Before and after the price that a market order may reach, as fractions: contracts, spot.
LIMIT_RATIOS = {Category.SPOT: ("0.005", "0.01")}
_CONTRACT_RATIOS = ("0.01", "0.02")


def instrument(coin: Coin, number: int, status: str) -> Description:
    """One entry of instruments-info. `number` is the exchange's id of the symbol."""
    if coin.category is Category.SPOT:
        return _spot(coin, number, status)
    return _contract(coin, number, status)


def limit_ratios(coin: Coin) -> tuple[str, str]:
    """How far an order's price may lie from the mark or last price: priceLimitRatioX and Y."""
    return LIMIT_RATIOS.get(coin.category, _CONTRACT_RATIOS)


def _contract(coin: Coin, number: int, status: str) -> Description:
    largest, market = _largest_lots(coin)
    scale = coin.price_scale
    step = fixed(1, coin.lot_decimals)
    tick = padded(1, coin.tick_decimals, scale)
    bound = max(0.002, 0.375 / coin.max_leverage)
    inverse = coin.category is Category.INVERSE
    return {
        "symbolId": number,
        "symbol": coin.symbol,
        "contractType": "InversePerpetual" if inverse else "LinearPerpetual",
        "status": status,
        "baseCoin": coin.base_coin,
        "quoteCoin": coin.quote_coin,
        "launchTime": str(coin.launch_ms),
        "deliveryTime": "0" if coin.delisted_ms is None else str(coin.delisted_ms),
        "deliveryFeeRate": "",
        "priceScale": str(scale),
        "leverageFilter": {
            "minLeverage": "1",
            "maxLeverage": f"{coin.max_leverage}.00",
            "leverageStep": "0.01",
        },
        "priceFilter": {
            "minPrice": tick,
            "maxPrice": padded(int(coin.price * 40 * 10**coin.tick_decimals), coin.tick_decimals, scale),
            "tickSize": tick,
        },
        "lotSizeFilter": {
            "maxOrderQty": fixed(largest, coin.lot_decimals),
            "minOrderQty": step,
            "qtyStep": step,
            "postOnlyMaxOrderQty": fixed(largest, coin.lot_decimals),
            "maxMktOrderQty": fixed(market, coin.lot_decimals),
            "minNotionalValue": "" if inverse else "5",
        },
        "unifiedMarginTrade": True,
        "fundingInterval": coin.funding_minutes,
        "settleCoin": coin.settle_coin,
        "copyTrading": "both" if coin.turnover_day > 2e7 and not inverse else "none",
        "upperFundingRate": f"{bound:.5f}".rstrip("0"),
        "lowerFundingRate": f"{-bound:.5f}".rstrip("0"),
        "isPreListing": False,
        "preListingInfo": None,
        "riskParameters": _ratios(coin),
        "symbolType": "",
        "displayName": "",
        "forbidUplWithdrawal": False,
    }


def _spot(coin: Coin, number: int, status: str) -> Description:
    largest, market = _largest_lots(coin)
    most, most_market = (trimmed(lots, coin.lot_decimals) for lots in (largest, market))
    return {
        "symbolId": number,
        "symbol": coin.symbol,
        "baseCoin": coin.base_coin,
        "quoteCoin": coin.quote_coin,
        "innovation": "0",
        "status": status,
        "marginTrading": "utaOnly" if coin.turnover_day > 2e7 else "none",
        "stTag": "0",
        "lotSizeFilter": {
            "basePrecision": fixed(1, coin.lot_decimals),
            "quotePrecision": fixed(1, coin.turnover_decimals),
            "minOrderQty": fixed(_smallest_lots(coin), coin.lot_decimals),
            "maxOrderQty": most,
            "minOrderAmt": "5",
            "maxOrderAmt": str(_round_lots(coin.turnover_day / 40)),
            "maxLimitOrderQty": most,
            "maxMarketOrderQty": most_market,
            "postOnlyMaxLimitOrderSize": most,
        },
        "priceFilter": {"tickSize": fixed(1, coin.tick_decimals)},
        "riskParameters": _ratios(coin),
        "symbolType": "",
    }


def _ratios(coin: Coin) -> dict[str, str]:
    return dict(zip(("priceLimitRatioX", "priceLimitRatioY"), limit_ratios(coin), strict=True))


def _smallest_lots(coin: Coin) -> int:
    """About 1 dollar."""
    return max(1, int(10.0**coin.lot_decimals / coin.price))


def _largest_lots(coin: Coin) -> tuple[int, int]:
    """The largest limit and market order."""
    usual = coin.turnover_day * 10.0**coin.lot_decimals
    if coin.category is not Category.INVERSE:
        usual /= coin.price
    return _round_lots(usual / 40), _round_lots(usual / 130)


def _round_lots(lots: float) -> int:
    """Two leading digits, as exchanges set such limits."""
    whole = max(100, int(lots))
    unit: int = 10 ** (len(str(whole)) - 2)
    return whole // unit * unit
