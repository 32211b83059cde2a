"""What the value or line under the cursor means, in a sentence or two."""

from __future__ import annotations

from tradebot.engine.messages import FormField
from tradebot.screens.build_lines import FormLine, LineKind

__all__ = ["explanation", "line_help"]


def explanation(field: FormField) -> str:
    """What a field means, in full: help, that of the chosen option, limits, default."""
    chosen = ""
    text = field.text or field.default
    if len(field.choice_help) == len(field.choices) and text in field.choices:
        chosen = field.choice_help[field.choices.index(text)]
        chosen = f"{text}: {chosen}" if chosen else ""
    limits = ""
    if field.low is not None or field.high is not None:
        low, high = ("" if each is None else f"{each:g}" for each in (field.low, field.high))
        limits = (
            f"{low} to {high}.".strip() if low and high else f"at least {low}." if low else f"at most {high}."
        )
    default = f"Empty: {field.default}." if field.default else ""
    return "  ".join(part for part in (chosen, field.help, limits, default) if part)


def line_help(line: FormLine) -> str:
    """What the line under the cursor is about."""
    if line.row is not None:
        return "  ".join(part for part in (line.row.note, line.row.help, line.row.node) if part)
    if line.kind is LineKind.ADD:
        return "A rule in words, such as rsi<30 or ema 9 crosses above ema 21: n or Enter asks for it."
    return line.section.help if line.section is not None else ""
