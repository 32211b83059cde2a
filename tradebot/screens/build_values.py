"""The next value of a field when it is changed in steps, without typing."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from tradebot.engine.messages import FormField

__all__ = ["stepped"]

_COARSE = 10


def stepped(field: FormField, step: int) -> str | None:
    """The text of the next (1) or previous (-1) value; None where there is none.

    A whole number goes by 1, another number by its last digit (2 counts as 2.0; from 10 on it goes by 1); a switch
    flips; a choice goes round. A number stays within its limits: 1.5 + 1 step = 1.6, and 0.1 at a low of 0.1 stays.
    """
    text = field.text or field.default
    match field.kind:
        case "bool":
            return "false" if text == "true" else "true"
        case "choice":
            if not field.choices:
                return None
            at = field.choices.index(text) if text in field.choices else -1 if step > 0 else 0
            return field.choices[(at + step) % len(field.choices)]
        case "int" | "float":
            return _number(field, text, step)
        case _:
            return None


def _number(field: FormField, text: str, step: int) -> str | None:
    try:
        value = Decimal(text or ("0" if field.low is None else f"{field.low:g}"))
    except InvalidOperation:
        return None
    if not value.is_finite():
        return None
    exponent = value.as_tuple().exponent
    decimals = -exponent if isinstance(exponent, int) and exponent < 0 else 0
    if field.kind == "float" and decimals == 0 and abs(value) < _COARSE:
        decimals = 1
    moved = value + step * Decimal(1).scaleb(-decimals)
    if field.low is not None:
        moved = max(moved, Decimal(f"{field.low:g}"))
    if field.high is not None:
        moved = min(moved, Decimal(f"{field.high:g}"))
    return f"{moved.normalize():f}" if moved != value else None
