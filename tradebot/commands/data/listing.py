"""`tradebot data list`: what is stored, how much of it is missing, and what the last check said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tradebot.commands.context import ConfigOption, DataOption, JsonOption, open_context
from tradebot.commands.data.opening import open_store, tell_notices
from tradebot.engine.control.errors import InputError
from tradebot.engine.control.progress import counted

if TYPE_CHECKING:
    from tradebot.engine.store import DatasetInfo, Store
    from tradebot.engine.store.check_book import CheckBook


def list_data(data: DataOption = None, config: ConfigOption = None, json_wanted: JsonOption = False) -> None:
    """List bars, mark prices and funding with their span, gaps and what the last check found."""
    from tradebot.engine.store.check_book import CheckBook

    context = open_context(data, config, None, json_wanted)
    store = open_store(context)
    book = CheckBook(store.folder)
    rows: list[dict[str, Any]] = []
    lines: list[str] = []
    for listed in store.datasets():
        row, line = _dataset(store, listed, book)
        rows.append(row)
        lines.append(line)
    funding, funding_lines = _funding(store, book)
    tell_notices(store)
    empty = (
        f"There is no market data in {context.folders.data} yet: tradebot collect fetches some, "
        "tradebot data import FILE brings in a file, tradebot demo needs neither."
    )
    document = {"folder": str(context.folders.data), "datasets": rows, "funding": funding}
    context.answer(document, "\n".join([*lines, *funding_lines]) or empty)


def _dataset(store: Store, listed: DatasetInfo, book: CheckBook) -> tuple[dict[str, Any], str]:
    """One dataset as plain values and as a line."""
    from tradebot.engine.market.times import iso_ms

    problem = listed.problem
    info = listed
    if not listed.exact and problem is None:
        try:
            info = store.info(listed.key) or listed
        except InputError as error:
            problem = error.sentence
    gaps, holes = _gaps(store, info) if problem is None else (info.gap_count, 0)
    outcome = book.outcome(str(info.key), info.path)
    row = {
        "dataset": str(info.key),
        "rows": info.rows,
        "first": None if info.first_ms is None else iso_ms(info.first_ms),
        "last": None if info.last_ms is None else iso_ms(info.last_ms),
        "gaps": gaps,
        "holes": holes,
        "missing_rows": info.missing_rows,
        "bytes": info.bytes,
        "problem": problem,
        "check": outcome.to_json(),
    }
    parts = [counted(gaps or 0, "gap")]
    if holes:
        parts.append(f"{counted(holes, 'hole')} of the exchange")
    state = problem or f"{', '.join(parts)}; {outcome.text}"
    return row, _line(str(info.key), info.rows, info.first_ms, info.last_ms, state)


def _gaps(store: Store, info: DatasetInfo) -> tuple[int, int]:
    """How many gaps inside a dataset are to be filled, and how many the exchange itself has."""
    from tradebot.engine.store.check_market import told_apart

    holes = store.holes(info.key)
    if not holes or not info.gap_count or info.first_ms is None or info.last_ms is None:
        return info.gap_count or 0, 0
    known, unknown = told_apart(store.missing(info.key, info.first_ms, info.last_ms), holes)
    return len(unknown), len(known)


def _funding(store: Store, book: CheckBook) -> tuple[list[dict[str, Any]], list[str]]:
    from tradebot.engine.market.times import iso_ms
    from tradebot.engine.store.check_funding import funding_files

    rows: list[dict[str, Any]] = []
    lines: list[str] = []
    for category, symbol, path in funding_files(store):
        name = f"{category.value}/{symbol}_funding"
        problem, count, first, last = None, 0, None, None
        try:
            time = store.funding(category, symbol).time
            count = len(time)
            first, last = (int(time[0]), int(time[-1])) if count else (None, None)
        except InputError as error:
            problem = error.sentence
        outcome = book.outcome(name, path)
        rows.append(
            {
                "dataset": name,
                "rows": count,
                "first": None if first is None else iso_ms(first),
                "last": None if last is None else iso_ms(last),
                "problem": problem,
                "check": outcome.to_json(),
            }
        )
        lines.append(_line(name, count, first, last, problem or f"payments; {outcome.text}"))
    return rows, lines


def _line(name: str, rows: int, first_ms: int | None, last_ms: int | None, state: str) -> str:
    from tradebot.engine.market.times import iso_minute

    span = "nothing in it" if first_ms is None else f"{iso_minute(first_ms)}  {iso_minute(last_ms or 0)}"
    return f"{name:<28} {rows:>12,}  {span:<34}  {state}"
