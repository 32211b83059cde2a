"""One rule of a fault plan, and when it strikes."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from typing import Any

from tradebot.engine.simulator.faults.kinds import KINDS, Side

ALL = "*"


@dataclass(frozen=True, slots=True)
class FaultRule:
    """What goes wrong, where, when and how much. Patterns know `*` and `?`; times are UTC ms of the exchange.

    `nth` strikes at that matching call only, `every` at each that many, `probability` by chance; without any of them
    at each. `count` ends it after so many strikes, `from_ms <= time < until_ms` bounds it. `seconds` are real ones.
    A "call" is a request, a connection (`refuse`), a ping (`no_pong`) or a frame of the stream.
    """

    kind: str
    where: str = ALL
    symbol: str = ALL
    category: str = ALL
    interval: str = ALL
    nth: int | None = None
    every: int | None = None
    probability: float | None = None
    count: int | None = None
    from_ms: int | None = None
    until_ms: int | None = None
    seconds: float = 1.0
    jitter_seconds: float = 0.0
    status: int = 502
    code: int = 10000
    rows: int = 1

    @property
    def side(self) -> Side:
        """What it disturbs."""
        return KINDS[self.kind].side

    def matches(self, place: Place) -> bool:
        """Whether a call happens where the rule looks."""
        return (
            (self.where == ALL or fnmatchcase(place.where, self.where))
            and (self.symbol == ALL or fnmatchcase(place.symbol, self.symbol))
            and (self.category == ALL or place.category == self.category)
            and (self.interval == ALL or place.interval == self.interval)
        )

    def lasts(self, now_ms: int) -> bool:
        """Whether the moment lies between `from` and `until`."""
        return (self.from_ms is None or self.from_ms <= now_ms) and (
            self.until_ms is None or now_ms < self.until_ms
        )

    def to_json(self) -> dict[str, Any]:
        """The rule as a plan writes it: only what differs from the defaults, times in ms."""
        given = {each.name: getattr(self, each.name) for each in fields(self)}
        usual = {each.name: each.default for each in fields(self)}
        own = KINDS[self.kind].keys | {"kind"}
        return {
            name.removesuffix("_ms"): value
            for name, value in given.items()
            if name in own or value != usual[name]
        }


@dataclass(frozen=True, slots=True)
class Place:
    """Where a call happens: a REST path or stream topic, and what it is about."""

    where: str
    symbol: str = ""
    category: str = ""
    interval: str = ""

    @staticmethod
    def of_request(path: str, query: Mapping[str, str]) -> Place:
        """The place of a REST call."""
        return Place(
            path, query.get("symbol", ""), query.get("category") or "linear", query.get("interval", "")
        )

    @staticmethod
    def of_topic(category: str, topic: str) -> Place:
        """The place of a stream frame."""
        parts = topic.split(".")
        return Place(topic, parts[-1], category, parts[1] if len(parts) == 3 else "")


class Trigger:
    """Counts the calls that match one rule and says which of them it strikes. Chance follows from `seed` alone."""

    def __init__(self, number: int, rule: FaultRule, seed: int | str) -> None:
        self.number = number
        self.rule = rule
        self.rng = random.Random(f"{seed}/{number}/{rule.kind}")  # its own numbers, whatever others draw
        self.calls = 0
        self.strikes = 0

    def fires(self, place: Place, now_ms: int) -> bool:
        """Count one call; whether it is struck."""
        rule = self.rule
        if not rule.lasts(now_ms) or not rule.matches(place):
            return False
        if rule.count is not None and self.strikes >= rule.count:
            return False
        self.calls += 1
        if rule.nth is not None and self.calls != rule.nth:
            return False
        if rule.every is not None and self.calls % rule.every:
            return False
        if rule.probability is not None and self.rng.random() >= rule.probability:
            return False
        self.strikes += 1
        return True

    def seconds(self) -> float:
        """How long this strike lasts, jitter included."""
        return self.rule.seconds + self.rng.uniform(0.0, self.rule.jitter_seconds)
