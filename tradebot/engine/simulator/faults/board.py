"""The faults that are on: rules can be added and taken away while the exchange runs."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from typing import Any

from tradebot.engine.control.clock import Clock
from tradebot.engine.control.errors import InputError
from tradebot.engine.simulator.faults.kinds import Side
from tradebot.engine.simulator.faults.plan import FaultPlan
from tradebot.engine.simulator.faults.rule import FaultRule, Place, Trigger
from tradebot.engine.simulator.truth import TruthLog

_CONNECTION_KIND, _PING_KIND = "refuse", "no_pong"
_CONFIRM_KINDS = frozenset({"confirm_lost", "confirm_doubled"})
Carry = Callable[[FaultRule], None]


class FaultBoard:
    """Holds the rules by number. The same seed and the same calls give the same strikes.

    `carry` does what rules about the exchange itself ask for, once when they are added: list, delist, skew.
    """

    def __init__(self, plan: FaultPlan, seed: int, clock: Clock, truth: TruthLog, carry: Carry) -> None:
        self._seed = seed
        self._clock = clock
        self._truth = truth
        self._carry = carry
        self._next = 1
        self._rest: dict[int, Trigger] = {}
        self._connections: dict[int, Trigger] = {}
        self._pings: dict[int, Trigger] = {}
        self._frames: dict[int, Trigger] = {}
        self._exchange: dict[int, FaultRule] = {}
        self.rng = random.Random(f"{seed}/connections")
        self.add(plan.rules, plan.source)

    def now_ms(self) -> int:
        """The exchange's time."""
        return self._clock.now_ms()

    # ------------------------------------------------------------------------------------------ rules

    def add(self, rules: Iterable[FaultRule], source: str = "") -> list[int]:
        """Switch rules on; returns their numbers. `source` is where they come from, for sentences.

        Raises InputError where the exchange cannot do what a rule asks of itself; then no fault is switched on.
        """
        listed = list(rules)
        numbered = dict(enumerate(listed, self._next))
        for place, (number, rule) in enumerate(numbered.items(), 1):
            if rule.side is not Side.EXCHANGE:
                continue
            try:
                self._happen(rule)
            except InputError as error:
                where = f"{source}, fault {place}: " if source else ""
                raise InputError(where + error.sentence) from None
            self._exchange[number] = rule
        self._next += len(listed)
        for number, rule in numbered.items():
            if rule.side is not Side.EXCHANGE:
                self._table(rule)[number] = Trigger(number, rule, self._seed)
            self._truth.note("rule", number=number, rule=rule.to_json())
        return list(numbered)

    def _happen(self, rule: FaultRule) -> None:
        """Do at once what a rule about the exchange itself says."""
        if rule.kind == "hole":
            self._truth.add_hole(rule)
        else:
            self._carry(rule)

    def remove(self, number: int) -> bool:
        """Switch one rule off; False where there is none of that number, or where it cannot be undone.

        Holes, listings and delistings have happened; a skew of the clock ends by another skew.
        """
        for table in self._tables():
            if table.pop(number, None) is not None:
                self._truth.note("rule off", number=number)
                return True
        return False

    def clear(self) -> int:
        """Switch all rules off that can be; returns how many."""
        return sum(self.remove(number) for table in self._tables() for number in list(table))

    def describe(self) -> list[dict[str, Any]]:
        """Every rule with its number and how often it has struck."""
        triggers = {number: trigger for table in self._tables() for number, trigger in table.items()}
        listed = [
            {
                "number": number,
                "calls": trigger.calls,
                "strikes": trigger.strikes,
                "rule": trigger.rule.to_json(),
            }
            for number, trigger in triggers.items()
        ]
        listed += [{"number": number, "rule": rule.to_json()} for number, rule in self._exchange.items()]
        return sorted(listed, key=lambda each: int(each["number"]))

    # ------------------------------------------------------------------------------------------ strikes

    @property
    def disturbs_frames(self) -> bool:
        """Whether frames of the stream must be looked at."""
        return bool(self._frames) or self._truth.has_holes

    def strike_request(self, place: Place) -> list[Trigger]:
        """The rules that strike this request."""
        return self._strike(self._rest, place)

    def strike_connection(self, place: Place) -> list[Trigger]:
        """The rules that refuse this connection."""
        return self._strike(self._connections, place)

    def strike_ping(self, place: Place) -> bool:
        """Whether this ping stays without an answer."""
        return bool(self._strike(self._pings, place))

    def strike_frame(self, place: Place, confirms: bool) -> list[Trigger]:
        """The rules that strike this frame; `confirms` says that it closes a bar."""
        if confirms:
            return self._strike(self._frames, place)
        others = {n: each for n, each in self._frames.items() if each.rule.kind not in _CONFIRM_KINDS}
        return self._strike(others, place)

    def is_hole(self, place: Place, open_ms: int) -> bool:
        """Whether the exchange does not have the bar of that open time."""
        return self._truth.is_hole(place.category, place.symbol, place.interval, open_ms)

    @property
    def has_holes(self) -> bool:
        """Whether there are bars that do not exist."""
        return self._truth.has_holes

    def _strike(self, table: dict[int, Trigger], place: Place) -> list[Trigger]:
        if not table:
            return []
        now = self._clock.now_ms()
        struck = [trigger for trigger in table.values() if trigger.fires(place, now)]
        for trigger in struck:
            self._truth.note(
                "fault",
                number=trigger.number,
                kind=trigger.rule.kind,
                where=place.where,
                symbol=place.symbol,
            )
        return struck

    def _table(self, rule: FaultRule) -> dict[int, Trigger]:
        if rule.side is Side.REST:
            return self._rest
        if rule.kind == _CONNECTION_KIND:
            return self._connections
        return self._pings if rule.kind == _PING_KIND else self._frames

    def _tables(self) -> tuple[dict[int, Trigger], ...]:
        return self._rest, self._connections, self._pings, self._frames
