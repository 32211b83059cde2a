"""What the simulated exchange lists: the rules of each perpetual and what drives its price."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import NamedTuple

from tradebot.engine.market import MINUTE_MS, Category
from tradebot.engine.simulator.coins import KNOWN_COINS
from tradebot.engine.simulator.noise import key_of

# Share of the market in each return and its factor, where the coin is known for it; others follow from their name.
_MARKET_SHARE = {"BTC": 0.74, "ETH": 0.72, "SOL": 0.64, "BNB": 0.58, "XRP": 0.52, "DOGE": 0.58, "LTC": 0.56}
_MARKET_FACTOR = {"BTC": 1.0, "ETH": 1.25, "SOL": 1.5, "BNB": 1.05, "XRP": 1.35, "DOGE": 1.6, "LTC": 1.2}
_ONSETS = "B BL BR C CH CL CR D DR F FL G GL GR H J K KR L M N P PL PR Q R S SH SK SP ST T TR V W X Y Z"
_VOWELS = "A E I O U AI EO IA IO OA"
_CODAS = "- - - N R X S L M T RA NA FI DA"  # a dash: none


def _day_ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1000


_OLD_LAUNCHES = (_day_ms("2021-01-04"), _day_ms("2025-06-30"))
_NEW_LAUNCHES = (_day_ms("2025-07-01"), _day_ms("2026-10-31"))


@dataclass(frozen=True, slots=True)
class Coin:
    """One symbol of a category. Prices are whole ticks of 10**-tick_decimals of the quote coin, quantities lots of
    10**-lot_decimals: of the base coin, in an inverse contract US dollars.

    `price` is the long-run level, `market_factor` the part it takes in the market's moves,
    `market_share` the share of its variance that is the market's, `turnover_day` the dollars of a usual day.
    `turnover_places` are the decimals of its turnover, in the quote coin, in an inverse contract in the base coin;
    None: those of ticks times lots. `known` is a coin of the real world. `mark_places` are the decimals
    of its mark price where they are not those of its ticks.
    `delisted_ms` is the end of trading, a whole minute; None while nobody thinks of it.
    """

    symbol: str
    base_coin: str
    price: float
    tick_decimals: int
    lot_decimals: int
    max_leverage: int
    launch_ms: int
    turnover_day: float
    market_factor: float
    market_share: float
    funding_minutes: int
    delisted_ms: int | None = None
    category: Category = Category.LINEAR
    quote_coin: str = "USDT"
    turnover_places: int | None = None
    known: bool = False
    mark_places: int | None = None

    def trades_at(self, now_ms: int) -> bool:
        """Whether it is listed at that moment, and not delisted yet."""
        return self.launch_ms <= now_ms and (self.delisted_ms is None or now_ms < self.delisted_ms)

    @property
    def turnover_decimals(self) -> int:
        """Decimals that turnovers are counted with."""
        if self.turnover_places is not None:
            return self.turnover_places
        return self.tick_decimals + self.lot_decimals

    @property
    def mark_decimals(self) -> int:
        """Decimals that bars of the mark price are counted with."""
        return self.tick_decimals if self.mark_places is None else self.mark_places

    @property
    def settle_coin(self) -> str:
        """The coin that profit is paid in."""
        return self.base_coin if self.category is Category.INVERSE else self.quote_coin

    @property
    def launch_minute(self) -> int:
        """Minutes since 1970 of the first candle."""
        return self.launch_ms // MINUTE_MS

    @property
    def price_scale(self) -> int:
        """Decimals that the exchange writes prices with in tickers (Bitcoin has one more than its tick)."""
        return max(2, self.tick_decimals) if self.base_coin == "BTC" else self.tick_decimals


def coins(number: int) -> tuple[Coin, ...]:
    """The first `number` perpetuals: the well-known ones, then made-up ones with plausible names.

    The list depends on nothing but `number`, and a longer list begins with the shorter one.
    """
    known = [_known_coin(line) for line in KNOWN_COINS.strip().splitlines()]
    if number <= len(known):
        return tuple(known[:number])
    taken = {coin.base_coin for coin in known}
    return (*known, *_invented(number - len(known), taken))


def known_leverages() -> dict[str, int]:
    """The maximum leverage of the well-known coins."""
    lines = [line.split() for line in KNOWN_COINS.strip().splitlines()]
    return {words[0]: int(words[4]) for words in lines}


class _Draw:
    """Numbers that follow from a coin's name alone."""

    def __init__(self, name: str) -> None:
        self._name = name

    def share(self, what: str) -> float:
        return key_of("listing", self._name, what) / 2**64

    def between(self, what: str, low: float, high: float) -> float:
        return low + (high - low) * self.share(what)

    def one_of(self, what: str, choices: str) -> str:
        words = choices.split()
        return words[int(self.share(what) * len(words))].replace("-", "")


class _Rules(NamedTuple):
    price: float
    tick_decimals: int
    lot_decimals: int
    max_leverage: int
    turnover_day: float


def _known_coin(line: str) -> Coin:
    name, price, tick, lot, leverage, launch, turnover = line.split()
    rules = _Rules(float(price), int(tick), int(lot), int(leverage), float(turnover) * 1e6)
    hour = int(_Draw(name).between("hour", 0, 24 * 12)) * 5 * MINUTE_MS if name != "BTC" else 0
    return _coin(name, rules, _day_ms(launch) + hour, known=True)


def _coin(name: str, rules: _Rules, launch_ms: int, known: bool = False) -> Coin:
    draw = _Draw(name)
    eight_hours = rules.turnover_day > 2e8 or draw.share("funding") < 0.3
    return Coin(
        symbol=f"{name}USDT",
        base_coin=name,
        price=rules.price,
        tick_decimals=rules.tick_decimals,
        lot_decimals=rules.lot_decimals,
        max_leverage=rules.max_leverage,
        launch_ms=launch_ms,
        turnover_day=rules.turnover_day,
        market_factor=_MARKET_FACTOR.get(name, draw.between("factor", 1.15, 1.85)),
        market_share=_MARKET_SHARE.get(name, draw.between("share", 0.42, 0.6)),
        funding_minutes=480 if eight_hours else 240,
        known=known,
    )


def _invented(number: int, taken: set[str]) -> list[Coin]:
    result: list[Coin] = []
    attempts = count()
    while len(result) < number:
        name = _name(next(attempts))
        if name in taken:
            continue
        taken.add(name)
        # Every fiftieth is young, so that history of different lengths meets the client.
        launches = _NEW_LAUNCHES if len(result) % 50 == 49 else _OLD_LAUNCHES
        result.append(_invented_coin(name, launches))
    return result


def _name(attempt: int) -> str:
    draw = _Draw(f"invented {attempt}")
    syllables = 1 + int(draw.share("syllables") * 2)
    text = "".join(
        draw.one_of(f"onset {n}", _ONSETS) + draw.one_of(f"vowel {n}", _VOWELS) for n in range(syllables)
    )
    text = (text + draw.one_of("coda", _CODAS))[:7]
    if len(text) < 3:
        text += "X"
    return f"1000{text}" if draw.share("thousand") < 0.05 else text


def _invented_coin(name: str, launches: tuple[int, int]) -> Coin:
    draw = _Draw(name)
    price = math.exp(draw.between("price", math.log(0.004), math.log(6.0)))
    turnover = math.exp(draw.between("turnover", math.log(4e5), math.log(4e7)))
    tick_decimals = max(2, 4 - math.floor(math.log10(price)))
    lot_decimals = min(2, math.floor(math.log10(price)) + 1)
    leverage = (12, 25, 50)[int(draw.share("leverage") * 3)]
    rules = _Rules(price, tick_decimals, lot_decimals, leverage, turnover)
    launch = int(draw.between("launch", *launches)) // (5 * MINUTE_MS) * (5 * MINUTE_MS)
    return _coin(name, rules, launch)
