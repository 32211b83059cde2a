"""The REST port on pybit: one HTTP session per worker thread, pybit's own retries off."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

from tradebot.engine.exchange.errors import (
    ExchangeError,
    error_for_status,
    not_json,
    timed_out,
    unreachable,
)
from tradebot.engine.exchange.ports import Parameters
from tradebot.engine.exchange.urls import check_base_url
from tradebot.engine.exchange.workers import DaemonWorkers

if TYPE_CHECKING:
    from pybit.unified_trading import HTTP
    from requests import Response

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
    """This thread's pybit session and the last response it received."""

    http: HTTP | None = None
    response: Response | None = None


class PybitRest:
    """Calls Bybit's public REST interface on up to `threads` worker threads.

    pybit is imported and sessions are made at the first call. A call that is cancelled runs out on its thread; its
    answer is thrown away.
    """

    def __init__(self, url: str, timeout_s: float = 10.0, threads: int = 16) -> None:
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
        from requests import exceptions as faults

        session = self._local.http or self._new_session()
        self._local.response = None
        try:
            envelope = getattr(session, _CALLS[path])(**query)
        except InvalidRequestError:
            envelope = self._refusal(path)
        except FailedRequestError:
            raise self._failure(path) from None
        except (faults.ConnectTimeout, faults.ProxyError, faults.SSLError, faults.InvalidURL):
            raise unreachable(self._url) from None
        except faults.ConnectionError as error:
            raise self._broken(error, path) from None
        except faults.RequestException:
            raise timed_out(self._url, path) from None
        except (ValueError, AttributeError, TypeError, LookupError):
            # pybit trips over answers that are JSON but no object, or an error without its text.
            raise not_json(self._url, path, self._body()) from None
        if not isinstance(envelope, dict):
            raise not_json(self._url, path, self._body())
        return envelope

    def _new_session(self) -> HTTP:
        from pybit.unified_trading import HTTP

        session = HTTP(
            testnet=False,
            timeout=(min(CONNECT_TIMEOUT_S, self._timeout_s), self._timeout_s),
            force_retry=False,
            max_retries=1,
            retry_codes=_NEVER_SENT,
        )
        session.endpoint = self._url
        # The environment is read by the settings only; a session would also look for proxies and .netrc each time.
        session.client.trust_env = False
        session.client.hooks["response"].append(self._keep)
        _silence(session.logger)
        self._local.http = session
        return session

    def _keep(self, response: Response, *_: object, **__: object) -> None:
        """Remember the response: pybit does not hand on the body of a failure."""
        self._local.response = response
        self._server_name = response.headers.get("Server", "")

    def _body(self) -> str:
        response = self._local.response
        return response.text if response is not None else ""

    def _refusal(self, path: str) -> dict[str, Any]:
        """The envelope of an answer with a retCode, which pybit turned into an exception."""
        response = self._local.response
        try:
            envelope = response.json() if response is not None else None
        except ValueError:
            envelope = None
        if not isinstance(envelope, dict):
            raise not_json(self._url, path, self._body())
        reset = response.headers.get("X-Bapi-Limit-Reset-Timestamp") if response is not None else None
        if reset is not None and reset.isdigit():
            envelope["limitResetTimestamp"] = int(reset)
        return envelope

    def _failure(self, path: str) -> ExchangeError:
        """An HTTP status other than 200, or 200 without JSON."""
        response = self._local.response
        if response is None or response.status_code == 200:
            return not_json(self._url, path, self._body())
        return error_for_status(response.status_code, response.text, self._url, path)

    def _broken(self, error: Exception, path: str) -> ExchangeError:
        """A connection that broke under way is no wrong address: the exchange was there."""
        from urllib3.exceptions import ProtocolError

        if any(isinstance(cause, ProtocolError) for cause in error.args):
            return timed_out(self._url, path)
        return unreachable(self._url)


def _silence(logger: logging.Logger) -> None:
    """Take away the console handler that pybit gives its logger: the terminal belongs to the app."""
    for handler in list(logger.handlers):
        if type(handler) is logging.StreamHandler:
            logger.removeHandler(handler)
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
