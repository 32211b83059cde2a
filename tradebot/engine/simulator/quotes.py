"""Tickers, as the exchange writes them, and the best prices they name."""

from __future__ import annotations

from typing import NamedTuple

from tradebot.engine.market import MINUTE_MS, Category
from tradebot.engine.simulator.book import Book, best_lots, book
from tradebot.engine.simulator.funding import rate_text
from tradebot.engine.simulator.listing import Coin
from tradebot.engine.simulator.model import MarketModel, PriceKind
from tradebot.engine.simulator.noise import key_of
from tradebot.engine.simulator.tape import LiveTape
from tradebot.engine.simulator.wire import fixed, padded, trimmed

Fields = dict[str, str]


class _Day(NamedTuple):
    """What every ticker says about the last 24 hours (ticks, lots, units of turnover)."""

    last: int
    open_24h: int
    open_1h: int
    high: int
    low: int
    volume: int
    turnover: int
    direction: str
    rising: bool


class Quotes:
    """Builds the fields of a category's tickers at a moment. For one thread."""

    def __init__(self, model: MarketModel, tape: LiveTape) -> None:
        self._tape = tape
        self._model = model
        self.funding = model.funding
        self._predicted: dict[str, tuple[int, str]] = {}
        self._keys: dict[str, int] = {}

    def fields(self, coin: Coin, now_ms: int) -> Fields:
        """Every field that tickers of the stream carry, in the stream's order; after the end the last ones."""
        now_ms = self._still(now_ms)
        if coin.category is Category.SPOT:
            return self._spot_fields(coin, now_ms)
        day, interest = self._day(coin, now_ms), self.open_interest(coin, now_ms)
        settlement = self.funding.next_settlement(coin, now_ms)
        bid, ask = self.best(coin, now_ms)
        key = self._key(coin)
        mark, index = self.mark_and_index(coin, now_ms)

        def price(ticks: int) -> str:
            return padded(ticks, coin.tick_decimals, coin.price_scale)

        return {
            "symbol": coin.symbol,
            "tickDirection": day.direction,
            "price24hPcnt": _change(day),
            "lastPrice": price(day.last),
            "prevPrice24h": price(day.open_24h),
            "highPrice24h": price(day.high),
            "lowPrice24h": price(day.low),
            "prevPrice1h": price(day.open_1h),
            "markPrice": price(mark),
            "indexPrice": price(index),
            "openInterest": trimmed(interest, coin.lot_decimals),
            "openInterestValue": interest_value(coin, interest, mark),
            "turnover24h": _four_decimals(day.turnover, coin.turnover_decimals),
            "volume24h": _four_decimals(day.volume, coin.lot_decimals),
            "fundingIntervalHour": str(coin.funding_minutes // 60),
            "fundingCap": "0.005",
            "nextFundingTime": str(settlement),
            "fundingRate": self._predicted_rate(coin, settlement),
            "bid1Price": price(bid),
            "bid1Size": trimmed(best_lots(coin, key, bid, -1, now_ms), coin.lot_decimals),
            "ask1Price": price(ask),
            "ask1Size": trimmed(best_lots(coin, key, ask, 1, now_ms), coin.lot_decimals),
            "preOpenPrice": "",
            "preQty": "",
            "curPreListingPhase": "",
        }

    def rest_fields(self, coin: Coin, now_ms: int) -> Fields:
        """The fields of a REST ticker."""
        now_ms = self._still(now_ms)
        fields = self.fields(coin, now_ms)
        if coin.category is Category.SPOT:
            bid, ask = self.best(coin, now_ms)
            key = self._key(coin)
            return fields | {
                "bid1Price": fixed(bid, coin.tick_decimals),
                "bid1Size": trimmed(best_lots(coin, key, bid, -1, now_ms), coin.lot_decimals),
                "ask1Price": fixed(ask, coin.tick_decimals),
                "ask1Size": trimmed(best_lots(coin, key, ask, 1, now_ms), coin.lot_decimals),
            }
        del fields["tickDirection"]
        return fields | {
            "predictedDeliveryPrice": "",
            "basisRate": "",
            "basis": "",
            "basisRateYear": "",
            "deliveryFeeRate": "",
            "deliveryTime": "0" if coin.delisted_ms is None else str(coin.delisted_ms),
        }

    def best(self, coin: Coin, now_ms: int) -> tuple[int, int]:
        """Highest bid and lowest ask in ticks: the last trade stood on one of them; quiet coins have wider spreads."""
        last, _, rising = self._moving(coin, now_ms)
        whim = _mixed(self._key(coin) + now_ms // 100)
        width = 1 if coin.turnover_day > 2e7 else 1 + whim % 3
        bid = max(1, last - width) if rising else max(1, last)
        return bid, bid + width

    def book(self, coin: Coin, depth: int, now_ms: int) -> Book:
        """The order book at a moment."""
        now_ms = self._still(now_ms)
        return book(coin, self._key(coin), self.best(coin, now_ms), depth, now_ms)

    def mark_and_index(self, coin: Coin, now_ms: int) -> tuple[int, int]:
        """Mark and index price in ticks."""
        now_ms = self._still(now_ms)
        last, number = self._tape.standing(coin.symbol, now_ms).last, now_ms // MINUTE_MS
        mark = self._model.now_price(coin.symbol, PriceKind.MARK, last, number)
        return mark, self._model.now_price(coin.symbol, PriceKind.INDEX, last, number)

    def open_interest(self, coin: Coin, time_ms: int) -> int:
        """Lots outstanding: around half a day's turnover, a little different every minute."""
        whim = _mixed(self._key(coin) ^ (time_ms // MINUTE_MS))
        usual = 0.55 * coin.turnover_day * 10.0**coin.lot_decimals
        if coin.category is not Category.INVERSE:
            usual /= coin.price
        return int(usual * (1.0 + (whim >> 20) % 1000 * 1e-5))

    def account_ratio(self, coin: Coin, time_ms: int) -> int:
        """Accounts that hold the coin long, in ten-thousandths of all that hold it."""
        return 4300 + _mixed(self._key(coin) + time_ms // MINUTE_MS * 3) % 1400

    def _spot_fields(self, coin: Coin, now_ms: int) -> Fields:
        day = self._day(coin, now_ms)
        _, index = self.mark_and_index(coin, now_ms)

        def price(ticks: int) -> str:
            return trimmed(ticks, coin.tick_decimals)

        return {
            "symbol": coin.symbol,
            "lastPrice": price(day.last),
            "highPrice24h": price(day.high),
            "lowPrice24h": price(day.low),
            "prevPrice24h": price(day.open_24h),
            "volume24h": trimmed(day.volume, coin.lot_decimals),
            "turnover24h": trimmed(day.turnover, coin.turnover_decimals),
            "price24hPcnt": _change(day),
            "usdIndexPrice": price(index),
        }

    def _day(self, coin: Coin, now_ms: int) -> _Day:
        running = self._tape.standing(coin.symbol, now_ms)
        closed = self._tape.closed_day(coin.symbol, now_ms)
        high, low, volume, turnover = running.high, running.low, running.volume, running.turnover
        open_24h = open_1h = running.open
        if closed is not None:
            open_24h, open_1h = closed.open_24h, closed.open_1h
            high, low = max(high, closed.high), min(low, closed.low)
            volume, turnover = volume + closed.volume, turnover + closed.turnover
        last, before, rising = self._moving(coin, now_ms)
        direction = ("" if last != before else "Zero") + ("PlusTick" if rising else "MinusTick")
        return _Day(last, open_24h, open_1h, high, low, volume, turnover, direction, rising)

    def _still(self, now_ms: int) -> int:
        end_ms = self._model.end_ms
        return now_ms if end_ms is None else min(now_ms, end_ms - 1)

    def _moving(self, coin: Coin, now_ms: int) -> tuple[int, int, bool]:
        """The last price, the one a second earlier, and whether it goes up."""
        running = self._tape.standing(coin.symbol, now_ms)
        last, before = running.last, self._tape.price_before(coin.symbol, now_ms)
        return last, before, last > before or (last == before and last >= running.open)

    def _key(self, coin: Coin) -> int:
        key = self._keys.get(coin.symbol)
        if key is None:
            parts = () if coin.category is Category.LINEAR else (coin.category.value,)
            key = self._keys[coin.symbol] = key_of(self._model.seed, *parts, coin.symbol, "quote")
        return key

    def _predicted_rate(self, coin: Coin, settlement: int) -> str:
        known = self._predicted.get(coin.symbol)
        if known is None or known[0] != settlement:
            rate = self.funding.rate(coin, settlement)
            text = "" if rate is None else rate_text(rate)
            known = self._predicted[coin.symbol] = (settlement, text)
        return known[1]


def interest_value(coin: Coin, lots: int, mark: int) -> str:
    """Open interest in the quote coin; of dollars, which inverse contracts are counted in, in the base coin."""
    if coin.category is Category.INVERSE:
        return f"{lots * 10.0**coin.tick_decimals / max(mark, 1):.2f}"
    return f"{lots * mark / 10.0 ** (coin.tick_decimals + coin.lot_decimals):.2f}"


def _change(day: _Day) -> str:
    """Change over 24 hours as a fraction."""
    return f"{(day.last - day.open_24h) / max(day.open_24h, 1):.6f}"


def _mixed(number: int) -> int:
    """A quick scalar hash (splitmix64's last steps) to 63 bits."""
    number = (number ^ (number >> 30)) * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
    number = (number ^ (number >> 27)) * 0x94D049BB133111EB & 0xFFFFFFFFFFFFFFFF
    return (number ^ (number >> 31)) >> 1


def _four_decimals(units: int, decimals: int) -> str:
    if decimals > 4:
        return fixed(units // 10 ** (decimals - 4), 4)
    return padded(units, decimals, 4)
