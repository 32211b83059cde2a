"""An answer of the simulated exchange, before it goes on any wire."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

JSON = {"Content-Type": "application/json"}
HTML = {"Content-Type": "text/html"}


@dataclass(frozen=True, slots=True)
class Reply:
    """HTTP status, body and headers."""

    status: int
    text: str
    headers: Mapping[str, str] = field(default_factory=lambda: JSON)

    def with_headers(self, more: Mapping[str, str]) -> Reply:
        """The same answer with more headers."""
        return replace(self, headers={**self.headers, **more})

    def with_text(self, text: str) -> Reply:
        """The same answer with another body."""
        return replace(self, text=text)
