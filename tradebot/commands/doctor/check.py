"""One line of the doctor's answer: what was looked at, what was found, how well that is, what to do."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any


class State(Enum):
    """How well something is: as it should be, works but could be better, falls short."""

    OK = "ok"
    HINT = "hint"
    WRONG = "wrong"


_MARKS = {State.OK: "ok", State.HINT: "!", State.WRONG: "x"}
_PAGE = 118


@dataclass(frozen=True, slots=True)
class Check:
    """What was found. `advice` is a sentence that says what to do; empty where nothing needs to be done."""

    group: str
    name: str
    value: str
    state: State = State.OK
    advice: str = ""


def document_of(checks: Sequence[Check]) -> dict[str, Any]:
    """The checks as plain values: `{"ok": true, "checks": [{"group", "name", "value", "state", "advice"}, ...]}`."""
    rows = [
        {
            "group": each.group,
            "name": each.name,
            "value": each.value,
            "state": each.state.value,
            "advice": each.advice,
        }
        for each in checks
    ]
    return {"ok": all_well(checks), "checks": rows}


def all_well(checks: Sequence[Check]) -> bool:
    """Whether nothing falls short; a hint is no shortfall."""
    return not any(each.state is State.WRONG for each in checks)


def text_of(checks: Sequence[Check]) -> str:
    """The checks as a page: a heading for each group, a line for each check, its advice below it.

    >>> print(text_of([Check("Machine", "Python", "3.13.1")]))
    Machine
      ok  Python  3.13.1
    <BLANKLINE>
    All well.
    """
    width = max((len(each.name) for each in checks), default=0)
    lines: list[str] = []
    group = ""
    for each in checks:
        if each.group != group:
            lines += [""] if lines else []
            lines.append(each.group)
            group = each.group
        lines.append(f"  {_MARKS[each.state]:<2}  {each.name:<{width}}  {each.value}".rstrip())
        if each.advice:
            lines += textwrap.wrap(
                each.advice,
                _PAGE,
                initial_indent=" " * (width + 8),
                subsequent_indent=" " * (width + 8),
                break_on_hyphens=False,
                break_long_words=False,
            )
    return "\n".join([*lines, "", _verdict(checks)])


def _verdict(checks: Sequence[Check]) -> str:
    wrong = sum(each.state is State.WRONG for each in checks)
    hints = sum(each.state is State.HINT for each in checks)
    if not wrong and not hints:
        return "All well."
    said = [
        f"{count} {one if count == 1 else many}"
        for count, one, many in (
            (wrong, "thing falls short (x)", "things fall short (x)"),
            (hints, "hint (!)", "hints (!)"),
        )
        if count
    ]
    return f"{', '.join(said)}; what to do stands below each."
