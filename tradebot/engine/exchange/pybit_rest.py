"""The REST port on pybit: one session and connection per worker thread, pybit's own retries off."""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from tradebot.engine.exchange.errors import timed_out
from tradebot.engine.exchange.ports import Parameters
from tradebot.engine.exchange.urls import check_base_url
from tradebot.engine.exchange.workers import DaemonWorkers

if TYPE_CHECKING:
    from pybit.unified_trading import HTTP

    from tradebot.engine.exchange.transport import Transport

_CALLS = {
    "/v5/market/time": "get_server_time",
    "/v5/market/kline": "get_kline",
    "/v5/market/mark-price-kline": "get_mark_price_kline",
    "/v5/market/instruments-info": "get_instruments_info",
    "/v5/market/tickers": "get_tickers",
    "/v5/market/funding/history": "get_funding_rate_history",
    "/v5/market/risk-limit": "get_risk_limit",
}
CONNECT_TIMEOUT_S = 5.0
# pybit replaces an empty set by codes it sleeps on; a code that is never sent keeps it from retrying.
_NEVER_SENT = {-987654321}


class _Session(threading.local):
    """This thread's pybit session and what it sends through."""

    http: HTTP | None = None
    transport: Transport | None = None


class PybitRest:
    """Calls Bybit's public REST interface on up to `threads` worker threads.

    pybit is imported and sessions are made at the first call. A call that is cancelled runs out on its thread; its
    answer is thrown away.
    """

    def __init__(self, url: str, timeout_s: float = 10.0, threads: int = 128) -> None:
        self._url = check_base_url(url)
        self._timeout_s = timeout_s
        self._local = _Session()
        self._workers = DaemonWorkers(threads, "bybit-rest")
        self._server_name = ""

    @property
    def url(self) -> str:
        """Base address."""
        return self._url

    @property
    def server_name(self) -> str:
        """What the last answer called its server: our simulator says there which market it plays."""
        return self._server_name

    async def get(self, path: str, params: Parameters) -> dict[str, Any]:
        """One call on a worker thread; see `RestPort.get`. Raises ValueError for a path it does not know."""
        if path not in _CALLS:
            raise ValueError(f"{path} is not one of the calls this client makes: {', '.join(_CALLS)}")
        query = dict(params)
        return await self._workers.run(lambda: self._call(path, query))

    def close(self) -> None:
        """Let the worker threads end; running calls are not waited for."""
        self._workers.close()

    def _call(self, path: str, query: dict[str, Any]) -> dict[str, Any]:
        from pybit.exceptions import FailedRequestError, InvalidRequestError

        http, transport = self._session()
        transport.answer = None
        # What pybit makes of an answer says less than the answer itself, which is read below; and it trips over answers
        # that are JSON but no object, or an error without its text.
        with suppress(
            FailedRequestError, InvalidRequestError, ValueError, AttributeError, TypeError, LookupError
        ):
            getattr(http, _CALLS[path])(**query)
        answer = transport.answer
        if answer is None:
            raise timed_out(self._url, path)
        self._server_name = answer.headers.get("Server", "")
        return answer.envelope(self._url, path)

    def _session(self) -> tuple[HTTP, Transport]:
        if self._local.http is None or self._local.transport is None:
            self._local.http, self._local.transport = self._new_session()
        return self._local.http, self._local.transport

    def _new_session(self) -> tuple[HTTP, Transport]:
        from pybit.unified_trading import HTTP

        from tradebot.engine.exchange.transport import Transport

        session = HTTP(testnet=False, force_retry=False, max_retries=1, retry_codes=_NEVER_SENT)
        session.endpoint = self._url
        session.client.close()
        transport = Transport(self._url, min(CONNECT_TIMEOUT_S, self._timeout_s), self._timeout_s)
        session.client = transport
        _silence(session.logger)
        return session, transport


def _silence(logger: logging.Logger) -> None:
    """Take away the console handler that pybit gives its logger: the terminal belongs to the app."""
    for handler in list(logger.handlers):
        if type(handler) is logging.StreamHandler:
            logger.removeHandler(handler)
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
