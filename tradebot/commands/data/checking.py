"""`tradebot data check`: one report that a person understands, worst datasets first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tradebot.commands.context import ConfigOption, DataOption, JsonOption, open_context
from tradebot.commands.data.opening import PATTERN_MARKS, chosen_keys, open_store, tell_notices
from tradebot.commands.progress import ConsoleProgress
from tradebot.engine.control.errors import EXIT_SHORT, InputError
from tradebot.engine.control.progress import ProgressMeter, counted

if TYPE_CHECKING:
    from tradebot.engine.market import Category, DatasetKey
    from tradebot.engine.store import CheckReport, Store

_SHOWN_INTERVALS = 3
# Of more datasets than these the sound ones are only counted, so that what is wrong can be seen.
_FEW_DATASETS = 20
_FUNDING = "_funding"


def check(
    datasets: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[DATASET]...",
            help="Such as BTCUSDT_1m, spot/BTCUSDT_1m, BTCUSDT_1h_mark, BTCUSDT_funding or BTC*; all if none.",
        ),
    ] = None,
    every: Annotated[
        bool,
        typer.Option("--all", help="List every interval and every sound dataset, however many there are."),
    ] = False,
    data: DataOption = None,
    config: ConfigOption = None,
    json_wanted: JsonOption = False,
) -> int:
    """Check datasets: grid, order, gaps, prices, spikes, and files of a symbol against each other. Exits 1 where one
    of them fails.
    """
    from tradebot.engine.control.clock import SystemClock
    from tradebot.engine.store.check_book import CheckBook

    context = open_context(data, config, None, json_wanted)
    store = open_store(context)
    keys, payments = _chosen(store, datasets or [])
    if not keys and not payments:
        raise InputError(f"There is no market data in {context.folders.data} to check.")
    reports = _reports(store, keys, payments)
    CheckBook(store.folder).keep(reports, SystemClock().now_ms())
    tell_notices(store)
    document = {"datasets": [report.to_json() for report in reports]}
    context.answer(document, report_text(reports, every))
    return EXIT_SHORT if any(report.failed for report in reports) else 0


def _chosen(store: Store, texts: list[str]) -> tuple[list[DatasetKey], list[tuple[Category, str]]]:
    """Datasets of bars and symbols with funding payments that the texts mean; everything where there are none."""
    from tradebot.engine.market import Category
    from tradebot.engine.store.check_funding import funding_files

    if not texts:
        return chosen_keys(store, []), [(category, symbol) for category, symbol, _ in funding_files(store)]
    bars = [text for text in texts if not text.removesuffix(".csv").endswith(_FUNDING)]
    payments: list[tuple[Category, str]] = []
    for text in texts:
        if text in bars:
            continue
        name = text.removesuffix(".csv").removesuffix(_FUNDING)
        category, _, symbol = name.rpartition("/")
        known = [each.value for each in Category]
        if any(mark in name for mark in PATTERN_MARKS) or (category and category not in known):
            raise InputError(f"{text!r} names no payments; write SYMBOL_funding such as BTCUSDT_funding.")
        payments.append((Category(category or "linear"), symbol.upper()))
    return chosen_keys(store, bars) if bars else [], payments


def _reports(store: Store, keys: list[DatasetKey], payments: list[tuple[Category, str]]) -> list[CheckReport]:
    from tradebot.engine.control.clock import SystemClock
    from tradebot.engine.store.check_across import check_dataset
    from tradebot.engine.store.check_funding import check_funding

    total = len(keys) + len(payments)
    console = ConsoleProgress("check")
    meter = ProgressMeter(total, "datasets", SystemClock(), console if total > 1 else lambda _: None)
    reports: list[CheckReport] = []
    try:
        for key in keys:
            reports.append(check_dataset(store, key))
            meter.advance(1, str(key))
        for category, symbol in payments:
            reports.append(check_funding(store, category, symbol))
            meter.advance(1, f"{symbol} funding")
    finally:
        console.close()
    return reports


def report_text(reports: list[CheckReport], every: bool) -> str:
    """The reports as text: failed datasets first, then those with warnings, sound ones last, and a sum of all."""
    from tradebot.engine.store import Level

    levels = list(Level)
    ordered = sorted(reports, key=lambda report: -levels.index(report.worst))
    counted_only = len(reports) > _FEW_DATASETS and not every
    shown = [report for report in ordered if not counted_only or report.worst is not Level.INFO]
    lines = [line for report in shown for line in _lines(report, every)]
    if len(reports) > 1:
        failed = sum(report.failed for report in reports)
        warned = sum(report.worst is Level.WARNING for report in reports)
        sound = len(reports) - failed - warned
        more = " (--all shows these too)" if counted_only and sound else ""
        lines.append(
            f"{counted(len(reports), 'dataset')}: {failed:,} failed, {warned:,} with warnings, {sound:,} sound{more}."
        )
    return "\n".join(lines)


def _lines(report: CheckReport, every: bool) -> list[str]:
    from tradebot.engine.store import Level

    state = {Level.FAILURE: "FAILED", Level.WARNING: "sound, with warnings"}.get(report.worst, "sound")
    rows = counted(report.rows, "payment" if report.dataset.endswith(_FUNDING) else "bar")
    lines = [f"{report.dataset}: {state}, {rows}, {report.path}"]
    for finding in report.findings:
        lines.append(f"  {finding.level.value:<8} {finding.sentence}")
        if len(finding.intervals) > 1:
            most = None if every else _SHOWN_INTERVALS
            lines += [f"  {'':<8}   {detail}" for detail in finding.details(most)]
    return lines
