"""What a person must know to read a result: warnings as sentences, flags as words for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tradebot.engine.backtest.codes import REFUSALS
from tradebot.engine.backtest.inputs import SlotInput
from tradebot.engine.backtest.ledger import Ledger, RunSettings
from tradebot.engine.control.progress import counted
from tradebot.engine.market.rounding import decimal_text
from tradebot.engine.market.times import iso_minute
from tradebot.engine.strategy import Direction, StrategySpec

_NAMED = 5


@dataclass(frozen=True, slots=True)
class Findings:
    """`flags`: bankrupt, no_trades, no_instrument_rules, funding_estimated, missing_bars, ambiguous."""

    flags: tuple[str, ...]
    warnings: tuple[str, ...]


def findings_of(
    spec: StrategySpec, settings: RunSettings, inputs: Sequence[SlotInput], ledger: Ledger
) -> Findings:
    """Everything that makes a result less than what it looks like, most important first."""
    found: list[tuple[str, str]] = []
    if ledger.bankrupt:
        found.append(("bankrupt", _bankrupt(settings, ledger)))
    if len(ledger.trades) == 0:
        found.append(("no_trades", why_no_trades(spec, inputs, ledger)))
    assumed = [one for one in inputs if not one.known_instrument]
    if assumed:
        found.append(("no_instrument_rules", _assumed(assumed)))
    estimated = [one for one in inputs if one.estimated_funding]
    if estimated:
        found.append(("funding_estimated", _estimated(estimated)))
    holed = [one for one in inputs if one.file.missing_bars]
    if holed:
        found.append(("missing_bars", _holed(holed)))
    ambiguous = int(ledger.trades["ambiguous"].sum())
    if ambiguous:
        found.append(
            (
                "ambiguous",
                f"{counted(ambiguous, 'trade')} had stop and target in the range of one bar; the stop was taken "
                "to be first.",
            )
        )
    return Findings(tuple(flag for flag, _ in found), tuple(sentence for _, sentence in found))


def why_no_trades(spec: StrategySpec, inputs: Sequence[SlotInput], ledger: Ledger) -> str:
    """One sentence that names what kept the strategy from trading."""
    refused = {kind.name.lower(): ledger.count(kind) for kind in REFUSALS if ledger.count(kind)}
    if refused:
        reasons = ", ".join(f"{reason} {count}" for reason, count in refused.items())
        return f"No trade: all entry decisions were refused ({reasons})."
    bars = sum(one.history_bars for one in inputs)
    if all(one.data.decisions.warm_up >= one.history_bars for one in inputs):
        return f"No trade: the indicators need more bars before they have values than the {bars} there are."
    silent = _never_fired(spec, inputs)
    if silent:
        rules = ", ".join(f'"{name}"' for name in silent)
        side = {Direction.LONG: "long", Direction.SHORT: "short", Direction.BOTH: "a side"}[
            spec.risk.direction
        ]
        return f"No trade: on {bars} bars these rules never supported {side}: {rules}."
    if all(not np.any(one.data.decisions.side) for one in inputs):
        return f"No trade: every rule fired at some time on {bars} bars, but never enough of them at once for [entry]."
    return "No trade: the only entry decisions came where nothing could follow them."


def _never_fired(spec: StrategySpec, inputs: Sequence[SlotInput]) -> list[str]:
    """Rules without a bar that supports a side which the strategy may open, over all symbols."""
    longs: dict[str, int] = {}
    shorts: dict[str, int] = {}
    for one in inputs:
        for name, (supports_long, supports_short) in one.data.decisions.fired.items():
            longs[name] = longs.get(name, 0) + supports_long
            shorts[name] = shorts.get(name, 0) + supports_short
    direction = spec.risk.direction
    return [
        name
        for name in longs
        if (direction is Direction.SHORT or not longs[name])
        and (direction is Direction.LONG or not shorts[name])
    ]


def _bankrupt(settings: RunSettings, ledger: Ledger) -> str:
    when = iso_minute(int(ledger.rows[0, -1]))
    return f"The account of {settings.cash:,.2f} was used up at {when} UTC; the run stopped there."


def _assumed(inputs: Sequence[SlotInput]) -> str:
    ticks = sorted({decimal_text(one.data.instrument.tick_size) for one in inputs})
    return (
        f"No trading rules are stored for {_names(inputs)}: tick {', '.join(ticks[:_NAMED])} from the digits of the "
        "prices, lot 0.00000001 and no minimum order were assumed."
    )


def _estimated(inputs: Sequence[SlotInput]) -> str:
    count = sum(one.estimated_funding for one in inputs)
    total = sum(len(one.data.funding_time) for one in inputs)
    return (
        f"{count} of {total} funding payments of {_names(inputs)} are not recorded and were estimated at 0.01 % every "
        "8 hours; `tradebot collect` fetches them."
    )


def _holed(inputs: Sequence[SlotInput]) -> str:
    missing = sum(one.file.missing_bars for one in inputs)
    gaps = sum(one.file.gaps for one in inputs)
    return (
        f"{counted(missing, 'bar')} missing in {counted(gaps, 'gap')} of {_names(inputs)}; nothing was filled or "
        "decided there."
    )


def _names(inputs: Sequence[SlotInput]) -> str:
    symbols = [one.data.symbol for one in inputs]
    more = len(symbols) - _NAMED
    return ", ".join(symbols[:_NAMED]) + (f" and {more} more" if more > 0 else "")
