"""What pybit sends its requests through: one kept connection, no more work for an answer than it needs.

pybit's own session (requests) takes most of the time of a call: it reads the answer in small pieces, looks for
redirects, cookies and hooks, and decodes with the standard library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import certifi
import urllib3
from urllib3 import exceptions as faults

from tradebot.engine.exchange.answers import Answer
from tradebot.engine.exchange.errors import ExchangeError, not_json, timed_out, unreachable

if TYPE_CHECKING:
    import requests

_HEADERS = {"Accept": "application/json", "Accept-Encoding": "gzip, deflate", "User-Agent": "tradebot"}
_NO_CONNECTION = (
    faults.NewConnectionError,
    faults.ConnectTimeoutError,
    faults.SSLError,
    faults.ProxyError,
    faults.LocationValueError,
)


class Transport:
    """Takes the place of a pybit session's `client`. One thread uses it.

    Raises ExchangeError where no answer came. Redirects are not followed: they are answers with their own status.
    """

    def __init__(self, url: str, connect_timeout_s: float, timeout_s: float) -> None:
        self._url = url
        timeout = urllib3.Timeout(connect=connect_timeout_s, read=timeout_s)
        options: dict[str, Any] = {"timeout": timeout, "maxsize": 1, "retries": False, "headers": _HEADERS}
        if url.startswith("https"):
            options |= {"cert_reqs": "CERT_REQUIRED", "ca_certs": certifi.where()}
        self._pool = urllib3.connection_from_url(url, **options)
        self.answer: Answer | None = None

    def prepare_request(self, request: requests.Request) -> requests.Request:
        """pybit has everything prepared already."""
        return request

    def send(self, request: requests.Request, **_: object) -> Answer:
        """Carry out one request of pybit; the answer is also kept in `answer`."""
        target = request.url.removeprefix(self._url)
        self.answer = None
        try:
            reply = self._pool.urlopen(request.method, target, redirect=False, preload_content=True)
        except _NO_CONNECTION:
            raise unreachable(self._url) from None
        except faults.DecodeError:
            raise not_json(self._url, target.partition("?")[0], "") from None
        except (faults.HTTPError, OSError, ValueError):
            raise self._lost(target) from None
        self.answer = Answer(reply.status, reply.data, reply.headers)
        return self.answer

    def _lost(self, target: str) -> ExchangeError:
        """A connection that broke under way is no wrong address: the exchange was there."""
        return timed_out(self._url, target.partition("?")[0])

    def close(self) -> None:
        """Give up the connection."""
        self._pool.close()
