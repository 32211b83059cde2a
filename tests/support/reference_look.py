"""How a rule of the reference looks at the bars: values by name and bar, and what it reads in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Column = Sequence[float | None]
Reading = tuple[bool, bool] | None
"""(true, opposite is true), None where something is missing."""


class MissingValueError(Exception):
    """A value that a rule needs is not there."""


class Look:
    """Values by name and bar."""

    def __init__(self, columns: Mapping[str, Column], values: Mapping[str, Any]) -> None:
        self.columns = columns
        self.values = values

    def __call__(self, name: str, at: int) -> float:
        named = self.values.get(name, name)
        if not isinstance(named, str):
            return float(named)
        value = self.columns[named][at] if at >= 0 else None
        if value is None:
            raise MissingValueError
        return value

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def span(self, name: str, first: int, last: int) -> list[float]:
        """The values of the bars first..last."""
        return [self(name, at) for at in range(first, last + 1)]
