"""Rows on their way to disk: only sound ones go into a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tradebot.engine.market import BarRow, Timeframe
from tradebot.engine.store.layout import BARS, TableKind
from tradebot.engine.store.lines import NO_LINES, Lines
from tradebot.engine.store.pages import plainly_sound
from tradebot.engine.store.parsing import good_bars, parse_form
from tradebot.engine.store.rows import bar_problem

# Up to here checking text by text is faster than starting numpy.
_FEW_ROWS = 12


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row that was not let in, and why."""

    text: str
    why: str


def sound_lines(
    rows: Sequence[BarRow], timeframe: Timeframe, kind: TableKind = BARS
) -> tuple[Lines, list[Refusal]]:
    """The sound rows in rising order, the first of equal times; and the refused ones.

    Of mark bars (`kind` MARK_BARS) volume and turnover are left out.
    """
    if not rows:
        return NO_LINES, []
    if len(rows) > _FEW_ROWS:
        plain = plainly_sound(rows, timeframe, kind)
        if plain is not None:
            return plain.sorted_unique(), []
        lines = Lines.of_bars(rows, kind)
        columns = parse_form(lines.text, kind)
        if columns is not None and len(columns) == len(rows) and good_bars(columns, timeframe).all():
            return lines.sorted_unique(), []
    sound: list[BarRow] = []
    refused: list[Refusal] = []
    for row in rows:
        fields = [str(row.time_ms), *row[1:]][: len(kind.columns)]
        problem = bar_problem(fields, timeframe, kind)
        if problem is None:
            sound.append(row)
        else:
            refused.append(Refusal(",".join(fields).replace("\n", " "), str(problem)))
    return Lines.of_bars(sound, kind).sorted_unique(), refused
