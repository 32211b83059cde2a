"""Tickers, funding and instrument descriptions, as the exchange writes them."""

from __future__ import annotations

import numpy as np

from tradebot.engine.market import DAY_MS, MINUTE_MS
from tradebot.engine.simulator.listing import Coin
from tradebot.engine.simulator.noise import bell, hashed, key_of, value_noise
from tradebot.engine.simulator.prices import PriceModel
from tradebot.engine.simulator.tape import LiveTape
from tradebot.engine.simulator.wire import fixed, padded, trimmed

Fields = dict[str, str]
_FUNDING_CAP = 0.005
# Up to this the premium is swallowed by the interest rate (Bybit's clamp), so that a usual day pays 0.01 %.
_INTEREST = 0.0001


class FundingRates:
    """Settled and predicted funding rates: a pure function of (seed, symbol, settlement time)."""

    def __init__(self, model: PriceModel) -> None:
        self._model = model

    def next_settlement(self, coin: Coin, now_ms: int) -> int:
        """UTC ms of the first settlement after `now_ms`."""
        length = coin.funding_minutes * MINUTE_MS
        return (now_ms // length + 1) * length

    def settlements(self, coin: Coin, first_ms: int, last_ms: int) -> list[int]:
        """Settlement times after the listing with first_ms <= time <= last_ms, newest first."""
        length = coin.funding_minutes * MINUTE_MS
        oldest = max(-(-first_ms // length), coin.launch_ms // length + 1)
        return [number * length for number in range(last_ms // length, oldest - 1, -1)]

    def rate(self, coin: Coin, time_ms: int) -> float:
        """Fraction of the position's value that longs pay at a settlement: higher after the price has risen."""
        key = key_of(self._model.seed, coin.symbol, "funding")
        number = np.array([time_ms // (coin.funding_minutes * MINUTE_MS)], dtype=np.int64)
        whim = float(value_noise(key, number, 4)[0]) * 0.5 + float(bell(hashed(key, number + 2**40))[0]) * 0.5
        mood = self._model.market_mood(coin.symbol, time_ms // DAY_MS)
        spread = 1.0 if coin.turnover_day > 1e8 else 2.2
        premium = 0.00004 + spread * (0.00006 * whim + 0.0009 * mood)
        rate = min(premium, _INTEREST) if premium < 0.0004 else premium - 0.0003
        rate *= coin.funding_minutes / 480
        return round(max(-_FUNDING_CAP, min(_FUNDING_CAP, rate)), 8)


def rate_text(rate: float) -> str:
    """A rate with up to 8 decimals: 0.0001 -> "0.0001"."""
    return trimmed(round(rate * 1e8), 8)


class Quotes:
    """Builds the fields of a ticker at a moment."""

    def __init__(self, model: PriceModel, tape: LiveTape) -> None:
        self._tape = tape
        self._seed = model.seed
        self.funding = FundingRates(model)
        self._predicted: dict[str, tuple[int, str]] = {}
        self._keys: dict[str, int] = {}

    def fields(self, coin: Coin, now_ms: int) -> Fields:
        """Every field that tickers of the stream carry, in the stream's order."""
        running = self._tape.running(coin.symbol, now_ms)
        closed = self._tape.closed_day(coin.symbol, now_ms)
        high, low, volume, turnover = running.high, running.low, running.volume, running.turnover
        open_24h = open_1h = running.open
        if closed is not None:
            open_24h, open_1h = closed.open_24h, closed.open_1h
            high, low = max(high, closed.high), min(low, closed.low)
            volume, turnover = volume + closed.volume, turnover + closed.turnover
        last = running.last
        before = self._tape.price_before(coin.symbol, now_ms)
        rising = last > before or (last == before and last >= running.open)
        tenth, minute = self._whims(coin, now_ms)
        settlement = self.funding.next_settlement(coin, now_ms)
        interest = self._open_interest(coin, minute)
        bid, ask = _spread(coin, last, rising, tenth)
        mark = max(1, last + round(last * (minute % 31 - 15) * 1e-5))
        index = max(1, last + round(last * (minute % 41 - 24) * 2e-5))

        def price(ticks: int) -> str:
            return padded(ticks, coin.tick_decimals, coin.price_scale)

        return {
            "symbol": coin.symbol,
            "tickDirection": ("" if last != before else "Zero") + ("PlusTick" if rising else "MinusTick"),
            "price24hPcnt": f"{(last - open_24h) / open_24h:.6f}",
            "lastPrice": price(last),
            "prevPrice24h": price(open_24h),
            "highPrice24h": price(high),
            "lowPrice24h": price(low),
            "prevPrice1h": price(open_1h),
            "markPrice": price(mark),
            "indexPrice": price(index),
            "openInterest": trimmed(interest, coin.lot_decimals),
            "openInterestValue": f"{interest * mark / 10.0**coin.turnover_decimals:.2f}",
            "turnover24h": _four_decimals(turnover, coin.turnover_decimals),
            "volume24h": _four_decimals(volume, coin.lot_decimals),
            "fundingIntervalHour": str(coin.funding_minutes // 60),
            "fundingCap": trimmed(round(_FUNDING_CAP * 1000), 3),
            "nextFundingTime": str(settlement),
            "fundingRate": self._predicted_rate(coin, settlement),
            "bid1Price": price(bid),
            "bid1Size": trimmed(_size(coin, last, tenth >> 8), coin.lot_decimals),
            "ask1Price": price(ask),
            "ask1Size": trimmed(_size(coin, last, tenth >> 24), coin.lot_decimals),
            "preOpenPrice": "",
            "preQty": "",
            "curPreListingPhase": "",
        }

    def rest_fields(self, coin: Coin, now_ms: int) -> Fields:
        """The fields of a REST ticker."""
        fields = self.fields(coin, now_ms)
        del fields["tickDirection"]
        return fields | {
            "predictedDeliveryPrice": "",
            "basisRate": "",
            "basis": "",
            "basisRateYear": "",
            "deliveryFeeRate": "",
            "deliveryTime": "0",
        }

    def _whims(self, coin: Coin, now_ms: int) -> tuple[int, int]:
        """Hashed numbers that change every 100 ms and every minute."""
        key = self._keys.get(coin.symbol)
        if key is None:
            key = self._keys[coin.symbol] = key_of(self._seed, coin.symbol, "quote")
        return _mixed(key + now_ms // 100), _mixed(key ^ (now_ms // MINUTE_MS))

    def _open_interest(self, coin: Coin, whim: int) -> int:
        """Lots outstanding: around half a day's turnover, a little different every minute."""
        usual = 0.55 * coin.turnover_day / coin.price * 10.0**coin.lot_decimals
        return int(usual * (1.0 + (whim >> 20) % 1000 * 1e-5))

    def _predicted_rate(self, coin: Coin, settlement: int) -> str:
        known = self._predicted.get(coin.symbol)
        if known is None or known[0] != settlement:
            known = self._predicted[coin.symbol] = (
                settlement,
                rate_text(self.funding.rate(coin, settlement)),
            )
        return known[1]


def _mixed(number: int) -> int:
    """A quick scalar hash (splitmix64's last steps) to 63 bits."""
    number = (number ^ (number >> 30)) * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
    number = (number ^ (number >> 27)) * 0x94D049BB133111EB & 0xFFFFFFFFFFFFFFFF
    return (number ^ (number >> 31)) >> 1


def _spread(coin: Coin, last: int, rising: bool, whim: int) -> tuple[int, int]:
    """Best bid and ask in ticks: the last trade stood on one of them; quiet coins have wider spreads."""
    width = 1 if coin.turnover_day > 2e7 else 1 + whim % 3
    bid = max(1, last - width) if rising else last
    return bid, bid + width


def _size(coin: Coin, last: int, whim: int) -> int:
    """Lots at the best price: a heavy-tailed draw around a few seconds' turnover."""
    value = coin.turnover_day / 20_000 * (0.05 + (whim % 1024 / 512.0) ** 3)
    return max(1, int(value * 10.0**coin.turnover_decimals / last))


def _four_decimals(units: int, decimals: int) -> str:
    if decimals > 4:
        return fixed(units // 10 ** (decimals - 4), 4)
    return padded(units, decimals, 4)


def instrument(coin: Coin, number: int, status: str) -> dict[str, object]:
    """One entry of instruments-info. `number` is the exchange's id of the symbol."""
    usual_lots = coin.turnover_day / coin.price * 10.0**coin.lot_decimals
    largest = _round_lots(usual_lots / 40)
    market = _round_lots(usual_lots / 130)
    scale = coin.price_scale
    step = fixed(1, coin.lot_decimals)
    tick = padded(1, coin.tick_decimals, scale)
    bound = max(0.002, 0.375 / coin.max_leverage)
    return {
        "symbolId": number,
        "symbol": coin.symbol,
        "contractType": "LinearPerpetual",
        "status": status,
        "baseCoin": coin.base_coin,
        "quoteCoin": "USDT",
        "launchTime": str(coin.launch_ms),
        "deliveryTime": "0",
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
            "minNotionalValue": "5",
        },
        "unifiedMarginTrade": True,
        "fundingInterval": coin.funding_minutes,
        "settleCoin": "USDT",
        "copyTrading": "both" if coin.turnover_day > 2e7 else "none",
        "upperFundingRate": f"{bound:.5f}".rstrip("0"),
        "lowerFundingRate": f"{-bound:.5f}".rstrip("0"),
        "isPreListing": False,
        "preListingInfo": None,
        "riskParameters": {"priceLimitRatioX": "0.01", "priceLimitRatioY": "0.02"},
        "symbolType": "",
        "displayName": "",
        "forbidUplWithdrawal": False,
    }


def _round_lots(lots: float) -> int:
    """Two leading digits, as exchanges set such limits."""
    whole = max(100, int(lots))
    unit: int = 10 ** (len(str(whole)) - 2)
    return whole // unit * unit
