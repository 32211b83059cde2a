"""Faults in the rows of a page: missing, doubled, unordered, cut short, or not existing at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tradebot.engine.simulator.faults.rule import Trigger


def edit_rows(trigger: Trigger, result: str) -> str:
    """The result with its list changed as the rule says; other kinds and results without a list stay as they are."""
    edit = _EDITS.get(trigger.rule.kind)
    if edit is None:
        return result
    document = json.loads(result)
    rows = document.get("list")
    if not isinstance(rows, list) or not rows:
        return result
    edit(trigger, rows)
    return json.dumps(document, separators=(",", ":"))


def without_holes(result: str, is_hole: Callable[[int], bool]) -> str:
    """A kline result without the bars that the exchange does not have."""
    document = json.loads(result)
    document["list"] = [row for row in document["list"] if not is_hole(int(row[0]))]
    return json.dumps(document, separators=(",", ":"))


def _missing(trigger: Trigger, rows: list[Any]) -> None:
    for _ in range(min(trigger.rule.rows, len(rows))):
        del rows[trigger.rng.randrange(len(rows))]


def _doubled(trigger: Trigger, rows: list[Any]) -> None:
    for _ in range(trigger.rule.rows):
        at = trigger.rng.randrange(len(rows))
        rows.insert(at, rows[at])


def _unordered(trigger: Trigger, rows: list[Any]) -> None:
    trigger.rng.shuffle(rows)


def _short(trigger: Trigger, rows: list[Any]) -> None:
    del rows[trigger.rule.rows :]


_EDITS: dict[str, Callable[[Trigger, list[Any]], None]] = {
    "rows_missing": _missing,
    "rows_doubled": _doubled,
    "rows_unordered": _unordered,
    "short_page": _short,
}
