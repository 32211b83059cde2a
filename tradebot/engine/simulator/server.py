"""The simulated exchange as a server in the running event loop: a thin shell of sockets around `SimulatedExchange`."""

from __future__ import annotations

import asyncio
import errno

from aiohttp import web

from tradebot.engine.control.clock import Clock
from tradebot.engine.control.errors import InputError
from tradebot.engine.simulator.core import STREAM_PATHS, SimulatedExchange
from tradebot.engine.simulator.faults import FaultPlan
from tradebot.engine.simulator.model import MarketModel
from tradebot.engine.simulator.reply import Reply
from tradebot.engine.simulator.settings import SimulatorSettings
from tradebot.engine.simulator.sockets import SocketConnection

# 10048 and 10013 are Windows' own numbers for a port that is in use or reserved.
_PORT_TAKEN = {errno.EADDRINUSE, 10048}
_PORT_FORBIDDEN = {errno.EACCES, 10013}


class Simulator:
    """A simulated Bybit on a loopback socket; `exchange` is what answers.

    `clock` is the exchange's own time (by default what the settings say); `real_clock` measures the request limit and
    the delays of the wire, which do not run faster when the exchange's time does.
    """

    def __init__(
        self,
        settings: SimulatorSettings,
        clock: Clock | None = None,
        real_clock: Clock | None = None,
        plan: FaultPlan | None = None,
    ) -> None:
        self.settings = settings
        self.exchange = SimulatedExchange(settings, clock, real_clock, plan)
        self._connections: set[SocketConnection] = set()
        self._life: asyncio.Task[None] | None = None
        self._runner: web.AppRunner | None = None
        self._url = ""

    @property
    def url(self) -> str:
        """REST base, `http://127.0.0.1:PORT`; empty before the start."""
        return self._url

    @property
    def model(self) -> MarketModel:
        """The prices of the linear perpetuals."""
        return self.exchange.model

    async def start(self) -> str:
        """Begin to listen; returns the REST base. Raises InputError where the port cannot be had."""
        app = web.Application()
        app.on_response_prepare.append(self._sign)
        for path in STREAM_PATHS:
            app.router.add_get(path, self._stream)
        app.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await runner.setup()
        try:
            site = web.TCPSite(runner, self.settings.host, self.settings.port)
            await site.start()
        except OSError as error:
            await runner.cleanup()
            self.exchange.close()
            raise self._no_port(error) from error
        self._runner = runner
        host, port = runner.addresses[0][:2]
        self._url = f"http://{host}:{port}"
        self._life = asyncio.create_task(self.exchange.run(), name="simulator")
        self._life.add_done_callback(_died)
        return self._url

    async def stop(self) -> None:
        """Close every connection and stop listening."""
        if self._life is not None:
            self._life.cancel()
            await asyncio.gather(self._life, return_exceptions=True)
            self._life = None
        self.exchange.close()
        await asyncio.gather(*(connection.finished() for connection in list(self._connections)))
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def _no_port(self, error: OSError) -> InputError:
        host, port = self.settings.host, self.settings.port
        if error.errno in _PORT_TAKEN:
            return InputError(
                f"Port {port} on {host} is already in use by another program; "
                "choose another port, or 0 for any free one."
            )
        if error.errno in _PORT_FORBIDDEN:
            return InputError(
                f"Port {port} on {host} may not be opened; choose one above 1024, or 0 for any free one."
            )
        return InputError(
            f"The simulated exchange cannot listen on {host} port {port}; "
            "give an address of this machine such as 127.0.0.1."
        )

    async def _sign(self, _request: web.Request, response: web.StreamResponse) -> None:
        response.headers["Server"] = self.exchange.server_name

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() != "websocket":
            return web.Response(status=400, text="400 bad request")
        connection = SocketConnection(self.exchange)
        self._connections.add(connection)
        try:
            return await connection.serve(request)
        finally:
            self._connections.discard(connection)

    async def _answer(self, request: web.Request) -> web.Response:
        body = (await request.read()).decode("utf-8", "replace") if request.can_read_body else ""
        try:
            reply = await self.exchange.answer(
                request.method, request.path, request.query, request.remote or "", body
            )
        except (ConnectionResetError, TimeoutError):
            if request.transport is not None:
                request.transport.abort()
            reply = Reply(500, "")
        return web.Response(status=reply.status, text=reply.text, headers=reply.headers)


def _died(task: asyncio.Task[None]) -> None:
    """Say why the stream has ended."""
    if task.cancelled() or task.exception() is None:
        return
    context = {"message": "The simulated exchange's stream has failed.", "exception": task.exception()}
    task.get_loop().call_exception_handler(context)
