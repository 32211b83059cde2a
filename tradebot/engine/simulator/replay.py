"""`--replay DIR`: recorded CSV files served as if they happened now.

The finest recorded timeframe of a symbol is its tape; coarser bars are made of it, finer ones made up inside of it so
that they add up. What was not recorded does not exist: a hole in the files is a hole of the exchange, and after the
end nothing more happens.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from tradebot.engine.control.errors import InputError
from tradebot.engine.market import DAY_MS, MINUTE_MS, Category
from tradebot.engine.simulator.listing import Coin, known_leverages
from tradebot.engine.simulator.markets import Market, market_of
from tradebot.engine.simulator.noise import key_of
from tradebot.engine.simulator.recording import (
    RecordedFile,
    Recording,
    read_bars,
    read_funding,
    recorded_files,
)
from tradebot.engine.simulator.replay_model import RecordedSymbol, ReplayModel

_QUOTES = ("USDT", "USDC", "USD", "EUR", "BTC", "ETH")
# What a contract may be leveraged where its coin is not known: the files do not say.
_LEVERAGE = 25
_USUAL_FUNDING_MINUTES = 480
# So much of the recording is history when a replay begins.
_PAST_SHARE = 0.75


@dataclass(frozen=True, slots=True)
class Replay:
    """A recording as an exchange. Times in UTC ms; `start_ms` is where it usually begins: in its last quarter."""

    folder: Path
    market: Market
    first_ms: int
    start_ms: int
    end_ms: int

    @property
    def symbols(self) -> int:
        """How many symbols of all categories were recorded."""
        return sum(len(model.coins) for model in self.market.models.values())

    @property
    def fingerprint(self) -> int:
        """A number that tells this recording from others and from every seed that a person would choose."""
        parts = (
            (category, symbol, coin.launch_ms, round(coin.price, 8), coin.turnover_day)
            for category, model in self.market.models.items()
            for symbol, coin in model.coins.items()
        )
        return key_of("replay", *parts) % 10**12 + 10**12

    def ended(self, now_ms: int) -> str:
        """One sentence for the log when the recording is over; empty before."""
        if now_ms < self.end_ms:
            return ""
        end = np.datetime64(self.end_ms, "ms").astype("datetime64[m]")
        return f"The recording in {self.folder} ended at {end} UTC; nothing more happens on this exchange."


def read_replay(folder: Path, seed: int = 1) -> Replay:
    """Read a folder of recorded files; `seed` decides what happens inside recorded bars.

    Raises InputError where there is nothing to replay, or a file cannot be read.
    """
    files = list(recorded_files(folder))
    bars = [file for file in files if file.timeframe is not None and not file.mark]
    if not bars:
        raise InputError(
            f"There is nothing to replay in {folder}; expected files like linear/BTCUSDT_1m.csv "
            "or BTCUSDT_1m.csv.gz with the columns timestamp,open,high,low,close,volume,turnover."
        )
    recorded = [
        _recorded(category, symbol, files)
        for category, symbol in sorted(
            {(file.category, file.symbol) for file in bars}, key=lambda pair: (pair[0].value, pair[1])
        )
    ]
    first_ms = min(symbol.coin.launch_ms for symbol in recorded)
    end_ms = max(_end_ms(symbol.tape) for symbol in recorded)
    markets = {
        category: market_of(
            ReplayModel(seed, [each for each in recorded if each.coin.category is category], end_ms)
        )
        for category in Category
    }
    others = {
        category.value: market for category, market in markets.items() if category is not Category.LINEAR
    }
    market = markets[Category.LINEAR]._replace(others=others)
    start_ms = first_ms + int((end_ms - first_ms) * _PAST_SHARE) // MINUTE_MS * MINUTE_MS
    return Replay(folder, market, first_ms, start_ms, end_ms)


def _recorded(category: Category, symbol: str, files: Iterable[RecordedFile]) -> RecordedSymbol:
    own = [file for file in files if (file.category, file.symbol) == (category, symbol)]
    tape = _finest(file for file in own if not file.mark)
    if tape is None:
        raise InputError(f"There are no bars of {symbol} to replay.")
    mark = _finest(file for file in own if file.mark)
    funding: dict[int, float] = {}
    for file in own:
        if file.timeframe is None:
            funding |= read_funding(file.path)
    coin = _coin(category, symbol, tape, sorted(funding))
    if mark is not None:
        coin = replace(coin, mark_places=mark.tick_decimals)
    return RecordedSymbol(coin, tape, mark, funding)


def _finest(files: Iterable[RecordedFile]) -> Recording | None:
    """The file with the shortest bars."""
    bars = [(file.timeframe.ms, file.path, file.timeframe) for file in files if file.timeframe is not None]
    if not bars:
        return None
    _, path, timeframe = min(bars)
    return read_bars(path, timeframe)


def _coin(category: Category, symbol: str, tape: Recording, settlements: list[int]) -> Coin:
    bars = tape.bars
    quote = next((name for name in _QUOTES if symbol.endswith(name) and symbol != name), "")
    base = symbol.removesuffix(quote) if quote else symbol
    close = float(np.median(bars.close)) * 10.0**-tape.tick_decimals
    days = len(bars) * tape.timeframe.ms / DAY_MS
    turnover = float(bars.turnover.sum(dtype=np.float64)) * 10.0**-tape.turnover_decimals
    if category is Category.INVERSE:
        turnover *= close
    apart = min((later - earlier for earlier, later in pairwise(settlements)), default=0)
    return Coin(
        symbol=symbol,
        base_coin=base,
        price=max(close, 10.0**-tape.tick_decimals),
        tick_decimals=tape.tick_decimals,
        lot_decimals=tape.lot_decimals,
        max_leverage=known_leverages().get(base, _LEVERAGE),
        launch_ms=int(bars.time[0]),
        turnover_day=max(turnover / days, 1.0),
        market_factor=1.0,
        market_share=0.5,
        funding_minutes=apart // MINUTE_MS if apart else _USUAL_FUNDING_MINUTES,
        category=category,
        quote_coin=quote or "USDT",
        turnover_places=tape.turnover_decimals,
        known=base in known_leverages(),
    )


def _end_ms(tape: Recording) -> int:
    return int(tape.bars.time[-1]) + tape.timeframe.ms
