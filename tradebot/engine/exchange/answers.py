"""From the bytes of an HTTP answer to an envelope, or to a failure by its kind; the same whatever carried them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from tradebot.engine.exchange.errors import error_for_status, not_json

# Under this name the limit headers of an answer stand in its envelope.
RATE_LIMIT = "rateLimit"
_HEADERS = {
    "limit": "X-Bapi-Limit",
    "remaining": "X-Bapi-Limit-Status",
    "reset_ms": "X-Bapi-Limit-Reset-Timestamp",
}
_MOST_DIGITS = 15
_LIST = b'"list":[["'


@dataclass(frozen=True, slots=True)
class RowsText:
    """A `result.list` of rows of texts that was not taken apart: fields joined by commas, rows by line feeds.

    What it holds is not checked yet.
    """

    text: bytes

    def taken_apart(self) -> list[list[str]]:
        """The rows as lists of texts."""
        return [line.split(",") for line in self.text.decode("utf-8", "replace").split("\n")]


def loads(body: bytes) -> Any:
    """The body as JSON; a list of rows, as bars come, stays text (see `RowsText`) where it can.

    Taking a page of bars apart makes seven thousand objects that are put together again right afterwards.
    Raises ValueError where it is no JSON.
    """
    start = body.find(_LIST)
    end = body.find(b'"]]', start)
    if start < 0 or end <= start + len(_LIST):
        return orjson.loads(body)
    rows = body[start + len(_LIST) : end]
    text = rows.replace(b'"],["', b"\n").replace(b'","', b",")
    # A comma or line end inside a field would look like the end of one, and what is escaped is not what it looks like.
    if b"\\" in rows or len(rows) - len(text) != 2 * text.count(b",") + 4 * text.count(b"\n"):
        return orjson.loads(body)
    envelope = orjson.loads(body[: start + len(_LIST) - 3] + b"[]" + body[end + 3 :])
    result = envelope.get("result") if isinstance(envelope, dict) else None
    if not isinstance(result, dict) or result.get("list") != []:
        return orjson.loads(body)
    result["list"] = RowsText(text)
    return envelope


class Answer:
    """One HTTP answer, in the form in which pybit looks at it, and as we read it.

    `headers` are looked up by the names the exchange gives them, in any case where the mapping allows it.
    """

    def __init__(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.status_code = status
        self.headers = headers
        self._body = body
        self._decoded: Any = None

    @property
    def text(self) -> str:
        """The body as text, whatever it is."""
        return self._body.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as JSON, decoded once. Raises ValueError where it is none."""
        if self._decoded is None:
            self._decoded = loads(self._body)
        return self._decoded

    def envelope(self, url: str, path: str) -> dict[str, Any]:
        """The envelope, whatever its retCode; the limit headers that are there stand in it under `RATE_LIMIT`.

        Raises ExchangeError for a status other than 200 and for a body that is no JSON object.
        """
        if self.status_code != 200:
            raise error_for_status(self.status_code, self.text, url, path)
        try:
            envelope = self.json()
        except ValueError:
            envelope = None
        if not isinstance(envelope, dict):
            raise not_json(url, path, self.text)
        envelope[RATE_LIMIT] = {
            name: int(text)
            for name, header in _HEADERS.items()
            if (text := self.headers.get(header)) and _whole(text)
        }
        return envelope


def _whole(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS
