"""Lint of stop, target, size and leverage against one symbol's bars, its trading rules and its risk limits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tradebot.engine.backtest.kernel.ledger import Costs, RunSettings
from tradebot.engine.backtest.lint.sizes import EntryEstimates, entry_estimates
from tradebot.engine.backtest.lint.types import LintFinding, LintSlot
from tradebot.engine.control.progress import counted
from tradebot.engine.market import Float64
from tradebot.engine.market.rounding import decimal_text
from tradebot.engine.strategy import EntryOrder, Severity, StrategySpec, Use

_CUT = 1.02
"""A size that is cut by less than 2 % is not worth a word: a share of 100 % leaves nothing for the fees."""
_MOST = 0.99
"""What happens at so large a share of the decisions happens always."""
_COST_SHARE = 0.2
"""A target of which the costs take this share or more is named."""


@dataclass(frozen=True, slots=True)
class LevelFinding:
    """A finding about one symbol; `share` is the share of its entry decisions that it is true of."""

    finding: LintFinding
    share: float


def level_findings(spec: StrategySpec, slot: LintSlot, settings: RunSettings) -> Iterator[LevelFinding]:
    """What the levels and sizes of one symbol's entry decisions say; nothing where there is none."""
    estimates = entry_estimates(spec, slot, settings)
    if estimates is None:
        return
    yield from _missing_levels(spec, slot, estimates)
    yield from _liquidation(spec, slot, estimates)
    yield from _leverage(spec, slot, estimates)
    yield from _minimum(slot, estimates, settings)
    yield from _reduced(spec, slot, estimates, settings)
    yield from _costs(spec, estimates, settings.costs)


def _of(share: float, slot: LintSlot, estimates: EntryEstimates) -> str:
    """`on 12 of 340 entry decisions of BTCUSDT`."""
    count = round(share * estimates.decisions)
    total = counted(estimates.decisions, "entry decision")
    if count == estimates.decisions:
        return f"at {'the one' if count == 1 else f'each of {total}'} of {slot.symbol}"
    return f"at {count:,} of {total} of {slot.symbol}"


def _share(where: npt.NDArray[np.bool_]) -> float:
    return float(np.count_nonzero(where)) / len(where)


def _percent(fraction: float) -> str:
    """`4.5 %`, `0.12 %`: two digits that count."""
    return f"{100.0 * fraction:.3g} %"


def _median(values: Float64) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else float("nan")


def _missing_levels(spec: StrategySpec, slot: LintSlot, estimates: EntryEstimates) -> Iterator[LevelFinding]:
    """Entries whose stop or size has no value are refused."""
    for path, wanted, values in (
        ("risk.stop_loss", spec.risk.stop_loss is not None, estimates.stop),
        ("risk.sizing", spec.risk.sizing.use == "volatility", estimates.wanted),
    ):
        share = _share(np.isnan(values))
        if wanted and share > 0.0:
            finding = LintFinding(
                "no_level",
                path,
                f"has no value {_of(share, slot, estimates)} (missing, or on the wrong side of the price): such an "
                "entry is refused",
            )
            yield LevelFinding(finding, share)


def _liquidation(spec: StrategySpec, slot: LintSlot, estimates: EntryEstimates) -> Iterator[LevelFinding]:
    leverage, stop = spec.risk.leverage, spec.risk.stop_loss
    away = _median(estimates.liquidation)
    if not np.isfinite(away):
        return
    if stop is None:
        finding = LintFinding(
            "no_stop_with_leverage",
            "risk.stop_loss",
            f"is missing: at {leverage:g}x a position is liquidated about {_percent(away)} away from its entry, which "
            "costs its whole margin",
            Severity.HINT,
        )
        yield LevelFinding(finding, 1.0)
        return
    beyond = estimates.stop >= estimates.liquidation
    share = _share(beyond)
    if share > 0.0:
        safe = _safe(leverage, estimates)
        finding = LintFinding(
            "stop_beyond_liquidation",
            "risk.stop_loss",
            f"lies beyond the liquidation {_of(share, slot, estimates)}: at {leverage:g}x that is {_percent(away)} "
            f"from the entry, the stop {_distances(stop, estimates.stop)}; use at most {safe:g}x, or a "
            "nearer stop",
            Severity.ERROR if share >= _MOST else Severity.WARNING,
        )
        yield LevelFinding(finding, share)


def _distances(stop: Use, values: Float64) -> str:
    middle, worst = _median(values), float(np.nanmax(values))
    if stop.use == "percent":
        return _percent(middle)
    return f"{_percent(middle)} in the median and {_percent(worst)} at worst"


def _safe(leverage: float, estimates: EntryEstimates) -> float:
    """The whole leverage at which the farthest stop still comes before the liquidation, in the same tier."""
    lacking = (estimates.stop - estimates.liquidation) * (1.0 - estimates.side * estimates.rate)
    return float(np.floor(1.0 / (1.0 / leverage + float(np.nanmax(lacking)))))


def _leverage(spec: StrategySpec, slot: LintSlot, estimates: EntryEstimates) -> Iterator[LevelFinding]:
    leverage = spec.risk.leverage
    rule = float(slot.instrument.max_leverage) if slot.ruled else float("inf")
    if leverage > rule > 1.0:
        yield LevelFinding(
            LintFinding(
                "leverage_above_maximum",
                "risk.leverage",
                f"is {leverage:g}, but the exchange allows {slot.symbol} at most {rule:g}",
                Severity.ERROR,
            ),
            1.0,
        )
        return
    share = _share(estimates.max_leverage < leverage)
    if share > 0.0:
        at = int(np.argmin(estimates.max_leverage))
        value = float(min(estimates.wanted[at], estimates.affordable[at]) * estimates.price[at])
        finding = LintFinding(
            "leverage_above_tier",
            "risk.leverage",
            f"is {leverage:g}, but a position of {value:,.0f} {slot.instrument.quote_coin} in {slot.symbol} may have "
            f"at most {estimates.max_leverage[at]:g}; so large it is {_of(share, slot, estimates)}",
            Severity.ERROR if share >= _MOST else Severity.WARNING,
        )
        yield LevelFinding(finding, share)


def _minimum(slot: LintSlot, estimates: EntryEstimates, settings: RunSettings) -> Iterator[LevelFinding]:
    rules = slot.instrument
    quantity, notional = float(rules.min_quantity), float(rules.min_notional)
    size = np.minimum(estimates.wanted, estimates.affordable)
    needed = np.maximum(np.maximum(quantity, float(rules.lot_size)), notional / estimates.price)
    share = _share(size < needed)
    if share > 0.0:
        sized = size > 0.0
        short_of = float(np.max(needed[sized] / size[sized])) if sized.any() else np.inf
        least = [f"{decimal_text(rules.min_quantity)} {rules.base_coin}"] if quantity else []
        least += [f"{decimal_text(rules.min_notional)} {rules.quote_coin}"] if notional else []
        what = " and ".join(least) or f"one lot of {decimal_text(rules.lot_size)} {rules.base_coin}"
        enough = f"; {short_of:.2g} times the size would do" if np.isfinite(short_of) else ""
        finding = LintFinding(
            "size_below_minimum",
            "risk.sizing",
            f"is below the exchange's minimum of {what} {_of(share, slot, estimates)} with {settings.cash:,.0f} "
            f"{rules.quote_coin} of equity, and such an entry is refused{enough}",
            Severity.ERROR if share >= _MOST else Severity.WARNING,
        )
        yield LevelFinding(finding, share)
    largest = rules.max_market_quantity
    if largest is not None:
        share = _share(size > float(largest))
        if share > 0.0:
            finding = LintFinding(
                "size_above_maximum",
                "risk.sizing",
                f"is above the exchange's largest order of {decimal_text(largest)} {rules.base_coin} "
                f"{_of(share, slot, estimates)}, and such an entry is refused",
                Severity.ERROR if share >= _MOST else Severity.WARNING,
            )
            yield LevelFinding(finding, share)


def _reduced(
    spec: StrategySpec, slot: LintSlot, estimates: EntryEstimates, settings: RunSettings
) -> Iterator[LevelFinding]:
    """Sizes that never fit: cut to the free balance, or to a limit of exposure, at every decision."""
    risk = spec.risk
    asked = _median(estimates.wanted * estimates.price / settings.cash)
    shown = f"asks for {_percent(asked)} of the equity in the median"
    if _share(estimates.wanted > estimates.affordable * _CUT) >= _MOST:
        fits = _median(estimates.affordable * estimates.price / settings.cash)
        finding = LintFinding(
            "always_reduced",
            "risk.sizing",
            f"{shown}, but the margin at {risk.leverage:g}x allows {_percent(fits)}: it is cut "
            f"{_of(1.0, slot, estimates)}",
        )
        yield LevelFinding(finding, 1.0)
    for name in ("max_symbol_exposure_percent", "max_exposure_percent"):
        limit = getattr(risk, name)
        exposure = np.minimum(estimates.wanted, estimates.affordable) * estimates.price / settings.cash
        if limit is not None and _share(exposure > limit / 100.0 * _CUT) >= _MOST:
            finding = LintFinding(
                "always_reduced",
                f"risk.{name}",
                f"is {limit:g}, but risk.sizing {shown}: it is cut {_of(1.0, slot, estimates)}",
            )
            yield LevelFinding(finding, 1.0)


def _costs(spec: StrategySpec, estimates: EntryEstimates, costs: Costs) -> Iterator[LevelFinding]:
    """Fees and slippage of entry and target, as a share of the nearest target."""
    target = _median(estimates.target)
    if not np.isfinite(target) or target <= 0.0:
        return
    market = costs.taker_fee_percent + costs.slippage_percent + costs.half_spread_percent
    entry = costs.maker_fee_percent if spec.orders.entry is EntryOrder.LIMIT else market
    both = (entry + costs.maker_fee_percent) / 100.0
    if both >= _COST_SHARE * target:
        finding = LintFinding(
            "costs_eat_the_target",
            "risk.take_profit",
            f"is {_percent(target)} away in the median, of which entry and exit cost {_percent(both)}: "
            f"{100.0 * both / target:.0f} % of what a target earns"
            + (", so that even it loses" if both >= target else ""),
        )
        yield LevelFinding(finding, 1.0)
