"""Refusals that the exchange answers with."""

from __future__ import annotations


class Refusal(Exception):  # noqa: N818 - an answer of the exchange, not an error of ours
    """A request the exchange refuses: its code and text go into the envelope."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def bad_parameter(message: str) -> Refusal:
    """The exchange's 10001."""
    return Refusal(10001, message)
