"""A backtest as a person asks for it, from text to stored result: the app and the command line give the same order."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tradebot.engine.backtest.figures.trials import TrialLedger
from tradebot.engine.backtest.inputs.prepare import Asked
from tradebot.engine.backtest.kernel.ledger import RunSettings
from tradebot.engine.backtest.results.folder import write_result
from tradebot.engine.backtest.run import run_portfolio
from tradebot.engine.backtest.warm_up import compile_kernels_in_child
from tradebot.engine.control.clock import Clock
from tradebot.engine.control.errors import InputError
from tradebot.engine.control.progress import CancelToken, Progress
from tradebot.engine.market.times import parse_time
from tradebot.engine.strategy import Registry, StrategySpec, apply_overrides, parse_strategy

if TYPE_CHECKING:
    from tradebot.engine.backtest.results.result import BacktestResult
    from tradebot.engine.control.settings import BacktestSettings
    from tradebot.engine.store import Store


@dataclass(frozen=True, slots=True)
class StrategyText:
    """The text of a strategy file; `file` is what sentences call it."""

    toml: str
    file: str


@dataclass(frozen=True, slots=True)
class BacktestOrder:
    """What to run. `file` is what sentences call the text; times are dates or spans; `cash` None: the settings'.

    `overrides` are (path, value) pairs as of `--set`; they hold for all strategies of the order. `beside` are further
    strategies that trade the same account. `look_ahead`: whether the run is checked for knowledge of the future,
    `reality`: whether the reality check is made.
    """

    toml: str
    file: str
    start: str | None = None
    end: str | None = None
    cash: float | None = None
    overrides: tuple[tuple[str, str], ...] = ()
    beside: tuple[StrategyText, ...] = ()
    look_ahead: bool = True
    reality: bool = True


def carry_out(
    order: BacktestOrder,
    registry: Registry,
    store: Store,
    settings: BacktestSettings,
    clock: Clock,
    results_folder: Path | None,
    report: Callable[[Progress], None],
    say: Callable[[str], None],
    cancel: CancelToken,
) -> BacktestResult:
    """Check, compile where this version was not compiled yet, run, and write the result (None: write nothing).

    What is written counts as a trial on its data. `say` gets sentences about what takes long. Raises InputError for a
    wrong strategy, time or value, and what `run_portfolio` and `write_result` raise.
    """
    asked = asked_of(order, registry, settings, clock)
    if results_folder is not None:
        check_results_folder(results_folder)
    compile_kernels_in_child(say, cancel)
    result = run_portfolio(
        asked,
        registry,
        store,
        report,
        cancel,
        clock=clock,
        look_ahead=order.look_ahead,
        reality=order.reality,
        trials=None if results_folder is None else TrialLedger(results_folder),
    )
    return result if results_folder is None else write_result(result, results_folder)


def asked_of(
    order: BacktestOrder, registry: Registry, settings: BacktestSettings, clock: Clock
) -> list[Asked]:
    """The strategies of an order with their settings. InputError for a wrong strategy, time or value."""
    now = clock.now_ms()
    start_ms, end_ms = _time(order.start, now), _time(order.end, now)
    texts = [StrategyText(order.toml, order.file), *order.beside]
    parsed = [_parsed(text, order, registry) for text in texts]
    if start_ms is not None and end_ms is not None and end_ms <= start_ms:
        raise InputError(
            f"The span ends at {order.end}, not after its start {order.start}; give a later end."
        )
    if order.cash is not None and not 0 < order.cash <= 1e12:
        raise InputError(f"The starting cash must be above 0 and at most 1e12, was {order.cash:g}.")
    return [
        Asked(spec, toml, RunSettings.resolve(spec, settings, order.cash, start_ms, end_ms))
        for spec, toml in parsed
    ]


def _parsed(text: StrategyText, order: BacktestOrder, registry: Registry) -> tuple[StrategySpec, str]:
    toml = text.toml
    if order.overrides:
        toml = apply_overrides(toml, dict(order.overrides), text.file, registry)
    return parse_strategy(toml, text.file, registry), toml


def check_results_folder(folder: Path) -> None:
    """Whether results can be written to a folder, which is made where it is missing. Raises InputError where not."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError:
        kind = "is a file" if folder.is_file() else "cannot be written to"
        raise InputError(f"The folder for results, {folder}, {kind}; name another one with --out.") from None


def _time(text: str | None, now_ms: int) -> int | None:
    if text is None or not text.strip():
        return None
    try:
        return parse_time(text, now_ms)
    except ValueError as error:
        raise InputError(f"{error}.") from None
