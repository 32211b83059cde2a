"""Which layout the text of a file has, and its rows as lines of ours: same rows, same order, same digits."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from tradebot.engine.control.errors import InputError
from tradebot.engine.control.progress import counted
from tradebot.engine.store import import_formats
from tradebot.engine.store.import_dates import (
    ISO_DATE,
    META_TRADER_LINE,
    five_lines,
    has_stated_offset,
    iso_stamps,
    one_stamp,
)
from tradebot.engine.store.import_formats import Fields
from tradebot.engine.store.import_freqtrade import freqtrade_lines
from tradebot.engine.store.import_source import Content
from tradebot.engine.store.layout import BARS, FUNDING, MARK_BARS, TableKind

_BINANCE_COLUMNS = (0, 1, 2, 3, 4, 5, 7)
_BINANCE_WIDTH = 12
_BINANCE_NAMES = ("taker_buy_volume", "taker_buy_base_asset_volume", "taker_buy_base_volume")
_META_TRADER_WIDTH = 6
# In this order: the first of them whose values are times is taken.
_TIME_NAMES = (
    *("timestamp", "open_time", "opentime", "start_time", "starttime", "calc_time", "fundingtime"),
    *("funding_time", "fundingratetimestamp", "date", "datetime", "time", "", "unnamed:_0"),
)
_ALIASES = {
    "quote_volume": "turnover",
    "quote_asset_volume": "turnover",
    "vol": "volume",
    "base_volume": "volume",
    "last_funding_rate": "funding_rate",
    "fundingrate": "funding_rate",
}
_EPOCH = re.compile(rb"\d{13}|\d{16}")


class ImportFormat(Enum):
    """A layout of files that can be imported; the value is its name for people."""

    OURS = "tradebot CSV"
    MARK = "tradebot mark price CSV"
    FUNDING = "tradebot funding CSV"
    COLUMNS = "CSV with named columns"
    DATES = "CSV with dates"
    BINANCE = "Binance klines"
    META_TRADER = "MetaTrader bars"
    FREQTRADE = "freqtrade JSON"


@dataclass(slots=True)
class OurLines:
    """The rows of a file as lines of `kind` in the order of the file.

    The first stands on line `first_line` of the file; `unit` says what is counted ("line", of JSON "bar"). `notes`
    are sentences for the person.
    """

    format: ImportFormat
    kind: TableKind
    text: bytes
    first_line: int = 1
    unit: str = "line"
    notes: list[str] = field(default_factory=list)


def our_lines(text: bytes, path: Path, content: Content | None, clock_offset_ms: int | None) -> OurLines:
    """Rows of our layout from a file's text; `content` is what the file's name says it holds.

    InputError with the line where one cannot be read, or where the clock of dates is not stated.
    """
    lines = _converted(text, path, content, clock_offset_ms)
    lines.text, count, example = import_formats.plain_numbers(lines.text)
    if count:
        lines.notes.append(f"{counted(count, 'number')} written out in plain digits ({example}).")
    return lines


def _converted(text: bytes, path: Path, content: Content | None, clock_offset_ms: int | None) -> OurLines:
    first = text[: text.index(b"\n")]
    start = text[:1024].lstrip()[:1]
    if start in (b"[", b"{"):
        kind = _kind_of(content)
        return OurLines(ImportFormat.FREQTRADE, kind, freqtrade_lines(text, path, kind), unit="bar")
    if META_TRADER_LINE.match(first) or first.startswith(b"<DATE>\t"):
        return _meta_trader(text, first, path, clock_offset_ms)
    if first[:1].isalpha() or first[:1] in (b'"', b"_", b","):
        return _with_header(first, text[len(first) + 1 :], path, content, clock_offset_ms)
    if first.count(b",") == _BINANCE_WIDTH - 1 and first[:1].isdigit():
        kind = _kind_of(content)
        fields = Fields.of(text, path, 1, _BINANCE_WIDTH)
        chosen = _BINANCE_COLUMNS[: len(kind.columns)]
        lines = import_formats.epoch_bars(fields, chosen, trim=True)
        return OurLines(ImportFormat.BINANCE, kind, lines, notes=_unneeded(clock_offset_ms))
    shown = first[:60].decode("utf-8", "replace")
    raise InputError(
        f'{path}, line 1: "{shown}" is no known layout, expected the header "{",".join(BARS.columns)}", '
        "12 columns of Binance klines, MetaTrader rows (YYYY.MM.DD HH:MM,open,high,low,close,volume) or "
        "freqtrade's JSON."
    )


def _kind_of(content: Content | None) -> TableKind:
    return {Content.MARK: MARK_BARS, Content.FUNDING: FUNDING}.get(content or Content.BARS, BARS)


def _unneeded(clock_offset_ms: int | None) -> list[str]:
    if not clock_offset_ms:
        return []
    return ["The file has epoch stamps, which are UTC; the stated clock was not needed."]


def _meta_trader(text: bytes, first: bytes, path: Path, clock_offset_ms: int | None) -> OurLines:
    if clock_offset_ms is None:
        raise InputError(
            f"{path} has dates of an unstated clock (MetaTrader), so its bars cannot be placed in UTC; "
            "state how far its clock is ahead, e.g. --clock +03:00 (Bybit's own archive) or --clock UTC."
        )
    notes: list[str] = []
    first_line = 1
    if first.startswith(b"<DATE>"):
        names = first.decode("utf-8", "replace").split("\t")
        text, note = five_lines(text[len(first) + 1 :], names, path)
        notes += [note] if note else []
        first_line = 2
    elif first[10:11] == b",":
        text = one_stamp(text)
    fields = Fields.of(text, path, first_line, _META_TRADER_WIDTH)
    lines = import_formats.meta_trader_bars(fields, clock_offset_ms)
    return OurLines(ImportFormat.META_TRADER, BARS, lines, first_line, notes=notes)


def _with_header(
    first: bytes, body: bytes, path: Path, content: Content | None, clock_offset_ms: int | None
) -> OurLines:
    if not body:
        raise InputError(f"{path} holds a header but no rows; nothing was imported.")
    if b'"' in first or b'"' in body:
        first, body = first.replace(b'"', b""), body.replace(b'"', b"")
    names = [name.strip().lower().replace(" ", "_") for name in first.decode("utf-8", "replace").split(",")]
    for format_, kind in (
        (ImportFormat.FUNDING, FUNDING),
        (ImportFormat.OURS, BARS),
        (ImportFormat.MARK, MARK_BARS),
    ):
        told = kind is not MARK_BARS or content is Content.MARK
        if names == list(kind.columns) and told and not ISO_DATE.match(body):
            return OurLines(format_, kind, body, 2, notes=_unneeded(clock_offset_ms))
    named = [_ALIASES.get(name, name) for name in names]
    kind = FUNDING if "funding_rate" in named else _kind_of(content)
    return _named_columns(first, body, named, kind, path, clock_offset_ms)


def _named_columns(
    first: bytes, body: bytes, named: list[str], kind: TableKind, path: Path, clock_offset_ms: int | None
) -> OurLines:
    needed = kind.columns[1:-1] if kind.optional_last else kind.columns[1:]
    row = body[: body.index(b"\n")].split(b",")
    time = _time_column(named, row)
    absent = [name for name in needed if name not in named]
    if time is None:
        absent.insert(0, "timestamp")
    if absent or time is None:
        raise InputError(
            f'{path}, line 1: the header "{first[:80].decode("utf-8", "replace")}" lacks {", ".join(absent)}, '
            f'expected "{",".join(kind.columns)}" (more columns are allowed).'
        )
    fields = Fields.of(body, path, 2, len(named))
    format_, notes = ImportFormat.COLUMNS, _unneeded(clock_offset_ms)
    if ISO_DATE.fullmatch(row[time]):
        format_ = ImportFormat.DATES
        notes = _unneeded(clock_offset_ms) if has_stated_offset(row[time]) else []
        values = [fields.data[low:high].tobytes() for low, high in _borders(fields, time)]
        body = import_formats.with_column(body, time, iso_stamps(values, path, 2, clock_offset_ms))
        fields = Fields.of(body, path, 2, len(named))
    is_binance = any(name in _BINANCE_NAMES for name in named)
    columns = [time, *[named.index(name) if name in named else None for name in kind.columns[1:]]]
    placed = [column for column in columns if column is not None]
    if len(placed) < len(columns) or placed != sorted(placed):
        fields = Fields.of(import_formats.reordered(body, columns), path, 2, len(columns))
        placed = list(range(len(columns)))
    lines = import_formats.epoch_bars(fields, placed, trim=is_binance)
    return OurLines(ImportFormat.BINANCE if is_binance else format_, kind, lines, 2, notes=notes)


def _borders(fields: Fields, column: int) -> list[tuple[int, int]]:
    return list(zip(fields.starts(column).tolist(), fields.ends[:, column].tolist(), strict=True))


def _time_column(named: Sequence[str], row: Sequence[bytes]) -> int | None:
    """The column of times: the first known name whose value in the first row is one; else the first known name."""
    known = [named.index(name) for name in _TIME_NAMES if name in named]
    for pattern in (_EPOCH, ISO_DATE):
        for column in known:
            if column < len(row) and pattern.fullmatch(row[column]):
                return column
    return known[0] if known else None
