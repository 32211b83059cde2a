"""What the kernel needs to know of strategies, instruments and costs: one RULES record a slot."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tradebot.engine.backtest.codes import Opposite, SizingKind
from tradebot.engine.backtest.ledger import StrategyRules, SymbolData
from tradebot.engine.backtest.state import RULES, Records
from tradebot.engine.control.errors import InputError
from tradebot.engine.market import Instrument, Timeframe
from tradebot.engine.strategy import Direction, EntryOrder, Use

_SIZING_VALUE = {SizingKind.EQUITY: "percent", SizingKind.NOTIONAL: "amount", SizingKind.FIXED: "quantity"}


def rules_table(slots: Sequence[SymbolData], strategies: Sequence[StrategyRules]) -> Records:
    """The rules of each slot: those of its strategy, and of its instrument.

    InputError for an instrument without a tick or lot, and for what is not simulated.
    """
    rules: Records = np.zeros(len(slots), dtype=RULES)
    for record, slot in zip(rules, slots, strict=True):
        strategy = strategies[slot.strategy]
        _refuse_what_is_not_simulated(strategy, slot)
        _set_strategy(record, strategy)
        _set_instrument(record, slot.instrument, slot.candles.timeframe)
    return rules


def _set_strategy(record: np.void, strategy: StrategyRules) -> None:
    risk, costs = strategy.risk, strategy.costs
    kind = SizingKind[risk.sizing.use.upper()]
    record["taker_percent"] = costs.taker_fee_percent
    record["maker_percent"] = costs.maker_fee_percent
    record["slip"] = (costs.slippage_percent + costs.half_spread_percent) / 100.0
    record["long_allowed"] = risk.direction is not Direction.SHORT
    record["short_allowed"] = risk.direction is not Direction.LONG
    record["opposite"] = Opposite[risk.opposite.name]
    record["sizing"] = kind
    record["sizing_value"] = risk.sizing.number(_SIZING_VALUE[kind])
    record["stop_percent"] = risk.stop_loss.number("percent") if risk.stop_loss else np.nan
    record["target_percent"] = risk.take_profit[0].number("percent") if risk.take_profit else np.nan
    record["max_bars"] = risk.max_bars
    record["cooldown_bars"] = risk.cooldown_bars


def _set_instrument(record: np.void, instrument: Instrument, timeframe: Timeframe) -> None:
    if not (instrument.tick_size > 0 and instrument.lot_size > 0):
        raise InputError(
            f"{instrument.symbol}: the stored rules have tick {instrument.tick_size} and lot {instrument.lot_size}, "
            "expected both above 0; collect the instruments again."
        )
    most = instrument.max_market_quantity
    record["timeframe_ms"] = timeframe.ms
    record["tick"] = float(instrument.tick_size)
    record["lot"] = float(instrument.lot_size)
    record["min_quantity"] = float(instrument.min_quantity)
    record["min_notional"] = float(instrument.min_notional)
    record["max_quantity"] = np.inf if most is None else float(most)


def _refuse_what_is_not_simulated(strategy: StrategyRules, slot: SymbolData) -> None:
    """A rule that would be passed over in silence gives a result of another strategy."""
    risk, costs = strategy.risk, strategy.costs

    def percent_only(uses: Sequence[Use]) -> bool:
        return all(
            use.use == "percent" and use.parameters.get("share_percent") in (None, 100.0) for use in uses
        )

    unknown = {
        "risk.sizing": risk.sizing.use.upper() not in SizingKind.__members__,
        "risk.leverage": risk.leverage != 1.0,
        "risk.stop_loss": risk.stop_loss is not None and not percent_only([risk.stop_loss]),
        "risk.take_profit": len(risk.take_profit) > 1 or not percent_only(risk.take_profit),
        "risk.trailing_stop": risk.trailing_stop is not None,
        "risk.break_even": risk.break_even is not None,
        "risk.max_positions": risk.max_positions != 0,
        "risk.max_exposure_percent": risk.max_exposure_percent is not None,
        "risk.max_symbol_exposure_percent": risk.max_symbol_exposure_percent is not None,
        "risk.max_daily_loss_percent": risk.max_daily_loss_percent is not None,
        "risk.max_drawdown_percent": risk.max_drawdown_percent is not None,
        "risk.loss_streak": risk.loss_streak is not None,
        "risk.pyramiding": risk.pyramiding is not None,
        "orders.entry": strategy.orders.entry is not EntryOrder.MARKET,
        "costs.max_volume_share_percent": costs.max_volume_share_percent != 0.0,
        "costs.impact": costs.impact != 0.0,
        "strategy.execution": slot.engine is not None,
    }
    for path, present in unknown.items():
        if present:
            raise InputError(
                f"{path}: this setting is not simulated yet, and a run that passes it over would be another "
                "strategy's; take it out to test the rest."
            )
