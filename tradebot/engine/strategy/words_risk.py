"""How a position is sized, opened, protected and limited, as clauses of a sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tradebot.engine.strategy.spec import EntryOrder, OrdersSpec, RiskSpec, StrategySpec, Use
from tradebot.engine.strategy.values import plain

SeriesText = Callable[[str], str]
_EVERYTHING = 100.0
_TOLERANCE = 1e-6


def listed(clauses: list[str], word: str = "and") -> str:
    """`a, b and c`."""
    return clauses[0] if len(clauses) == 1 else f"{', '.join(clauses[:-1])} {word} {clauses[-1]}"


def bars(count: int) -> str:
    """`1 bar`, `48 bars`."""
    return f"{count} bar" if count == 1 else f"{count} bars"


# Where a position ends ---------------------------------------------------------------------------------


def ends(risk: RiskSpec, series: SeriesText) -> list[str]:
    """The ends that any position may find: "at a loss of 2 %", "at a gain of 2R", "after 48 bars"."""
    clauses = [_stop(risk.stop_loss, series)] if risk.stop_loss is not None else []
    clauses += _targets(risk.take_profit, series)
    if risk.trailing_stop is not None:
        clauses.append(_trailing(risk.trailing_stop))
    return clauses + ([f"after {bars(risk.max_bars)}"] if risk.max_bars else [])


def _stop(use: Use, series: SeriesText) -> str:
    if use.use == "series":
        stands = "that follows" if use.parameters["follow"] else "on"
        return f"at a stop {stands} {series(str(use.parameters['series']))}"
    return f"at a loss of {distance(use)}"


def _targets(targets: tuple[Use, ...], series: SeriesText) -> list[str]:
    """Each target; where there are several, or one for a part, with the share that leaves there."""
    shares = [target.number("share_percent") for target in targets]
    if shares == [_EVERYTHING]:
        return [f"at {_gain(targets[0], series)}"]
    parts = [
        "half of it" if share == _EVERYTHING / 2 else f"{plain(round(share, 2))} % of it" for share in shares
    ]
    if abs(sum(shares) - _EVERYTHING) < _TOLERANCE and parts:
        parts[-1] = "the rest"
    return [f"{part} at {_gain(target, series)}" for part, target in zip(parts, targets, strict=True)]


def _gain(use: Use, series: SeriesText) -> str:
    if use.use == "series":
        target = series(str(use.parameters["series"]))
        return f"a target that follows {target}" if use.parameters["follow"] else target
    return f"a gain of {distance(use)}"


def _trailing(use: Use) -> str:
    starts = []
    if use.number("start_percent") > 0.0:
        starts.append(f"{plain(use.number('start_percent'))} %")
    if "start_r" in use.parameters:
        starts.append(f"{plain(use.number('start_r'))}R")
    once = f" once it was {listed(starts)} in profit" if starts else ""
    return f"at {distance(use)} behind its best price{once}"


def break_even(risk: RiskSpec) -> str:
    """The clause about the stop that moves to the entry, empty where there is none."""
    if risk.break_even is None:
        return ""
    beyond = risk.break_even.offset_percent
    place = f"{plain(beyond)} % beyond the entry" if beyond else "to the entry"
    return f"the stop moves {place} once the profit was {plain(risk.break_even.at_r)}R"


def distance(use: Use) -> str:
    """`2 %`, `2R`, `1.5 times ATR 14`."""
    match use.use:
        case "percent":
            return f"{plain(use.number('percent'))} %"
        case "r":
            return f"{plain(use.number('multiple'))}R"
        case "atr":
            return f"{plain(use.number('multiple'))} times ATR {plain(use.number('length'))}"
    values = ", ".join(f"{name} {value}" for name, value in use.parameters.items())
    return f"{use.use} ({values})"


# How a position begins ---------------------------------------------------------------------------------


def entry_size(spec: StrategySpec) -> str:
    """The sentence about size, order and adds, without its full stop."""
    risk = spec.risk
    clauses = [f"Each entry {_size(risk.sizing)}"]
    if risk.leverage > 1.0:
        clauses.append(f"at up to {plain(risk.leverage)}x leverage")
    clauses += _order(spec.orders)
    text = ", ".join(clauses)
    if risk.pyramiding is not None:
        most, spacing = risk.pyramiding.max_adds, risk.pyramiding.spacing
        further = f"each {distance(spacing)} further in profit" if spacing is not None else "each in profit"
        text += f"; up to {most} more may follow, {further}"
    return text


def _size(use: Use) -> str:
    match use.use:
        case "equity":
            return f"is {plain(use.number('percent'))} % of the equity"
        case "notional":
            return f"is worth {plain(use.number('amount'))} of the quote coin"
        case "fixed":
            return f"is {plain(use.number('quantity'))} of the base coin"
        case "risk":
            return f"risks {plain(use.number('percent'))} % of the equity"
        case "volatility":
            target, length = plain(use.number("target_percent")), int(use.number("length"))
            return f"aims at a volatility of {target} % a year, judged by the last {bars(length)}"
        case "kelly":
            part, start = _part(use.number("fraction")), plain(use.number("start_percent"))
            trades = plain(use.number("min_trades"))
            return f"is {part} Kelly's share of the equity ({start} % of the equity before {trades} trades have closed)"
    return f"is sized by {distance(use)}"


def _part(fraction: float) -> str:
    return {1.0: "all of", 0.5: "half of"}.get(fraction, f"{plain(fraction)} times")


def _order(orders: OrdersSpec) -> Iterator[str]:
    if orders.entry is EntryOrder.MARKET:
        return
    side = "better than" if orders.entry is EntryOrder.LIMIT else "beyond"
    place = f"{distance(orders.offset)} {side} the close" if orders.offset is not None else "at the close"
    yield f"by a {orders.entry.value} order {place} that waits {bars(orders.valid_bars)}"


# What is refused ---------------------------------------------------------------------------------------


def limits(spec: StrategySpec) -> str:
    """The clauses about what is refused and what closes everything, empty where there are none."""
    return "; ".join(clause for clause in (_most(spec), _pauses(spec.risk), _halts(spec.risk)) if clause)


def _most(spec: StrategySpec) -> str:
    risk, share = spec.risk, spec.costs.max_volume_share_percent
    parts = []
    if risk.max_positions:
        parts.append(f"{risk.max_positions} position{'s' if risk.max_positions > 1 else ''}")
    if risk.max_exposure_percent is not None:
        parts.append(f"{plain(risk.max_exposure_percent)} % of the equity in all")
    if risk.max_symbol_exposure_percent is not None:
        parts.append(f"{plain(risk.max_symbol_exposure_percent)} % in one symbol")
    if share:
        parts.append(f"{plain(share)} % of a bar's volume per entry")
    return f"at most {listed(parts)}" if parts else ""


def _pauses(risk: RiskSpec) -> str:
    parts = [f"for {bars(risk.cooldown_bars)} after an exit"] if risk.cooldown_bars else []
    if risk.loss_streak is not None:
        losses = risk.loss_streak.losses
        row = f"{losses} losses in a row" if losses > 1 else "a loss"
        parts.append(f"for {bars(risk.loss_streak.pause_bars)} after {row}")
    return f"no entry {listed(parts)}" if parts else ""


def _halts(risk: RiskSpec) -> str:
    parts = []
    if risk.max_daily_loss_percent is not None:
        parts.append(f"for the day at a loss of {plain(risk.max_daily_loss_percent)} %")
    if risk.max_drawdown_percent is not None:
        parts.append(f"for good {plain(risk.max_drawdown_percent)} % below the highest equity")
    return f"all is closed {listed(parts)}" if parts else ""
