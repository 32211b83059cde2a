"""pybit's failures, over real sockets, become failures of ours: typed, and in our words."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tradebot.engine.exchange import ExchangeError, FailureKind, PybitRest
from tradebot.engine.exchange.answers import RATE_LIMIT

pytestmark = pytest.mark.sockets

Answer = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Answers every request the way the test says."""

    protocol_version = "HTTP/1.1"
    answer: Answer
    asked: list[str]

    def do_GET(self) -> None:
        type(self).asked.append(self.path)
        type(self).answer(self)

    def reply(self, status: int, body: str, kind: str = "application/json", **headers: str) -> None:
        data = body.encode("latin-1")
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: Any) -> None:
        """Nothing."""


@contextmanager
def serving(answer: Answer) -> Iterator[tuple[str, list[str]]]:
    asked: list[str] = []
    handler = type("ThisHandler", (Handler,), {"answer": staticmethod(answer), "asked": asked})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        server.server_close()


async def get(
    url: str, path: str = "/v5/market/time", timeout_s: float = 5.0, **params: Any
) -> dict[str, Any]:
    rest = PybitRest(url, timeout_s=timeout_s, threads=2)
    try:
        return await rest.get(path, params)
    finally:
        rest.close()


def envelope(code: int = 0, message: str = "OK") -> str:
    return json.dumps(
        {"retCode": code, "retMsg": message, "result": {}, "retExtInfo": {}, "time": 1_700_000_000_000}
    )


async def test_an_answer_is_handed_on_and_parameters_arrive_unchanged() -> None:
    with serving(lambda request: request.reply(200, envelope())) as (url, asked):
        got = await get(url, "/v5/market/instruments-info", category="linear", cursor="first%3DA%26last%3DB")
        assert got["retCode"] == 0
        assert asked == ["/v5/market/instruments-info?category=linear&cursor=first%3DA%26last%3DB"]


async def test_a_return_code_is_handed_on_with_the_end_of_the_limit() -> None:
    def answer(request: Handler) -> None:
        request.reply(200, envelope(10006, "Too many visits!"), X_Bapi_Limit_Reset_Timestamp="1700000001500")

    with serving(answer) as (url, asked):
        got = await get(url)
        assert (got["retCode"], got[RATE_LIMIT]) == (10006, {"reset_ms": 1700000001500})
        assert len(asked) == 1  # pybit itself did not try again


async def test_a_return_code_without_a_text_is_handed_on() -> None:
    with serving(lambda request: request.reply(200, '{"retCode": 10001}')) as (url, _):
        assert await get(url) == {"retCode": 10001, RATE_LIMIT: {}}


async def test_a_compressed_answer_is_read() -> None:
    def answer(request: Handler) -> None:
        data = gzip.compress(envelope().encode())
        assert "gzip" in request.headers["Accept-Encoding"]
        request.send_response(200)
        request.send_header("Content-Encoding", "gzip")
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        request.wfile.write(data)

    with serving(answer) as (url, _):
        assert (await get(url))["retCode"] == 0


async def test_limit_headers_that_are_no_numbers_are_passed_over() -> None:
    def answer(request: Handler) -> None:
        request.reply(
            200,
            envelope(),
            X_Bapi_Limit="50",
            X_Bapi_Limit_Status="49",
            X_Bapi_Limit_Reset_Timestamp="9" * 5000,
        )

    with serving(answer) as (url, _):
        assert (await get(url))[RATE_LIMIT] == {"limit": 50, "remaining": 49}


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (502, "<html>Bad Gateway</html>", FailureKind.SERVER_ERROR),
        (504, "", FailureKind.SERVER_ERROR),
        (429, "slow down", FailureKind.OVERLOADED),
        (404, "404 page not found", FailureKind.NOT_FOUND),
        (403, "access too frequent", FailureKind.BANNED),
        (403, "<HTML>The Amazon CloudFront distribution blocks your country</HTML>", FailureKind.BLOCKED),
        (400, "", FailureKind.REFUSED),
        (200, "<html>Welcome to the hotel's network</html>", FailureKind.NOT_JSON),
        (200, "", FailureKind.NOT_JSON),
        (200, '{"retCode":0,"result":{"li', FailureKind.NOT_JSON),
        (200, "[1, 2]", FailureKind.NOT_JSON),
        (200, '{"retCode":0,"retMsg":"\xff"}', FailureKind.NOT_JSON),
        (200, "NaN", FailureKind.NOT_JSON),
        (301, "", FailureKind.REFUSED),
    ],
)
async def test_each_bad_answer_is_a_failure_of_its_kind(status: int, body: str, kind: FailureKind) -> None:
    with serving(lambda request: request.reply(status, body)) as (url, asked):
        with pytest.raises(ExchangeError) as caught:
            await get(url)
        assert caught.value.kind is kind
        assert url in caught.value.sentence
        assert "ErrCode" not in caught.value.sentence
        assert caught.value.__cause__ is None
        assert len(asked) == 1


async def test_an_address_where_nobody_listens() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(ExchangeError, match=f"cannot be reached at http://127.0.0.1:{port}: check") as caught:
        await get(f"http://127.0.0.1:{port}")
    assert caught.value.kind is FailureKind.UNREACHABLE


async def test_a_name_that_does_not_exist() -> None:
    with pytest.raises(ExchangeError) as caught:
        await get("http://no-such-host.invalid")
    assert caught.value.kind is FailureKind.UNREACHABLE


async def test_an_answer_that_does_not_come_in_time() -> None:
    gate = threading.Event()
    with serving(lambda request: gate.wait(5) and None) as (url, _):
        with pytest.raises(ExchangeError) as caught:
            await get(url, timeout_s=0.2)
        assert caught.value.kind is FailureKind.TIMEOUT
        gate.set()


async def test_a_connection_that_breaks_before_the_answer() -> None:
    def hang_up(request: Handler) -> None:
        request.connection.shutdown(socket.SHUT_RDWR)
        request.close_connection = True

    with serving(hang_up) as (url, _):
        with pytest.raises(ExchangeError) as caught:
            await get(url)
        assert caught.value.kind is FailureKind.TIMEOUT


async def test_an_answer_that_is_cut_off() -> None:
    def cut(request: Handler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", "1000")
        request.end_headers()
        request.wfile.write(b'{"retCode":0')
        request.close_connection = True

    with serving(cut) as (url, _):
        with pytest.raises(ExchangeError) as caught:
            await get(url)
        assert caught.value.kind in (FailureKind.TIMEOUT, FailureKind.NOT_JSON)


async def test_calls_run_at_the_same_time_each_on_its_own_session() -> None:
    both = threading.Barrier(4, timeout=5)

    def meet(request: Handler) -> None:
        both.wait()
        request.reply(200, envelope())

    with serving(meet) as (url, _):
        rest = PybitRest(url, threads=4)
        answers = await asyncio.gather(*(rest.get("/v5/market/time", {}) for _ in range(4)))
        assert [answer["retCode"] for answer in answers] == [0] * 4
        rest.close()


async def test_closing_does_not_wait_for_a_call_that_hangs() -> None:
    gate, arrived = threading.Event(), threading.Event()

    def hang(request: Handler) -> None:
        arrived.set()
        gate.wait(5)

    with serving(hang) as (url, _):
        rest = PybitRest(url, timeout_s=5)
        call = asyncio.create_task(rest.get("/v5/market/time", {}))
        assert await asyncio.to_thread(arrived.wait, 5)
        began = time.monotonic()
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        rest.close()
        assert time.monotonic() - began < 1
        gate.set()


async def test_pybit_writes_nothing_to_the_terminal() -> None:
    with serving(lambda request: request.reply(200, envelope())) as (url, _):
        await get(url)
    handlers = logging.getLogger("pybit._http_manager").handlers
    assert not [handler for handler in handlers if type(handler) is logging.StreamHandler]


async def test_a_call_this_client_does_not_make_is_a_fault_of_the_program() -> None:
    rest = PybitRest("http://127.0.0.1:1")
    with pytest.raises(ValueError, match="/v5/order/create"):
        await rest.get("/v5/order/create", {})


def test_importing_the_room_does_not_import_the_clients() -> None:
    import subprocess
    import sys

    code = (
        "import sys, tradebot.engine.exchange, tradebot.engine.collect; "
        "print([name for name in ('pybit', 'requests', 'urllib3', 'websockets', 'aiohttp') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
