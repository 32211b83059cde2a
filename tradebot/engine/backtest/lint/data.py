"""Lint of the data at hand: what is missing, too short or full of holes, with the offer to collect it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tradebot.engine.backtest.kernel.ledger import RunSettings
from tradebot.engine.backtest.lint.loading import Depth, Lacking, SymbolLook
from tradebot.engine.backtest.lint.types import CollectAction, LintFinding
from tradebot.engine.control.progress import counted
from tradebot.engine.market import DAY_MS, Timeframe
from tradebot.engine.market.times import iso_date
from tradebot.engine.strategy import Severity, StrategySpec
from tradebot.engine.strategy.needs import DataNeed

_PAGE_BARS = 1000
_USUAL_DAYS = 365
"""How far back to collect where nothing says how far the test goes."""
_MOST_DAYS_MORE = 30
"""So much earlier the strategy's own bars are collected, so that coarser ones can be built; else those themselves."""
_LONG_WARM_UP = 0.25
"""A warm-up of this share of the bars is worth a word, and so are holes of a thousandth of them."""
_HOLED = 0.001
_MOST_NAMED = 5


def data_findings(
    spec: StrategySpec, settings: RunSettings, looks: Sequence[SymbolLook]
) -> Iterator[LintFinding]:
    """What lacks in the data of these symbols, the same of several symbols in one finding."""
    desk = _Desk(spec, settings, looks)
    yield from desk.missing()
    yield from desk.too_short()
    yield from desk.long_warm_up()
    yield from desk.holes()
    yield from desk.beside()


class _Desk:
    def __init__(self, spec: StrategySpec, settings: RunSettings, looks: Sequence[SymbolLook]) -> None:
        self._spec = spec
        self._settings = settings
        self._looks = looks
        held = [look for look in looks if look.bars]
        self._first_ms = min((look.first_ms for look in held), default=None)
        self._last_ms = max((look.last_ms for look in held), default=None)

    # ---- missing

    def missing(self) -> Iterator[LintFinding]:
        groups: dict[tuple[DataNeed, str], list[Lacking]] = {}
        for look in self._looks:
            for lacking in self._told(look):
                # What all symbols read of one other market lacks once.
                groups.setdefault((lacking.need, lacking.said), []).append(lacking)
        for (need, said), found in groups.items():
            yield self._missing(need, said, tuple(dict.fromkeys(each.symbol for each in found)))

    def _told(self, look: SymbolLook) -> list[Lacking]:
        """What lacks, without coarser bars that will be built from finer ones once those are there."""
        if not any(self._is_home(each.need) for each in look.lacking):
            return list(look.lacking)
        return [each for each in look.lacking if self._is_home(each.need) or not self._built(each.need)]

    def _is_home(self, need: DataNeed) -> bool:
        return not need.symbol and need.timeframe is self._spec.timeframe and not need.execution

    def _built(self, need: DataNeed) -> bool:
        """Whether a need is met by the strategy's own bars, of which some more are collected for its sake."""
        own = not need.symbol and need.timeframe is not None and not need.execution
        return own and need.before_ms <= _MOST_DAYS_MORE * DAY_MS

    def _missing(self, need: DataNeed, said: str, symbols: tuple[str, ...]) -> LintFinding:
        frame, before_ms = self._spec.timeframe, need.before_ms
        what = "funding" if need.timeframe is None else f"{need.timeframe.value} bars"
        text = f"no {what} of {_named(symbols)} {'is' if need.timeframe is None else 'are'} stored"
        if said and need.timeframe is not None:
            text = said.rstrip(".")
        path = need.paths[0]
        if self._is_home(need):
            path = "strategy.symbols"
            every = [each.need for look in self._looks for each in look.lacking if self._built(each.need)]
            before_ms = max((before_ms, *(each.before_ms for each in every)))
        elif need.execution:
            text += f": orders, stops and targets are walked on the {frame.value} bars themselves"
        else:
            text = f"cannot be computed: {text}"
        action = self._collect(symbols, need.timeframe or frame, before_ms)
        cost = f"; collecting them takes {action.cost}" if action.cost and need.timeframe else ""
        severity = Severity.HINT if need.execution else Severity.WARNING
        return LintFinding("missing_data", path, text + cost, severity, action)

    def _collect(self, symbols: tuple[str, ...], timeframe: Timeframe, before_ms: int) -> CollectAction:
        """What to collect for the span of the test, and so much before it as the look-back needs."""
        start_ms = self._settings.start_ms if self._settings.start_ms is not None else self._first_ms
        if start_ms is None:
            days = _USUAL_DAYS + -(-before_ms // DAY_MS)
            since, length_ms = f"{days}d", days * DAY_MS
        else:
            since_ms = (start_ms - before_ms) // DAY_MS * DAY_MS
            end_ms = self._settings.end_ms or self._last_ms or since_ms
            since, length_ms = iso_date(since_ms), max(0, end_ms - since_ms)
        bars = length_ms // timeframe.ms
        requests = -(-bars // _PAGE_BARS) * len(symbols)
        return CollectAction(
            self._spec.category, symbols, (timeframe.value,), since, bars * len(symbols), requests
        )

    # ---- too short

    def too_short(self) -> Iterator[LintFinding]:
        """Places whose bars are all used up before the deepest node has its first value."""
        groups: dict[DataNeed, list[Depth]] = {}
        for look in self._looks:
            for depth in look.depths:
                if 0 < depth.bars <= depth.need.look_back:
                    groups.setdefault(depth.need, []).append(depth)
        for need, depths in groups.items():
            timeframe = need.timeframe or self._spec.timeframe
            symbols = tuple(dict.fromkeys(each.symbol for each in depths))
            most = max(each.bars for each in depths)
            held = f"{_named(symbols)} {'has' if len(symbols) == 1 else 'have at most'}"
            yield LintFinding(
                "look_back",
                need.deepest or need.paths[0],
                f"needs {need.look_back:,} {timeframe.value} bars before its first value ({_length(need)}), but {held} "
                f"{most:,}",
                action=self._collect(symbols, timeframe, need.before_ms),
            )

    def long_warm_up(self) -> Iterator[LintFinding]:
        """A good part of the bars passes before anything can be decided; told of the worst symbol."""
        slow = [look for look in self._looks if look.bars * _LONG_WARM_UP < look.warm_up < look.bars]
        look = max(slow, key=lambda each: each.warm_up / each.bars, default=None)
        if look is None or not look.depths:
            return
        need = max((each.need for each in look.depths), key=lambda each: each.before_ms)
        timeframe = need.timeframe or self._spec.timeframe
        yield LintFinding(
            "long_warm_up",
            need.deepest or "strategy.timeframe",
            f"takes {_length(need)} to warm up: the first {look.warm_up:,} of {counted(look.bars, 'bar')} of "
            f"{look.symbol} decide nothing",
            Severity.HINT,
            self._collect((need.symbol or look.symbol,), timeframe, need.before_ms),
        )

    # ---- holes, and what is known beside the bars

    def holes(self) -> Iterator[LintFinding]:
        holed = [look for look in self._looks if look.missing > _HOLED * look.bars]
        if holed:
            missing, gaps = sum(look.missing for look in holed), sum(look.gaps for look in holed)
            yield LintFinding(
                "holes",
                "strategy.symbols",
                f"{counted(missing, 'bar')} of {_named([look.symbol for look in holed])} are missing in "
                f"{counted(gaps, 'gap')}, where nothing is decided or filled; `tradebot data repair` asks for them",
                Severity.HINT,
            )

    def beside(self) -> Iterator[LintFinding]:
        """Trading rules, risk limits and funding, which a collection brings with the bars."""
        remarks = (
            (
                "no_rules",
                "strategy.symbols",
                "the trading rules of {} are not stored: sizes were not held against the exchange's minimum",
                [look.symbol for look in self._looks if not look.ruled],
            ),
            (
                "no_risk_limits",
                "risk.leverage",
                "is {1:g}, but the risk limits of {0} are not stored: the maintenance rate of the settings is used",
                [look.symbol for look in self._looks if not look.tiered],
            ),
            (
                "funding_estimated",
                "costs.funding",
                "no funding of {} is stored: 0.01 % every 8 hours will be assumed",
                [look.symbol for look in self._looks if not look.funded],
            ),
        )
        for code, path, sentence, symbols in remarks:
            if symbols:
                text = sentence.format(_named(symbols), self._spec.risk.leverage)
                action = self._collect(tuple(symbols), self._spec.timeframe, 0)
                yield LintFinding(code, path, text, Severity.HINT, action)


def _length(need: DataNeed) -> str:
    days = need.before_ms / DAY_MS
    return counted(round(days), "day") if days >= 2 else counted(round(days * 24), "hour")


def _named(symbols: Sequence[str]) -> str:
    more = len(symbols) - _MOST_NAMED
    return ", ".join(symbols[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
