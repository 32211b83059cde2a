"""One request budget and one ban for all tradebot processes of this machine: a small file that they pass around.

The exchange counts an address, not a program. Each process therefore takes its requests, a few at a time, out of a
file that all of them keep: who holds how many, when those that were answered are free again, when the next may go,
and until when the address is banned. The file is an aid: damaged, missing, locked or dated in the future it is passed
over, and each process keeps within its own share.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
from filelock import FileLock, Timeout

from tradebot.engine.control.clock import Clock

_BYBIT = re.compile(
    r"(?:^|\.)(?:bybit(?:-tr)?\.[a-z.]{2,7}|bytick\.com|bybit\.com\.hk|bybitgeorgia\.ge|manepa\.jp)$"
)
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_VERSION = 1
# Requests handed out at once, and how far ahead of their time: few enough that another process never waits long.
MOST_AT_ONCE = 12
_AHEAD_MS = 120.0
# A process that was not heard of for so long holds nothing any more; its requests have left the exchange's window.
_LEASE_MS = 15_000
_WAITING_MS = 500
_BUCKET_MS = 25
_BURST = 0.04
# Nobody is banned for longer; a later end or a later time of writing comes from a clock that was wrong.
_LONGEST_BAN_MS = 3_600_000
_FUTURE_MS = 2_000
_FORGOTTEN_S = 3_600
_PATIENCE_S = 0.2


def shared_budget_file(folder: Path, url: str) -> Path:
    """The file of an exchange in the user's state folder: one for all of Bybit's hosts, which count together."""
    parts = urlsplit(url)
    host = parts.hostname or "unknown"
    name = "bybit" if _BYBIT.search(host) else re.sub(r"[^a-z0-9.]+", "-", host)
    if host in _LOOPBACK or (name != "bybit" and parts.port):
        name += f"_{parts.port or 80}"
    return folder / "budget" / f"{name}.json"


@dataclass(frozen=True, slots=True)
class Ask:
    """What a process wants: up to `wanted` requests out of `allowed` in any `window_ms`.

    `returned` are the moments (UTC ms) from which requests it held before are free again; `unused` how many it never
    sent. Bulk work (`background`) goes after whoever else waits.
    """

    wanted: int
    allowed: int
    window_ms: float
    returned: Sequence[float] = ()
    unused: int = 0
    background: bool = False


@dataclass(frozen=True, slots=True)
class Grant:
    """When each granted request may go (UTC ms), else in how many seconds to ask again; and the end of a ban."""

    times_ms: tuple[float, ...]
    wait_s: float
    banned_until_ms: int | None


@dataclass(slots=True)
class _Holder:
    """What one process holds, when it was last heard of, and since when it waits in vain (0: it does not)."""

    count: int = 0
    seen_ms: int = 0
    waiting_ms: int = 0


@dataclass(slots=True)
class _State:
    """What the file says."""

    due_ms: float = 0.0
    banned_until_ms: int = 0
    holders: dict[str, _Holder] = field(default_factory=dict)
    returning: dict[int, int] = field(
        default_factory=dict
    )  # number of requests by the moment they are free again

    def used(self, now: int) -> int:
        """Requests that count now; what is over is dropped."""
        for at in [at for at in self.returning if at <= now]:
            del self.returning[at]
        for who in [who for who, holder in self.holders.items() if holder.seen_ms < now - _LEASE_MS]:
            del self.holders[who]
        return sum(self.returning.values()) + sum(holder.count for holder in self.holders.values())


class BusyError(Exception):
    """Another process has the file right now; it will be free in a moment."""


class SharedBudget:
    """A process' access to the file; asking never waits for the lock.

    `who` names this process among the others. Methods raise OSError where the file cannot be used at all and
    BusyError where another process is at it.
    """

    def __init__(self, file: Path, clock: Clock, who: str | None = None) -> None:
        self._file = file
        self._clock = clock
        self._who = who or f"{os.getpid()}-{id(self):x}"
        self._lock: FileLock | None = None

    def reserve(self, ask: Ask) -> Grant:
        """Give back what was returned and take what is free."""
        with self._locked():
            now = self._clock.now_ms()
            state = self._read(now)
            me = state.holders.setdefault(self._who, _Holder())
            me.seen_ms = now
            me.count = max(0, me.count - len(ask.returned) - ask.unused)
            for at in ask.returned:
                bucket = -(-round(at) // _BUCKET_MS) * _BUCKET_MS
                state.returning[bucket] = state.returning.get(bucket, 0) + 1
            grant = self._grant(state, me, ask, now)
            me.count += len(grant.times_ms)
            self._write(state, now)
        return grant

    def _grant(self, state: _State, me: _Holder, ask: Ask, now: int) -> Grant:
        free = ask.allowed - state.used(now)
        if state.banned_until_ms > now:
            return Grant((), min(1.0, (state.banned_until_ms - now) / 1000), state.banned_until_ms)
        others_wait = any(
            holder.waiting_ms > now - _WAITING_MS for who, holder in state.holders.items() if who != self._who
        )
        if ask.background and others_wait:
            return Grant((), 0.02, None)
        interval = ask.window_ms / ask.allowed
        due = state.due_ms if state.due_ms < now + 2 * ask.window_ms else now
        due = max(due, now - ask.window_ms * _BURST)
        in_reach = int((now + _AHEAD_MS - due) // interval) + 1
        count = max(0, min(ask.wanted, free, MOST_AT_ONCE, in_reach))
        me.waiting_ms = 0 if count or ask.background or not ask.wanted else now
        if count:
            times = tuple(due + n * interval for n in range(count))
            state.due_ms = times[-1] + interval
            return Grant(times, 0.0, None)
        if free > 0:
            return Grant((), max(0.002, (due - now - _AHEAD_MS) / 1000), None)
        first = min(state.returning, default=now + 20)
        longest = 0.25 if ask.background else 0.05
        return Grant((), min(longest, max(0.002, (first - now) / 1000)), None)

    def ban(self, until_ms: int) -> None:
        """Let every process wait until then; a later end that is known already stays. Waits a little for the lock."""
        with self._locked(_PATIENCE_S):
            now = self._clock.now_ms()
            state = self._read(now)
            state.banned_until_ms = max(state.banned_until_ms, until_ms)
            self._write(state, now)

    def banned_until_ms(self) -> int | None:
        """The end of the ban (UTC ms), None where there is none."""
        now = self._clock.now_ms()
        with self._locked():
            until = self._read(now).banned_until_ms
        return until if until > now else None

    def leave(self, returned: Sequence[float] = ()) -> None:
        """Give everything back: this process asks no more. Waits a little for the lock."""
        with self._locked(_PATIENCE_S):
            now = self._clock.now_ms()
            state = self._read(now)
            state.holders.pop(self._who, None)
            for at in returned:
                state.returning[round(at)] = state.returning.get(round(at), 0) + 1
            self._write(state, now)

    def _locked(self, patience_s: float = 0.0) -> _Held:
        if self._lock is None:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._forget_dead_ports()
            self._lock = FileLock(self._file.with_suffix(".lock"), thread_local=False)
        return _Held(self._lock, patience_s)

    def _forget_dead_ports(self) -> None:
        """Remove files of simulated exchanges that ended long ago."""
        for file in self._file.parent.glob("*_*.*"):
            host = file.name.rpartition("_")[0]
            if host in _LOOPBACK and file.stem != self._file.stem:
                try:
                    age_s = self._clock.now_ms() / 1000 - file.stat().st_mtime
                    if age_s > _FORGOTTEN_S:
                        file.unlink()
                except OSError:
                    continue  # somebody else removed or has it: it is tried again next time

    def _read(self, now: int) -> _State:
        try:
            return _state_of(orjson.loads(self._file.read_bytes()), now)
        except (FileNotFoundError, ValueError, TypeError, LookupError, AttributeError):
            return _State()

    def _write(self, state: _State, now: int) -> None:
        content = {
            "version": _VERSION,
            "written_ms": now,
            "due_ms": round(state.due_ms, 1),
            "banned_until_ms": state.banned_until_ms,
            "holders": {
                who: [holder.count, holder.seen_ms, holder.waiting_ms]
                for who, holder in state.holders.items()
            },
            "returning": sorted(state.returning.items()),
        }
        fresh = self._file.with_suffix(".new")
        fresh.write_bytes(orjson.dumps(content))
        os.replace(fresh, self._file)


class _Held:
    """The lock for the length of a `with`, or BusyError where it is not free in time."""

    def __init__(self, lock: FileLock, patience_s: float) -> None:
        self._lock = lock
        self._patience_s = patience_s

    def __enter__(self) -> None:
        try:
            self._lock.acquire(timeout=self._patience_s, poll_interval=0.002)
        except Timeout:
            raise BusyError from None

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def _state_of(content: Mapping[str, Any], now: int) -> _State:
    """The content of the file where it can be true; ValueError, TypeError or LookupError where it is something else."""
    if content["version"] != _VERSION:
        raise ValueError("written by another version")
    banned = _whole(content["banned_until_ms"])
    banned = banned if banned <= now + _LONGEST_BAN_MS else 0
    if _whole(content["written_ms"]) > now + _FUTURE_MS:
        return _State(banned_until_ms=banned)
    state = _State(float(_whole(round(content["due_ms"]))), banned)
    for who, (count, seen_ms, waiting_ms) in content["holders"].items():
        state.holders[str(who)] = _Holder(_whole(count), _whole(seen_ms), _whole(waiting_ms))
    state.returning = {_whole(at): _whole(count) for at, count in content["returning"]}
    return state


def _whole(value: object) -> int:
    if isinstance(value, int) and 0 <= value < 10**15:
        return value
    raise ValueError("no whole number")
