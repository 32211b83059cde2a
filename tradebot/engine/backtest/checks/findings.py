"""What a person must know to read a result: warnings as sentences, flags as words for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tradebot.engine.backtest.checks.no_trades import why_no_trades
from tradebot.engine.backtest.figures.report import liquidated
from tradebot.engine.backtest.inputs.slots import SlotInput
from tradebot.engine.backtest.inputs.universe import Universe
from tradebot.engine.backtest.kernel.ledger import Ledger, RunSettings
from tradebot.engine.control.progress import counted
from tradebot.engine.market import DAY_MS, Category
from tradebot.engine.market.rounding import decimal_text
from tradebot.engine.market.times import iso_date, iso_minute
from tradebot.engine.strategy import Registry, StrategySpec

_NAMED = 5
_Found = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Findings:
    """`flags`: bankrupt, no_trades, universe_in_sample, no_instrument_rules, funding_estimated, margin_tiers_assumed,
    liquidation_estimated, price_jumps, data_changed, coarse_execution, volume_unknown, partial_span, missing_bars,
    ambiguous; each at most once.

    `warnings` are the sentences to them, most important first.
    """

    flags: tuple[str, ...]
    warnings: tuple[str, ...]


def findings_of(
    specs: StrategySpec | Sequence[StrategySpec],
    settings: RunSettings,
    inputs: Sequence[SlotInput],
    ledger: Ledger,
    universes: Sequence[Universe] = (),
    registry: Registry | None = None,
) -> Findings:
    """Everything that makes a result less than what it looks like, most important first.

    `inputs` are in the order of the ledger's slots. With a registry, rules that never fired at once are counted.
    """
    several = [specs] if isinstance(specs, StrategySpec) else list(specs)
    found = [
        *_of_the_account(settings, ledger),
        *_without_trades(several, inputs, ledger, registry),
        *(("universe_in_sample", _in_sample(each)) for each in universes if each.in_sample),
        *_assumptions(several, settings, inputs, ledger),
        *_of_the_trades(ledger),
    ]
    return Findings(tuple(dict.fromkeys(flag for flag, _ in found)), tuple(sentence for _, sentence in found))


def _of_the_account(settings: RunSettings, ledger: Ledger) -> Iterator[_Found]:
    if ledger.bankrupt:
        when = iso_minute(int(ledger.rows[0, -1]))
        sentence = f"The account of {settings.cash:,.2f} was used up at {when} UTC; the run stopped there."
        yield "bankrupt", sentence


def _without_trades(
    specs: Sequence[StrategySpec], inputs: Sequence[SlotInput], ledger: Ledger, registry: Registry | None
) -> Iterator[_Found]:
    rows = np.bincount(ledger.trades["slot"], minlength=len(inputs))
    traded = {one.data.strategy for one, count in zip(inputs, rows, strict=True) if count}
    for number, spec in enumerate(specs):
        if number not in traded:
            slots = [slot for slot, one in enumerate(inputs) if one.data.strategy == number]
            sentence = why_no_trades(spec, [inputs[slot] for slot in slots], ledger, registry, slots)
            yield "no_trades", sentence if len(specs) == 1 else f"{spec.name}: {sentence}"


def _in_sample(universe: Universe) -> str:
    return (
        f"{universe.note} These are days of the run itself, so the choice knew what only came; collect bars of the 30 "
        "days before, or start later."
    )


def _assumptions(
    specs: Sequence[StrategySpec], settings: RunSettings, inputs: Sequence[SlotInput], ledger: Ledger
) -> Iterator[_Found]:
    inputs = _one_of_each(inputs)
    jumped = [one for one in inputs if one.assumed.jumps.count]
    if jumped:
        yield "price_jumps", _jumped(jumped)
    changed = [one for one in inputs if one.assumed.changed]
    if changed:
        yield (
            "data_changed",
            f"The files of {_names(changed)} were written to while they were read; the hashes kept with this result "
            "may be of a later state. Run it again when that has ended.",
        )
    rules = [one for one in inputs if one.assumed.instrument]
    if rules:
        yield "no_instrument_rules", _without_rules(rules)
    funding = [one for one in inputs if one.assumed.funding]
    if funding:
        yield "funding_estimated", _estimated(funding)
    if _margin_matters(specs, ledger):
        yield from _margin(settings, inputs)
    coarse = [one for one in inputs if one.assumed.coarse]
    if coarse:
        yield "coarse_execution", _coarse(coarse)
    silent = [one for one in inputs if one.assumed.volume]
    if silent and (settings.costs.max_volume_share_percent or settings.costs.impact):
        yield (
            "volume_unknown",
            f"No bar of {_names(silent)} has a volume, so no order was cut by it and none moved the price.",
        )
    partly = _partly(inputs)
    if partly:
        yield "partial_span", partly
    holed = [one for one in inputs if one.file.missing_bars]
    if holed:
        yield "missing_bars", _holed(holed)


def _partly(inputs: Sequence[SlotInput]) -> str:
    """Which symbols were listed later than others or end earlier, by more than a day; "" where none."""
    first = min(one.file.first_ms for one in inputs)
    last = max(one.file.last_ms for one in inputs)
    found = [one for one in inputs if one.file.first_ms > first + DAY_MS or one.file.last_ms < last - DAY_MS]
    if not found:
        return ""
    spans = "; ".join(
        f"{one.data.symbol} from {iso_date(one.file.first_ms)} to {iso_date(one.file.last_ms)}"
        for one in found[:_NAMED]
    )
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return (
        f"The run goes from {iso_date(first)} to {iso_date(last)}, but some bars cover only a part of it: "
        f"{spans}{more}. What is not there is not traded; a position at the end of its bars is marked at their last "
        "price."
    )


def _one_of_each(inputs: Sequence[SlotInput]) -> list[SlotInput]:
    """One slot for each symbol and timeframe: what two strategies assume of a market is said once."""
    return list({(one.data.symbol, one.data.candles.timeframe): one for one in inputs}.values())


def _margin_matters(specs: Sequence[StrategySpec], ledger: Ledger) -> bool:
    """Whether a liquidation was within reach: at 1x it is only where it happened."""
    linear = any(spec.category is Category.LINEAR for spec in specs)
    return linear and (
        any(spec.risk.leverage > 1.0 for spec in specs) or bool(liquidated(ledger.trades).any())
    )


def _margin(settings: RunSettings, inputs: Sequence[SlotInput]) -> Iterator[_Found]:
    tiers = [one for one in inputs if one.assumed.tiers]
    if tiers:
        yield (
            "margin_tiers_assumed",
            f"No margin tiers are stored for {_names(tiers)}: a maintenance margin of "
            f"{settings.maintenance_rate_percent:g} % was assumed at any size; `tradebot collect` fetches them.",
        )
    marks = [one for one in inputs if one.assumed.marks]
    if marks:
        bars = sum(one.assumed.marks for one in marks)
        yield (
            "liquidation_estimated",
            f"{counted(bars, 'bar')} of {_names(marks)} have no mark price of their own: liquidations were looked for "
            "at last prices, shifted by the basis known last; `tradebot collect` fetches mark prices.",
        )


def _of_the_trades(ledger: Ledger) -> Iterator[_Found]:
    ambiguous = int(ledger.trades["ambiguous"].sum())
    if ambiguous:
        yield (
            "ambiguous",
            f"{counted(ambiguous, 'trade')} had stop and target in the range of one bar; the stop was taken "
            "to be first.",
        )


def _jumped(inputs: Sequence[SlotInput]) -> str:
    bars = sum(one.assumed.jumps.count for one in inputs)
    first = min(inputs, key=lambda one: one.assumed.jumps.first_ms)
    return (
        f"On {counted(bars, 'bar')} the price of {_names(inputs)} is more than ten times or less than a tenth of the "
        f"one before, first at {iso_minute(first.assumed.jumps.first_ms)} UTC: where that is a wrong price, so is this "
        f"result; look with: tradebot data check {first.file.key.name}"
    )


def _without_rules(inputs: Sequence[SlotInput]) -> str:
    ticks = sorted({decimal_text(one.data.instrument.tick_size) for one in inputs})
    least = next((one.data.instrument for one in inputs if one.data.instrument.min_notional), None)
    minimum = (
        f"orders of {decimal_text(least.min_notional)} {least.quote_coin} or more" if least else "no minimum"
    )
    return (
        f"No trading rules are stored for {_names(inputs)}: tick {', '.join(ticks[:_NAMED])} from the digits of the "
        f"prices, lot 0.00000001 and {minimum} were assumed; `tradebot collect` fetches the rules."
    )


def _estimated(inputs: Sequence[SlotInput]) -> str:
    count = sum(one.assumed.funding for one in inputs)
    total = sum(len(one.data.funding_time) for one in inputs)
    return (
        f"{count} of {total} funding payments of {_names(inputs)} are not recorded and were estimated at 0.01 % every "
        "8 hours; `tradebot collect` fetches them."
    )


def _coarse(inputs: Sequence[SlotInput]) -> str:
    bars = sum(one.assumed.coarse for one in inputs)
    total = sum(len(one.data.candles) for one in inputs)
    return (
        f"{bars:,} of {total:,} bars of {_names(inputs)} are not covered by finer ones and were walked as they are; "
        "trades on them are marked coarse."
    )


def _holed(inputs: Sequence[SlotInput]) -> str:
    missing = sum(one.file.missing_bars for one in inputs)
    gaps = sum(one.file.gaps for one in inputs)
    return (
        f"{counted(missing, 'bar')} missing in {counted(gaps, 'gap')} of {_names(inputs)}; nothing was filled or "
        "decided there."
    )


def _names(inputs: Sequence[SlotInput]) -> str:
    symbols = list(dict.fromkeys(one.data.symbol for one in inputs))
    more = len(symbols) - _NAMED
    return ", ".join(symbols[:_NAMED]) + (f" and {more} more" if more > 0 else "")
