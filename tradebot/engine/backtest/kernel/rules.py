"""What the kernel needs to know of strategies, instruments and costs: one RULES record a slot, LIMITS a strategy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tradebot.engine.backtest.kernel.codes import LevelKind, Opposite, OrderKind, SizingKind
from tradebot.engine.backtest.kernel.ledger import RunSettings, StrategyRules, SymbolData
from tradebot.engine.backtest.kernel.records import LIMITS, MOST_LEVELS, MOST_TARGETS, NEVER, RULES, Records
from tradebot.engine.control.errors import InputError
from tradebot.engine.market import DAY_MS, Category, Instrument
from tradebot.engine.strategy import Direction, Use
from tradebot.engine.strategy.levels import level_column

_SIZING_VALUE = {
    SizingKind.EQUITY: "percent",
    SizingKind.NOTIONAL: "amount",
    SizingKind.FIXED: "quantity",
    SizingKind.RISK: "percent",
    SizingKind.VOLATILITY: "target_percent",
    SizingKind.KELLY: "fraction",
}
_LEVEL_VALUE = {LevelKind.PERCENT: "percent", LevelKind.ATR: "multiple", LevelKind.R: "multiple"}
_WHOLE = 1e-9
Tiers = npt.NDArray[np.float64]


def level_keys(strategy: StrategyRules) -> tuple[str, ...]:
    """The level columns that a strategy's rules read, each once; their place is that in the kernel's table."""
    risk = strategy.risk
    spacing = risk.pyramiding.spacing if risk.pyramiding else None
    uses = (
        strategy.orders.offset,
        risk.sizing,
        risk.stop_loss,
        *risk.take_profit,
        risk.trailing_stop,
        spacing,
    )
    columns = (level_column(use) for use in uses if use is not None)
    return tuple(dict.fromkeys(column.key for column in columns if column is not None))


def rules_table(slots: Sequence[SymbolData], strategies: Sequence[StrategyRules]) -> Records:
    """The rules of each slot: those of its strategy, and of its instrument; its tiers are set by `tiers_table`.

    InputError for an instrument without a tick or lot, and for what the kernel has no room for.
    """
    rules: Records = np.zeros(len(slots), dtype=RULES)
    symbols = {symbol: number for number, symbol in enumerate(sorted({slot.symbol for slot in slots}))}
    for record, slot in zip(rules, slots, strict=True):
        strategy = strategies[slot.strategy]
        record["strategy"] = slot.strategy
        record["symbol"] = symbols[slot.symbol]
        record["timeframe_ms"] = strategy.timeframe.ms
        record["walks"] = slot.engine is not None
        record["marked"] = slot.mark is not None
        record["final_bar"] = _final_bar(slot)
        _set_instrument(record, slot.instrument)
        _set_costs(record, strategy)
        _set_decisions(record, strategy)
        _set_levels(record, strategy)
    return rules


def limits_table(strategies: Sequence[StrategyRules]) -> Records:
    """The limits of each strategy."""
    limits: Records = np.zeros(len(strategies), dtype=LIMITS)
    for record, strategy in zip(limits, strategies, strict=True):
        risk = strategy.risk
        record["daily_loss"] = _fraction(risk.max_daily_loss_percent, np.nan)
        record["drawdown"] = _fraction(risk.max_drawdown_percent, np.nan)
    return limits


def tiers_table(slots: Sequence[SymbolData], rules: Records, settings: RunSettings) -> Tiers:
    """Limit, maintenance rate and deduction of all slots' tiers, side by side; each record gets its part's place.

    A slot without tiers has one: the maintenance rate of the settings at any size.
    """
    assumed = np.array([[np.inf], [settings.maintenance_rate_percent / 100.0], [0.0]])
    parts: list[Tiers] = []
    start = 0
    for record, slot in zip(rules, slots, strict=True):
        part = assumed
        if slot.tiers is not None and len(slot.tiers.limit):
            part = np.array(
                [slot.tiers.limit, slot.tiers.maintenance_rate, slot.tiers.deduction], dtype=np.float64
            )
        record["tier_start"], record["tier_stop"] = start, start + part.shape[1]
        start += part.shape[1]
        parts.append(part)
    return np.concatenate(parts, axis=1) if parts else assumed


def _fraction(percent: float | None, otherwise: float) -> float:
    return otherwise if percent is None else percent / 100.0


def _final_bar(slot: SymbolData) -> int:
    """The last bar where the symbol's trading ends with it, else NEVER."""
    bars = slot.candles if slot.engine is None else slot.engine
    if slot.delivery_ms is None or len(bars.time) == 0:
        return NEVER
    last = int(bars.time[-1])
    length = slot.candles.timeframe.ms if slot.engine is None else int(slot.engine.length_ms[-1])
    return len(bars.time) - 1 if last + length >= slot.delivery_ms else NEVER


def _set_instrument(record: np.void, instrument: Instrument) -> None:
    if not (instrument.tick_size > 0 and instrument.lot_size > 0):
        raise InputError(
            f"{instrument.symbol}: the stored rules have tick {instrument.tick_size} and lot {instrument.lot_size}, "
            "expected both above 0; collect the instruments again."
        )
    most = instrument.max_market_quantity
    record["tick"] = float(instrument.tick_size)
    record["lot"] = float(instrument.lot_size)
    record["min_quantity"] = float(instrument.min_quantity)
    record["min_notional"] = float(instrument.min_notional)
    record["max_quantity"] = np.inf if most is None else float(most)
    record["linear"] = instrument.category is not Category.SPOT


def _set_costs(record: np.void, strategy: StrategyRules) -> None:
    costs = strategy.costs
    record["taker_percent"] = costs.taker_fee_percent
    record["maker_percent"] = costs.maker_fee_percent
    record["slip"] = (costs.slippage_percent + costs.half_spread_percent) / 100.0
    record["impact"] = costs.impact
    record["volume_share"] = costs.max_volume_share_percent / 100.0


def _set_decisions(record: np.void, strategy: StrategyRules) -> None:
    risk, orders = strategy.risk, strategy.orders
    record["leverage"] = risk.leverage
    record["long_allowed"] = risk.direction is not Direction.SHORT
    record["short_allowed"] = risk.direction is not Direction.LONG
    record["opposite"] = Opposite[risk.opposite.name]
    record["max_bars"] = risk.max_bars
    record["cooldown_bars"] = risk.cooldown_bars
    record["entry_kind"] = OrderKind[orders.entry.name]
    record["valid_bars"] = orders.valid_bars
    record["offset_kind"], record["offset_value"], record["offset_level"] = _level(strategy, orders.offset)
    kind = SizingKind[risk.sizing.use.upper()]
    record["sizing"] = kind
    record["sizing_value"] = risk.sizing.number(_SIZING_VALUE[kind])
    record["bars_a_year"] = 365.0 * DAY_MS / strategy.timeframe.ms
    if kind is SizingKind.VOLATILITY:
        record["sizing_level"] = _row(strategy, risk.sizing)
    if kind is SizingKind.KELLY:
        record["kelly_trades"] = risk.sizing.number("min_trades")
        record["kelly_start"] = risk.sizing.number("start_percent")
    record["max_positions"] = risk.max_positions
    record["max_exposure"] = _fraction(risk.max_exposure_percent, np.inf)
    record["max_symbol_exposure"] = _fraction(risk.max_symbol_exposure_percent, np.inf)
    if risk.loss_streak is not None:
        record["streak"] = risk.loss_streak.losses
        record["pause_ms"] = risk.loss_streak.pause_bars * strategy.timeframe.ms
    if risk.pyramiding is not None:
        record["max_adds"] = risk.pyramiding.max_adds
        spacing = _level(strategy, risk.pyramiding.spacing)
        record["spacing_kind"], record["spacing_setting"], record["spacing_level"] = spacing


def _set_levels(record: np.void, strategy: StrategyRules) -> None:
    risk = strategy.risk
    trailing = risk.trailing_stop
    if len(risk.take_profit) > MOST_TARGETS:
        raise InputError(
            f"risk.take_profit: expected at most {MOST_TARGETS} targets, found {len(risk.take_profit)}."
        )
    record["stop_kind"], record["stop_setting"], record["stop_level"] = _level(strategy, risk.stop_loss)
    record["stop_follow"] = _follows(risk.stop_loss)
    record["targets"] = len(risk.take_profit)
    shares = target_shares(risk.take_profit)
    record["whole"] = bool(shares) and sum(shares) > 100.0 - _WHOLE
    for place, (target, share) in enumerate(zip(risk.take_profit, shares, strict=True)):
        kind, setting, row = _level(strategy, target)
        record["target_kind"][place], record["target_setting"][place] = kind, setting
        record["target_level"][place], record["target_follow"][place] = row, _follows(target)
        record["target_share"][place] = share
    record["trail_kind"], record["trail_setting"], record["trail_level"] = _level(strategy, trailing)
    record["trail_start_percent"] = (
        0.0 if trailing is None else trailing.parameters.get("start_percent") or 0.0
    )
    start_r = None if trailing is None else trailing.parameters.get("start_r")
    record["trail_start_r"] = np.nan if start_r is None else start_r
    even = risk.break_even
    record["break_even_r"] = np.nan if even is None else even.at_r
    record["break_even_percent"] = 0.0 if even is None else even.offset_percent
    record["ratchets"] = trailing is not None or even is not None
    uses = [use for use in (risk.stop_loss, *risk.take_profit) if use is not None]
    record["series"] = any(use.use == "series" for use in uses)
    by_risk = [*uses, trailing] if trailing else uses
    if risk.stop_loss is None and (
        any(use.use == "r" for use in by_risk)
        or even is not None
        or start_r is not None
        or risk.sizing.use == "risk"
    ):
        raise InputError(
            "risk.stop_loss: a level or size in multiples of the risk needs a stop_loss, there is none; add one."
        )


def target_shares(targets: Sequence[Use]) -> tuple[float, ...]:
    """Percent of the original quantity that leaves at each target; what is left is shared by those without a share.

    >>> target_shares([Use("r", {"multiple": 1.0, "share_percent": 50.0}), Use("r", {"multiple": 2.0})])
    (50.0, 50.0)
    """
    given = [target.parameters.get("share_percent") for target in targets]
    left = 100.0 - sum(float(share) for share in given if share is not None)
    without = sum(share is None for share in given)
    return tuple(left / without if share is None else float(share) for share in given)


def _follows(use: Use | None) -> bool:
    return use is not None and bool(use.parameters.get("follow", False))


def _level(strategy: StrategyRules, use: Use | None) -> tuple[int, float, int]:
    """Kind, percent or multiple, and row of the level columns of one distance."""
    if use is None:
        return LevelKind.NONE, 0.0, 0
    kind = LevelKind[use.use.upper()]
    value = use.number(_LEVEL_VALUE[kind]) if kind in _LEVEL_VALUE else 0.0
    return kind, value, _row(strategy, use)


def _row(strategy: StrategyRules, use: Use) -> int:
    column = level_column(use)
    if column is None:
        return 0
    row = level_keys(strategy).index(column.key)
    if row >= MOST_LEVELS:
        raise InputError(
            f"risk: orders, levels and sizes read more than {MOST_LEVELS} different columns; use fewer lengths."
        )
    return row
