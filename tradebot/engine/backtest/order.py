"""A backtest as a person asks for it, from text to stored result: the app and the command line give the same order."""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tradebot.engine.backtest.figures.trials import TrialLedger
from tradebot.engine.backtest.inputs.prepare import Asked
from tradebot.engine.backtest.kernel.ledger import RunSettings
from tradebot.engine.backtest.memory import lease_for, with_universe
from tradebot.engine.backtest.results.folder import write_result
from tradebot.engine.backtest.run import run_portfolio
from tradebot.engine.backtest.warm_up import compile_kernels_in_child
from tradebot.engine.control.clock import Clock
from tradebot.engine.control.errors import InputError, did_you_mean
from tradebot.engine.control.progress import CancelToken, Progress
from tradebot.engine.market.times import parse_time
from tradebot.engine.strategy import Registry, apply_overrides, parse_strategy
from tradebot.engine.strategy.overrides import override_document, settable_paths
from tradebot.engine.strategy.problems import Problem, StrategyError
from tradebot.engine.strategy.toml_text import read_toml

if TYPE_CHECKING:
    from tradebot.engine.backtest.results.result import BacktestResult
    from tradebot.engine.control.memory import MemoryBudget
    from tradebot.engine.control.settings import BacktestSettings
    from tradebot.engine.store import Store


_TOP = re.compile(r"top\s*(?P<top>\d+)(?:\s*(?::|by)\s*(?P<by>\w+))?", re.IGNORECASE)

Pairs = tuple[tuple[str, str], ...]
"""Values by path, in the order in which they are set."""


@dataclass(frozen=True, slots=True)
class StrategyText:
    """The text of a strategy file; `file` is what sentences call it, `name` what `NAME:path=value` calls it."""

    toml: str
    file: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class BacktestOrder:
    """What to run. `file` is what sentences call the text; times are dates or spans; `cash` None: the settings'.

    `overrides` are (path, value) pairs as of `--set`; each holds for the strategies of the order that have the path,
    `name:path` for the one of that name. `beside` are further strategies that trade the same account. `symbols` are
    traded instead of those that the texts name: `BTCUSDT,ETH*` or `top 10 by volume`. `look_ahead`: whether the run is
    checked for knowledge of the future, `reality`: whether the reality check is made.
    """

    toml: str
    file: str
    start: str | None = None
    end: str | None = None
    cash: float | None = None
    overrides: Pairs = ()
    beside: tuple[StrategyText, ...] = ()
    look_ahead: bool = True
    reality: bool = True
    name: str = ""
    symbols: str | None = None

    @property
    def texts(self) -> tuple[StrategyText, ...]:
        """All its strategies, as they were given."""
        return (StrategyText(self.toml, self.file, self.name), *self.beside)

    def of(self, texts: Sequence[StrategyText]) -> BacktestOrder:
        """The same order for these texts as they are: nothing is set in them any more."""
        first = texts[0]
        return replace(
            self,
            toml=first.toml,
            file=first.file,
            name=first.name,
            beside=tuple(texts[1:]),
            overrides=(),
            symbols=None,
        )


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
    memory: MemoryBudget | None = None,
) -> BacktestResult:
    """Check, compile where this version was not compiled yet, run, and write the result (None: write nothing).

    What is written counts as a trial on its data. `say` gets sentences about what takes long. It keeps within `memory`
    (None: no limit). Raises InputError for a wrong strategy, time or value, ShortfallError where it needs more memory,
    and what `run_portfolio` and `write_result` raise.
    """
    asked = asked_of(order, registry, settings, clock, say)
    return run_and_store(
        asked,
        registry,
        store,
        clock,
        results_folder,
        report,
        say,
        cancel,
        look_ahead=order.look_ahead,
        reality=order.reality,
        memory=memory,
    )


def run_and_store(
    asked: Sequence[Asked],
    registry: Registry,
    store: Store,
    clock: Clock,
    results_folder: Path | None,
    report: Callable[[Progress], None],
    say: Callable[[str], None],
    cancel: CancelToken,
    *,
    look_ahead: bool = True,
    reality: bool = True,
    memory: MemoryBudget | None = None,
) -> BacktestResult:
    """`carry_out` for strategies that are checked already."""
    if results_folder is not None:
        check_results_folder(results_folder)
    compile_kernels_in_child(say, cancel)
    asked = with_universe(asked, store)
    with nullcontext() if memory is None else lease_for(asked, store, memory, cancel, say):
        result = run_portfolio(
            asked,
            registry,
            store,
            report,
            cancel,
            clock=clock,
            look_ahead=look_ahead,
            reality=reality,
            trials=None if results_folder is None else TrialLedger(results_folder),
        )
    return result if results_folder is None else write_result(result, results_folder)


def asked_of(
    order: BacktestOrder,
    registry: Registry,
    settings: BacktestSettings,
    clock: Clock,
    say: Callable[[str], None] | None = None,
) -> list[Asked]:
    """The strategies of an order with their settings. InputError for a wrong strategy, time or value.

    `say` hears which values were set in some of the strategies only.
    """
    now = clock.now_ms()
    start_ms, end_ms = _time(order.start, now), _time(order.end, now)
    texts = texts_to_run(order, registry, say)
    parsed = [(parse_strategy(text.toml, text.file, registry), text.toml) for text in texts]
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


def texts_to_run(
    order: BacktestOrder, registry: Registry, say: Callable[[str], None] | None = None
) -> list[StrategyText]:
    """The texts of an order with its symbols and values set in them.

    Raises InputError for a path that none of them has, and for symbols that say nothing.
    """
    pairs = (*symbol_values(order.symbols), *order.overrides)
    if not pairs:
        return list(order.texts)
    given = [_Given(text, {}) for text in order.texts]
    problems: list[str] = []
    for written, value in pairs:
        name, _, path = written.rpartition(":")
        meant = _named(given, name, written) if name else given
        takers = [one for one in meant if one.takes(path, value, registry)]
        if not takers and len(meant) > 1:
            problems.append(_unknown_path(path, meant, registry))
            continue
        for one in takers or meant:  # the one that has no such value says so itself, with its file
            one.values[path] = value
        if say is not None and 0 < len(takers) < len(meant):
            without = ", ".join(one.text.name or one.text.file for one in meant if one not in takers)
            say(f"{path} was not set in {without}, which has no such value.")
    if problems:
        raise InputError("\n".join(problems))
    return [one.written(registry) for one in given]


def symbol_values(symbols: str | None) -> Pairs:
    """`BTCUSDT,eth*`, `top10` or `top 10 by volume` as values of a strategy. InputError where no symbol is named."""
    if symbols is None:
        return ()
    top = _TOP.fullmatch(symbols.strip())
    if top is not None:
        by = (("strategy.symbols.by", top["by"].lower()),) if top["by"] else ()
        return (("strategy.symbols.top", top["top"]), *by)
    names = [name.strip().upper() for name in symbols.split(",") if name.strip()]
    if not names:
        raise InputError(
            "--symbols names no symbol; write names and patterns with commas (BTCUSDT,ETH*), or top10 for the ten "
            "with the highest turnover."
        )
    return (("strategy.symbols", json.dumps(names, ensure_ascii=False)),)


@dataclass(frozen=True, slots=True)
class _Given:
    """A text and the values that are to be set in it."""

    text: StrategyText
    values: dict[str, str]

    def takes(self, path: str, value: str, registry: Registry) -> bool:
        """Whether it has the path, once the values before are set."""
        return not override_document(self.document, {**self.values, path: value}, registry)[0]

    @property
    def document(self) -> dict[str, object]:
        """What the text says. StrategyError where it is no TOML."""
        read = read_toml(self.text.toml)
        if isinstance(read, Problem):
            raise StrategyError((read,), self.text.file)
        return dict(read.document)

    def written(self, registry: Registry) -> StrategyText:
        """The text with the values in it."""
        if not self.values:
            return self.text
        return replace(self.text, toml=apply_overrides(self.text.toml, self.values, self.text.file, registry))


def _named(given: Sequence[_Given], name: str, written: str) -> list[_Given]:
    names = [one.text.name or Path(one.text.file).stem for one in given]
    found = [one for one, own in zip(given, names, strict=True) if own == name.strip()]
    if not found:
        raise InputError(
            f"{written}: no strategy of this run is called {name.strip()!r}; they are {', '.join(names)}."
            f"{did_you_mean(name.strip(), names)}"
        )
    return found


def _unknown_path(path: str, given: Sequence[_Given], registry: Registry) -> str:
    known = {each for one in given for each in settable_paths(one.document, registry)}
    files = ", ".join(one.text.file for one in given)
    return f"{path}: is not the path of a value of any of {files}.{did_you_mean(path, sorted(known))}"


def check_results_folder(folder: Path) -> None:
    """Whether results can be written to a folder, which is made where it is missing. Raises InputError where not."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".probe-{os.getpid()}-{threading.get_ident()}"
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
