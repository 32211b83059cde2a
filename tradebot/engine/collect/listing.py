"""Which instruments a request means: those that trade now, and those whose trading has ended but whose bars stay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tradebot.engine.collect.ports import StorePort
from tradebot.engine.collect.request import CollectRequest, choose_symbols, wants
from tradebot.engine.collect.writer import StoreThread
from tradebot.engine.control.progress import counted
from tradebot.engine.exchange import Exchange
from tradebot.engine.market import MINUTE_MS, Category, DatasetKey, Instrument
from tradebot.engine.market.times import iso_minute

TRADING = "Trading"
_CLOSED = "Closed"
# The exchange tells of these only where it is asked for them; of spot it knows no ended ones.
_ENDED = ("Delivering", _CLOSED)
_SHOWN = 3
# The measured clock of the exchange may be wrong by some seconds, and its last bar may be late.
_SURELY_CLOSED_MS = 5 * MINUTE_MS


@dataclass(frozen=True, slots=True)
class Listing:
    """The symbols of a request in its order, and the instruments they are."""

    symbols: tuple[str, ...]
    instruments: Mapping[str, Instrument]

    def is_over(self, key: DatasetKey, now_ms: int) -> bool:
        """Whether the last bar that a dataset can ever get has closed some time ago, so that history surely gets it."""
        instrument = self.instruments.get(key.symbol)
        if instrument is None or instrument.status == TRADING or not instrument.delivery_ms:
            return False
        return key.timeframe.ceil(instrument.delivery_ms) + _SURELY_CLOSED_MS <= now_ms


async def look_up(
    exchange: Exchange, store: StorePort, request: CollectRequest, thread: StoreThread
) -> Listing:
    """Today's trading rules, saved in the store, and what the request means by them.

    Beside what trades now it means symbols that the exchange lists as closed where they are named, or where datasets
    of them are stored and match. Raises what `choose_symbols` and the exchange raise.
    """
    trading = await refresh_instruments(exchange, store, request.category, thread)
    ended = await _ended(exchange, store, request, thread, trading)
    instruments = {**trading, **ended}
    return Listing(await choose_symbols(exchange, request, instruments), instruments)


async def refresh_instruments(
    exchange: Exchange, store: StorePort, category: Category, thread: StoreThread
) -> dict[str, Instrument]:
    """Today's trading rules by symbol, saved in the store.

    A launch time that the exchange does not tell (spot) is kept as it was found before.
    """
    seen_ms = await exchange.server_time_ms()
    instruments = await exchange.instruments(category)
    known = await thread.call(store.instruments)
    merged = []
    for instrument in instruments:
        before = known.get((category, instrument.symbol))
        if before is not None and instrument.launch_ms == 0 and before.launch_ms:
            merged.append(replace(instrument, launch_ms=before.launch_ms))
        else:
            merged.append(instrument)
    await thread.call(lambda: store.save_instruments(merged, seen_ms))
    return {instrument.symbol: instrument for instrument in merged}


async def _ended(
    exchange: Exchange,
    store: StorePort,
    request: CollectRequest,
    thread: StoreThread,
    trading: Mapping[str, Instrument],
) -> dict[str, Instrument]:
    """Wanted instruments that do not trade any more; without a delivery time where the exchange tells none."""
    category = request.category
    stored = {key.symbol for key in await thread.call(store.keys) if key.category == category.value}
    names = {name.strip() for name in request.symbols}
    names |= {name.upper() for name in names}
    wanted = {symbol for symbol in stored if wants(request.symbols, symbol)} | {
        name for name in names if name.lower() != "all" and "*" not in name and "?" not in name
    }
    wanted -= trading.keys()
    if not wanted:
        return {}
    known = {
        name: each for (of, name), each in (await thread.call(store.instruments)).items() if of is category
    }
    found = {
        name: known[name]
        for name in wanted
        if name in known and known[name].status == _CLOSED and known[name].delivery_ms
    }
    if category is not Category.SPOT and wanted - found.keys():
        fresh = [
            each
            for status in _ENDED
            for each in await exchange.instruments(category, status)
            if each.symbol in wanted and each.symbol not in found
        ]
        if fresh:
            seen_ms = exchange.now_ms()
            await thread.call(lambda: store.save_instruments(fresh, seen_ms))
            found.update((each.symbol, each) for each in fresh)
    for name in (wanted & known.keys()) - found.keys():
        found[name] = replace(known[name], status=_CLOSED, delivery_ms=0)
    return found


def ended_sentences(instruments: Sequence[Instrument]) -> tuple[str, ...]:
    """What is to be said about those of these instruments that do not trade any more."""
    ended = [each for each in instruments if each.status != TRADING]
    if not ended:
        return ()
    shown = ", ".join(
        f"{each.symbol} was delisted at {iso_minute(each.delivery_ms)} UTC"
        if each.delivery_ms
        else f"{each.symbol} is not listed any more"
        for each in ended[:_SHOWN]
    )
    more = f" and {counted(len(ended) - _SHOWN, 'more symbol')} before now" if len(ended) > _SHOWN else ""
    return (f"{shown}{more}; {'its' if len(ended) == 1 else 'their'} datasets end there.",)
