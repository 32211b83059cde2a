"""`data check` of funding payments: whole hours, rates that can be, no payment missing between two."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tradebot.engine.control.errors import InputError
from tradebot.engine.control.progress import counted
from tradebot.engine.market import HOUR_MS, MINUTE_MS, Category, Int64, is_symbol
from tradebot.engine.market.times import iso_minute
from tradebot.engine.store.check_findings import (
    CheckReport,
    Finding,
    Level,
    span_text,
    unreadable,
    worst_first,
)
from tradebot.engine.store.funding import LONGEST_INTERVAL_MS, Funding

if TYPE_CHECKING:
    from tradebot.engine.store.store import Store

# Exchanges cap the rate of a payment well below this; beyond it, percent were taken for fractions.
_HIGHEST_RATE = 0.1
_ENDING = "_funding.csv"


def funding_files(store: Store) -> list[tuple[Category, str, Path]]:
    """Every file of funding payments in the data folder, sorted: category, symbol and path."""
    found = []
    for category in Category:
        for path in sorted((store.folder / category.value).glob(f"*{_ENDING}")):
            symbol = path.name.removesuffix(_ENDING)
            if is_symbol(symbol):
                found.append((category, symbol, path))
    return found


def check_funding(store: Store, category: Category, symbol: str) -> CheckReport:
    """Everything that can be said against a symbol's funding payments; InputError where there is no file of them."""
    path = store.parts.layout.funding(category, symbol)
    name = f"{category.value}/{symbol}_funding"
    if not path.exists():
        raise InputError(
            f"There are no funding payments of {category.value}/{symbol} in {store.folder}; "
            "`tradebot collect` fetches them with the bars of a perpetual."
        )
    try:
        funding = store.funding(category, symbol)
    except InputError as error:
        return unreadable(name, path, error.sentence)
    if not len(funding):
        empty = Finding(Level.WARNING, "empty", "The file holds no payments.")
        return CheckReport(name, path, 0, None, None, (empty,))
    findings = [*_grid(funding.time), *_rates(funding), *_gaps(funding.time)]
    return CheckReport(
        name, path, len(funding), int(funding.time[0]), int(funding.time[-1]), worst_first(findings)
    )


def _grid(time: Int64) -> list[Finding]:
    """Payments fall on whole hours; archives may note them some milliseconds late."""
    off = time[time % HOUR_MS > MINUTE_MS]
    if not len(off):
        return []
    sentence = (
        f"{counted(len(off), 'payment')} not on a full hour, the first at {iso_minute(int(off[0]))}: "
        "is the file's clock another one?"
    )
    return [Finding(Level.WARNING, "grid", sentence, len(off))]


def _rates(funding: Funding) -> list[Finding]:
    wrong = np.abs(funding.rate) > _HIGHEST_RATE
    if not wrong.any():
        return []
    worst = int(np.argmax(np.abs(funding.rate)))
    sentence = (
        f"{counted(int(np.count_nonzero(wrong)), 'rate')} above {_HIGHEST_RATE:.0%} of the position, the highest "
        f"{funding.rate[worst]:g} at {iso_minute(int(funding.time[worst]))}: are these percent?"
    )
    return [Finding(Level.FAILURE, "rate", sentence, int(np.count_nonzero(wrong)))]


def _gaps(time: Int64) -> list[Finding]:
    """No interval between payments is longer than eight hours."""
    places = np.flatnonzero(np.diff(time) > LONGEST_INTERVAL_MS + MINUTE_MS)
    if not len(places):
        return []
    spans = tuple((int(time[place]) + 1, int(time[place + 1])) for place in places)
    sentence = f"Payments are missing {span_text(spans, '', 'gaps')}."
    return [Finding(Level.FAILURE, "gap", sentence, len(spans), spans)]
