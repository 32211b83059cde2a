"""The registry of runs: finding stored results by their names, putting them aside, and comparing them."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tradebot.engine.backtest.results.folder import ResultInfo, list_results, result_info
from tradebot.engine.control.errors import InputError, ShortfallError, did_you_mean
from tradebot.engine.control.files import replace_patiently
from tradebot.engine.market.times import iso_date

if TYPE_CHECKING:
    from tradebot.engine.backtest.results.result import BacktestResult

LATEST = ("latest", "last")
MOST_COMPARED = 4
DELETED = "deleted"


def find_result(results_folder: Path, name: str) -> ResultInfo:
    """A stored result by its id, by a beginning that only one id has, or `latest` (also `last`).

    InputError with the nearest id where there is none, or with the ids that the name could mean.
    """
    infos = list_results(results_folder) if results_folder.is_dir() else []
    if not infos:
        raise InputError(
            f"There are no results in {results_folder} yet; run a backtest first: tradebot backtest NAME."
        )
    if name in LATEST:
        return infos[0]
    exact = [info for info in infos if info.result_id == name]
    meant = exact or [info for info in infos if name and info.result_id.startswith(name)]
    if len(meant) == 1:
        return meant[0]
    if meant:
        several = ", ".join(info.result_id for info in meant[:3]) + (" and others" if len(meant) > 3 else "")
        raise InputError(f"{name} could mean {several}; write more of the id.")
    if Path(name).name == name and (results_folder / name / "result.json").exists():
        return result_info(results_folder / name)  # which says what is wrong with it
    known = [info.result_id for info in infos]
    raise InputError(f"There is no result {name} in {results_folder}.{did_you_mean(name, known)}")


def delete_result(results_folder: Path, name: str) -> Path:
    """Move a result into the folder `deleted` beside the others, so that nothing is lost; where it lies now.

    InputError where there is none of that name, ShortfallError where the disk refuses.
    """
    info = find_result(results_folder, name)
    target = results_folder / DELETED / info.result_id
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists():
            shutil.rmtree(target)
        replace_patiently(info.folder, target)
    except OSError as error:
        raise ShortfallError(
            f"The result {info.result_id} could not be moved to {target.parent} ({error.strerror or 'refused'}); close "
            "programs that have its files open, then try again."
        ) from None
    return target


@dataclass(frozen=True, slots=True)
class ComparedFigure:
    """One figure of several results side by side; `best` is the position of the best one, None where none is."""

    name: str
    values: tuple[float | None, ...]
    best: int | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Several results side by side. `remarks` are sentences about what makes them hard to compare."""

    result_ids: tuple[str, ...]
    figures: tuple[ComparedFigure, ...]
    remarks: tuple[str, ...]


_HIGHER: tuple[str, ...] = (
    *("total_return", "cagr", "sharpe", "sortino", "calmar", "max_drawdown", "profit_factor", "win_rate"),
    *("expectancy", "payoff", "sqn"),
)
_LOWER = ("volatility", "ulcer", "max_drawdown_days", "fees", "slippage_cost")
_PLAIN = ("trades", "exposure", "turnover", "funding", "final_equity", "buy_hold_return", "psr", "dsr")


def compare(results: Sequence[BacktestResult]) -> Comparison:
    """The figures of two to four results, the best of each marked. InputError for another number of them."""
    if not 2 <= len(results) <= MOST_COMPARED:
        raise InputError(f"Two to {MOST_COMPARED} results can be compared, given were {len(results)}.")
    figures = []
    for name in (*_HIGHER, *_LOWER, *_PLAIN):
        values = tuple(getattr(result.metrics, name) for result in results)
        better = 1 if name in _HIGHER else -1 if name in _LOWER else 0
        figures.append(ComparedFigure(name, values, _best(values, better)))
    return Comparison(tuple(result.result_id for result in results), tuple(figures), _remarks(results))


def _best(values: Sequence[float | None], better: int) -> int | None:
    """The position of the single best value; None where all are equal, undefined, or none is better."""
    known = [(better * value, position) for position, value in enumerate(values) if value is not None]
    if not better or len(known) < 2:
        return None
    best = max(value for value, _ in known)
    holders = [position for value, position in known if value == best]
    return holders[0] if len(holders) == 1 else None


def _remarks(results: Sequence[BacktestResult]) -> tuple[str, ...]:
    remarks = []
    spans = {(iso_date(result.start_ms), iso_date(result.end_ms)) for result in results}
    if len(spans) > 1:
        told = "; ".join(f"{start} to {end}" for start, end in sorted(spans))
        remarks.append(
            f"The spans differ ({told}): totals are not comparable, yearly figures only with care."
        )
    if len({frozenset(result.symbols) for result in results}) > 1:
        remarks.append("The symbols differ.")
    if len({result.settings.cash for result in results}) > 1:
        remarks.append("The starting cash differs: compare ratios, not money.")
    if len({result.settings.costs for result in results}) > 1:
        remarks.append("The costs differ.")
    hashes = [
        {file.key.name: file.content_hash for file in result.files if file.content_hash} for result in results
    ]
    shared = set.intersection(*(set(each) for each in hashes))
    changed = sorted(name for name in shared if len({each[name] for each in hashes}) > 1)
    if changed:
        remarks.append(f"The data changed between the runs: {', '.join(changed[:5])}.")
    if len({result.versions.get("kernel") for result in results}) > 1:
        remarks.append("They were made by different versions of the simulation.")
    return tuple(remarks)
