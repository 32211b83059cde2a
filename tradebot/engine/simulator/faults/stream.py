"""Faults of one stream connection: which frames go out, when, how often, and when the connection ends."""

from __future__ import annotations

import re
from typing import NamedTuple

from tradebot.engine.control.clock import Clock
from tradebot.engine.simulator.faults.board import FaultBoard
from tradebot.engine.simulator.faults.rule import Place, Trigger

_TOPIC = re.compile(r'\{"topic":"([^"]+)"')
_START = re.compile(r'"start":(\d+)')
_CONFIRM = '"confirm":true'
_FOR_EVER = float("inf")
Frames = list[tuple[float, str]]


class Verdict(NamedTuple):
    """Frames to send with the seconds that each waits, and the close code where the connection ends."""

    frames: Frames
    close_code: int | None = None


_NOTHING = Verdict([])


class StreamFaults:
    """Carries out the rules about the stream for one connection."""

    def __init__(self, board: FaultBoard, real_clock: Clock) -> None:
        self._board = board
        self._real_clock = real_clock
        self._stalled_until = float("-inf")
        self._silent_until: dict[str, float] = {}
        self._held: Frames = []

    @property
    def any(self) -> bool:
        """Whether frames must be judged at all."""
        return self._board.disturbs_frames or bool(self._held) or self._stalled_until == _FOR_EVER

    def draw_bits(self, count: int) -> int:
        """Random bits that follow from the exchange's seed."""
        return self._board.rng.getrandbits(count)

    def now_ms(self) -> int:
        """The exchange's time."""
        return self._board.now_ms()

    def silence(self) -> None:
        """The connection is about to end: nothing goes out any more."""
        self._stalled_until = _FOR_EVER

    def pong(self) -> bool:
        """Whether a ping that has just come is answered."""
        stalled = self._real_clock.monotonic() < self._stalled_until
        return not self._board.strike_ping(Place("ping")) and not stalled

    def judge(self, category: str, text: str) -> Verdict:
        """What becomes of one frame."""
        now = self._real_clock.monotonic()
        if now < self._stalled_until:
            return _NOTHING
        topic = _TOPIC.match(text)
        if topic is None:
            return self._with_held([(0.0, text)])
        place = Place.of_topic(category, topic[1])
        if now < self._silent_until.get(topic[1], now):
            return _NOTHING
        if self._board.has_holes and place.interval and self._in_hole(place, text):
            return _NOTHING
        strikes = self._board.strike_frame(place, _CONFIRM in text)
        return self._struck(strikes, topic[1], text, now) if strikes else self._with_held([(0.0, text)])

    def _in_hole(self, place: Place, text: str) -> bool:
        start = _START.search(text)
        return start is not None and self._board.is_hole(place, int(start[1]))

    def _struck(self, strikes: list[Trigger], topic: str, text: str, now: float) -> Verdict:
        frames: Frames = [(0.0, text)]
        for trigger in strikes:
            rule = trigger.rule
            if rule.kind == "drop":
                return Verdict([], rule.code)
            if rule.kind == "stall":
                self._stalled_until = now + rule.seconds
                return _NOTHING
            if rule.kind == "silent_topic":
                self._silent_until[topic] = now + rule.seconds
                return _NOTHING
            if rule.kind == "confirm_lost":
                return _NOTHING
            if rule.kind == "confirm_doubled":
                frames.append((rule.seconds, text))
            elif rule.kind == "late":
                frames = [(delay + trigger.seconds(), frame) for delay, frame in frames]
            elif rule.kind == "out_of_order":
                self._held += frames
                return _NOTHING
        return self._with_held(frames)

    def _with_held(self, frames: Frames) -> Verdict:
        held, self._held = self._held, []
        return Verdict(frames + held)
