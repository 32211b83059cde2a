"""The reality check of a result: what speaks for its figures and what against them, each as a sentence with a tone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tradebot.engine.backtest.checks.reruns import Rerun, Reruns
from tradebot.engine.backtest.figures import trade_metrics as t
from tradebot.engine.backtest.figures.ambiguous import AmbiguityBounds
from tradebot.engine.backtest.figures.bootstrap import Bootstrap, bootstrap
from tradebot.engine.backtest.figures.metrics import returns_of, sharpe
from tradebot.engine.backtest.figures.positions import closed_positions
from tradebot.engine.backtest.results.analysis import result_days
from tradebot.engine.backtest.results.reality_types import Finding as Finding  # part of this module's face
from tradebot.engine.backtest.results.reality_types import RealityCheck as RealityCheck
from tradebot.engine.backtest.results.reality_types import Tone as Tone
from tradebot.engine.backtest.results.result import BacktestResult
from tradebot.engine.control.progress import counted
from tradebot.engine.market.times import iso_date

_FEW_TRADES = 30
_BEST_SHARE = 0.03
"""The best trades are the best 3 %, at least one."""
_LATER_SHARE = 1.0 / 3.0


def reality_check(
    result: BacktestResult,
    rng: np.random.Generator,
    reruns: Reruns | None = None,
    ambiguity: AmbiguityBounds | None = None,
) -> RealityCheck:
    """Everything that can be said of a result; what was not run again is left out.

    `rng` draws the days of the bootstrap: the same state gives the same findings.
    """
    return reality_of(result, drawn_days(result, rng), reruns, ambiguity)


def drawn_days(result: BacktestResult, rng: np.random.Generator) -> Bootstrap | None:
    """The result's days drawn again, None for too few."""
    return bootstrap(returns_of(result_days(result)[1]), rng, _holding_days(result))


def reality_of(
    result: BacktestResult,
    drawn: Bootstrap | None = None,
    reruns: Reruns | None = None,
    ambiguity: AmbiguityBounds | None = None,
) -> RealityCheck:
    """The findings that can be said with what is at hand; the rest is left out."""
    return RealityCheck(
        (
            *_validity(result),
            *_parts_of_time(result),
            *_luck(result, drawn),
            *_best_trades(result),
            *_losing_run(result),
            *_assumptions(result, ambiguity),
            *(_harder(result, reruns) if reruns is not None else ()),
            *_costs(result),
        )
    )


def _percent(value: float | None) -> str:
    return "n/a" if value is None else f"{value * 100.0:+,.1f}%"


def _holding_days(result: BacktestResult) -> float:
    hours = result.metrics.average_hours
    return 0.0 if hours is None else hours / 24.0


# ---- whether it can be true at all


def _validity(result: BacktestResult) -> Iterator[Finding]:
    for error in result.errors:
        yield Finding("invalid", Tone.BAD, "the result is invalid", error)
    if result.look_ahead:
        text = f"No look-ahead was found. {result.look_ahead}"
        yield Finding("look_ahead", Tone.OK, "no look-ahead found", text)
    if "bankrupt" in result.flags:
        text = "The account was used up before the end of the data; all figures end there."
        yield Finding("bankrupt", Tone.BAD, "the account was used up", text)
    if "universe_in_sample" in result.flags:
        text = "The symbols were picked by days of the run itself: such a choice is made with hindsight."
        yield Finding("universe_in_sample", Tone.BAD, "symbols picked with hindsight", text)
    estimated = [
        name
        for name in ("funding_estimated", "liquidation_estimated", "margin_tiers_assumed")
        if name in result.flags
    ]
    if estimated:
        words = {
            "funding_estimated": "funding",
            "liquidation_estimated": "mark prices",
            "margin_tiers_assumed": "margin tiers",
        }
        what = ", ".join(words[name] for name in estimated)
        yield Finding(
            "estimated", Tone.WARNING, f"estimated: {what}", f"Not recorded and therefore estimated: {what}."
        )


# ---- whether it was luck


def _parts_of_time(result: BacktestResult) -> Iterator[Finding]:
    """The last third against what came before: a figure of one lucky stretch does not hold."""
    returns = returns_of(result_days(result)[1])
    cut = len(returns) - int(len(returns) * _LATER_SHARE)
    before, after = sharpe(returns[:cut]), sharpe(returns[cut:])
    if before is None or after is None:
        return
    tone = Tone.OK
    if before > 0.0:
        tone = Tone.BAD if after <= 0.0 else Tone.WARNING if after < before / 2.0 else Tone.OK
    text = (
        f"The Sharpe ratio of the first two thirds of the days is {before:.2f}, that of the last third {after:.2f}. "
        "Where the strategy was chosen on the whole span, neither is out of sample."
    )
    yield Finding("parts_of_time", tone, f"Sharpe {before:.2f}, later {after:.2f}", text)


def _luck(result: BacktestResult, drawn: Bootstrap | None) -> Iterator[Finding]:
    metrics = result.metrics
    if drawn is not None:
        chance = drawn.chance_of_no_edge
        tone = Tone.OK if chance <= 0.05 else Tone.WARNING if chance <= 0.2 else Tone.BAD
        low, high = drawn.sharpe
        text = (
            f"Of {drawn.draws:,} histories drawn from these days in blocks of {drawn.mean_block:.0f}, {chance:.1%} "
            f"have a Sharpe ratio of 0 or less; 95 % lie between {low:.2f} and {high:.2f}, their returns between "
            f"{_percent(drawn.total_return[0])} and {_percent(drawn.total_return[1])}, their deepest drawdowns between "
            f"{_percent(drawn.max_drawdown[0])} and {_percent(drawn.max_drawdown[1])}."
        )
        yield Finding("bootstrap", tone, f"p(Sharpe<=0) {chance:.2f} bootstrap", text)
    if metrics.dsr is not None and metrics.trials is not None:
        tone = Tone.OK if metrics.dsr >= 0.95 else Tone.WARNING if metrics.dsr >= 0.5 else Tone.BAD
        text = (
            f"After {counted(metrics.trials, 'trial')} on this data, the probability that the Sharpe ratio is above "
            f"what the best of so many would show by chance is {metrics.dsr:.2f} (deflated Sharpe ratio)."
        )
        yield Finding("deflated_sharpe", tone, f"deflated Sharpe {metrics.dsr:.2f}", text)
    elif metrics.psr is not None:
        tone = Tone.OK if metrics.psr >= 0.95 else Tone.WARNING if metrics.psr >= 0.8 else Tone.BAD
        text = f"The probability that the true Sharpe ratio is above 0 is {metrics.psr:.2f}."
        yield Finding("probabilistic_sharpe", tone, f"p(Sharpe>0) {metrics.psr:.2f}", text)
    if metrics.least_days is not None and metrics.least_days > metrics.days:
        text = (
            f"For 95 % confidence that the Sharpe ratio is above 0, {metrics.least_days:,.0f} such days are needed; "
            f"there are {metrics.days:,}."
        )
        yield Finding(
            "least_days", Tone.WARNING, f"needs {metrics.least_days:,.0f} days, has {metrics.days:,}", text
        )
    if 0 < metrics.trades < _FEW_TRADES:
        text = f"{counted(metrics.trades, 'closed trade')}: too few to tell skill from luck; 30 is the least."
        yield Finding("few_trades", Tone.WARNING, f"only {counted(metrics.trades, 'trade')}", text)


def _best_trades(result: BacktestResult) -> Iterator[Finding]:
    pnl = np.sort(closed_positions(result.trades)["pnl"])[::-1]
    total = float(pnl.sum())
    if not len(pnl) or total <= 0.0:
        return
    best = max(1, round(_BEST_SHARE * len(pnl)))
    share = float(pnl[:best].sum()) / total
    tone = Tone.OK if share <= 0.5 else Tone.WARNING if share <= 1.0 else Tone.BAD
    without = "; without them the run loses" if share > 1.0 else ""
    text = f"{share:.0%} of the profit came from the best {counted(best, 'trade')} of {len(pnl):,}{without}."
    yield Finding("best_trades", tone, f"{share:.0%} of profit from {counted(best, 'trade')}", text)


def _losing_run(result: BacktestResult) -> Iterator[Finding]:
    """A run of losers longer than chance would give speaks of a market in which the rules do not work."""
    trades = closed_positions(result.trades)
    trades = trades[np.argsort(trades["exit_time"], kind="stable")]
    pnl = np.ascontiguousarray(trades["pnl"])
    longest, first = t.longest_losing_run(pnl)
    losers = int(np.count_nonzero(pnl < 0))
    if longest < 2 or losers == len(pnl):
        return
    share = losers / len(pnl)
    # Runs of at least k losers among n trades whose order is chance: about n (1 - q) q^k.
    expected = len(pnl) * (1.0 - share) * share**longest
    tone = Tone.WARNING if expected < 0.05 else Tone.OK
    when = iso_date(int(trades["exit_time"][first]))
    chance = "far more than chance gives" if tone is Tone.WARNING else "no more than chance gives"
    text = f"The longest run of losers is {longest}, beginning on {when}; at this win rate that is {chance}."
    yield Finding("losing_run", tone, f"{when[:7]}: {longest} losses in a row", text)


# ---- whether it hangs on assumptions


def _assumptions(result: BacktestResult, ambiguity: AmbiguityBounds | None) -> Iterator[Finding]:
    doubtful = result.metrics.ambiguous_trades
    if not doubtful:
        return
    share = doubtful / max(1, len(result.trades))
    tone = Tone.OK if share <= 0.02 else Tone.WARNING
    pessimistic = result.metrics.total_return
    bounds = ""
    if ambiguity is not None:
        bounds = f" The return lies between {_percent(pessimistic)} and {_percent(ambiguity.total_return)}."
        if ambiguity.unknown:
            bounds += f" Of {ambiguity.unknown} of them the other way round cannot be told."
    text = (
        f"{doubtful:,} of {counted(len(result.trades), 'trade')} had stop and target in the range of one bar; the stop "
        f"was taken to be first.{bounds} Finer execution bars decide it."
    )
    yield Finding("ambiguous", tone, f"{counted(doubtful, 'trade')} hang on stop first", text)


def _harder(result: BacktestResult, reruns: Reruns) -> Iterator[Finding]:
    if reruns.delayed is not None:
        yield _rerun(
            result, reruns.delayed, "delay", "a bar later", "With every decision taken one bar later"
        )
    if reruns.doubled is not None:
        yield _rerun(
            result, reruns.doubled, "double_costs", "costs x2", "With fees and slippage twice as high"
        )
    if reruns.as_taker is not None:
        yield _rerun(
            result, reruns.as_taker, "taker_fees", "all fills as taker", "With the taker's fee for every fill"
        )


def _rerun(result: BacktestResult, rerun: Rerun, name: str, short: str, begin: str) -> Finding:
    """A profit that vanishes is bad, one that halves a warning; a loss stays what it is."""
    before, after = result.metrics.total_return, rerun.total_return
    tone = Tone.OK
    if before is not None and before > 0.0:
        tone = (
            Tone.BAD if after is None or after <= 0.0 else Tone.WARNING if after < before / 2.0 else Tone.OK
        )
    still = "still " if tone is Tone.OK and before is not None and before > 0.0 else ""
    trades = counted(rerun.trades, "trade")
    text = f"{begin} the return is {_percent(after)} instead of {_percent(before)}, in {trades}."
    return Finding(name, tone, f"{short} {still}{_percent(after)}", text)


def _costs(result: BacktestResult) -> Iterator[Finding]:
    ratio = result.metrics.cost_ratio
    if ratio is None or ratio <= 0.3:
        return
    tone = Tone.WARNING if ratio <= 0.7 else Tone.BAD
    least = result.metrics.break_even_bps
    even = (
        ""
        if least is None
        else f" Costs of {least:.1f} hundredths of a percent of the traded value use it up."
    )
    text = f"Fees, slippage and funding take {ratio:.0%} of the profit before them.{even}"
    yield Finding("cost_ratio", tone, f"costs take {ratio:.0%} of profit", text)
