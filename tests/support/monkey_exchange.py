"""The demo's simulated exchange: found among the app's children, disturbed, asked for the truth."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Sequence
from typing import Any

import psutil

from tradebot.engine.market import DatasetKey
from tradebot.engine.simulator.faults.plan import FaultPlan
from tradebot.engine.simulator.faults.random_plan import random_plan

_MODULE = "tradebot.engine.simulator"
_PAGE_BARS = 5_000
_MINUTE_MS = 60_000
_SECONDS = 20.0


class DemoExchange:
    """The control address of the simulated exchange that an app of this process id has started.

    What cannot be had raises OSError: the exchange has ended, or is about to.
    """

    def __init__(self, app_pid: int) -> None:
        self._app = psutil.Process(app_pid)
        self._url = ""
        self.faults: list[str] = []

    @property
    def found(self) -> bool:
        """Whether it listens by now."""
        if not self._url:
            try:
                ports = [port for child in self._app.children() for port in _listening(child)]
            except psutil.Error:
                return False
            self._url = f"http://127.0.0.1:{ports[0]}" if ports else ""
        return bool(self._url)

    def disturb(self, seed: int, span_seconds: float, symbols: Sequence[str]) -> None:
        """Instead of what went wrong so far, faults drawn from a number, for so many seconds of the exchange."""
        self.calm()
        now_ms = int(self._ask("GET", "state")["time_ms"])
        plan = random_plan(seed, now_ms, int(span_seconds * 1000), symbols, calm_ms=0)
        # A hole in what has been collected already would make a lie of the truth.
        later = [
            rule for rule in plan.rules if rule.kind != "hole" or (rule.from_ms or 0) > now_ms + _MINUTE_MS
        ]
        self._ask("POST", "faults", FaultPlan(tuple(later)).to_json())
        self.faults = [rule.kind for rule in later]

    def calm(self) -> None:
        """No faults from now on; holes and the clock cannot be taken back."""
        self._ask("DELETE", "faults")
        self.faults = []

    def bars(self, key: DatasetKey, first_ms: int, last_ms: int) -> list[list[str]]:
        """The closed bars that it has, from the first to the last open time, as texts."""
        frame = key.timeframe
        rows: list[list[str]] = []
        start = first_ms
        while start <= last_ms:
            end = min(start + _PAGE_BARS * frame.ms, last_ms + 1)
            asked = f"truth?category={key.category}&symbol={key.symbol}&interval={frame.interval}"
            rows += self._ask("GET", f"{asked}&start={start}&end={end}")["list"]
            start = end
        return rows

    def _ask(self, method: str, what: str, body: str = "") -> Any:
        if not self.found:
            raise OSError("the simulated exchange is not there")
        request = urllib.request.Request(  # noqa: S310 - an address of this machine
            f"{self._url}/sim/{what}", data=body.encode() or None, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310 - as above
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            raise OSError(f"{method} {what}: {error.read().decode(errors='replace')}") from None


def _listening(process: psutil.Process) -> list[int]:
    if _MODULE not in process.cmdline():
        return []
    return [
        each.laddr.port
        for each in process.net_connections(kind="tcp")
        if each.status == psutil.CONN_LISTEN and each.laddr
    ]
