"""The sections of a strategy file, and the ways of sizing, stopping and taking profit."""

from __future__ import annotations

from tradebot.engine.market import Timeframe
from tradebot.engine.strategy.registry import (
    Declaration,
    Parameter,
    ParameterKind,
    SectionDeclaration,
    SizingDeclaration,
    StopDeclaration,
    TargetDeclaration,
)

_ENABLED = Parameter(name="enabled", kind=ParameterKind.SWITCH, default=True, help="Whether it takes part.")
_NOTE = Parameter(name="note", kind=ParameterKind.TEXT, default="", help="A remark for people.")
_MEMBERS = Parameter(
    name="signals", kind=ParameterKind.MEMBERS, help="The signals and groups that take part."
)


def _bars(name: str, about: str) -> Parameter:
    return Parameter(
        name=name, kind=ParameterKind.INTEGER, default=0, low=0, high=10_000_000, unit="bars", help=about
    )


def _percent(name: str, low: float, high: float, about: str, default: float | None = None) -> Parameter:
    return Parameter(
        name=name, kind=ParameterKind.NUMBER, default=default, low=low, high=high, unit="%", help=about
    )


def _cost(name: str, low: float, high: float, about: str) -> Parameter:
    return Parameter(
        name=name, kind=ParameterKind.NUMBER, optional=True, low=low, high=high, unit="%", help=about
    )


_STRATEGY = SectionDeclaration(
    name="strategy",
    label="Market",
    help="What is traded, on which bars.",
    parameters=(
        Parameter(name="name", kind=ParameterKind.TEXT, help="The name people see."),
        Parameter(
            name="category",
            kind=ParameterKind.CHOICE,
            choices=("linear", "spot"),
            default="linear",
            help="Bybit's product group: linear (perpetuals) or spot.",
        ),
        Parameter(
            name="symbols",
            kind=ParameterKind.SYMBOLS,
            help="Symbols, and patterns with * (any letters) and ? (one letter).",
        ),
        Parameter(
            name="timeframe",
            kind=ParameterKind.CHOICE,
            choices=Timeframe.names(),
            help="Decisions are taken at the close of these bars.",
        ),
        _NOTE,
    ),
)
_INDICATORS = SectionDeclaration(
    name="indicators",
    label="Indicators",
    help="Series computed from the bars.",
    parameters=(
        Parameter(
            name="timeframe",
            kind=ParameterKind.CHOICE,
            choices=Timeframe.names(),
            optional=True,
            help="Coarser bars it is computed on, read once they have closed; without: the strategy's.",
        ),
        Parameter(
            name="symbol",
            kind=ParameterKind.SYMBOL,
            optional=True,
            help="Another market whose bars it is computed on; without: the one that is traded.",
        ),
        _ENABLED,
        _NOTE,
    ),
)
_SIGNALS = SectionDeclaration(
    name="signals",
    label="Signals",
    help="Rules that support long, short, both or neither on each closed bar.",
    parameters=(
        Parameter(
            name="supports",
            kind=ParameterKind.CHOICE,
            choices=("direction", "both", "long", "short"),
            optional=True,
            help="How its truth is read; each kind of signal has a natural default.",
        ),
        Parameter(
            name="invert",
            kind=ParameterKind.SWITCH,
            default=False,
            help="Swap the sides, or negate a condition.",
        ),
        _ENABLED,
        _NOTE,
    ),
)
_GROUPS = SectionDeclaration(
    name="groups",
    label="Groups",
    help="Several signals combined into one.",
    parameters=(_MEMBERS, _ENABLED, _NOTE),
)
_ENTRY = SectionDeclaration(
    name="entry",
    label="Entry",
    help="When a position is opened.",
    parameters=(
        _MEMBERS,
        Parameter(
            name="trigger",
            kind=ParameterKind.CHOICE,
            choices=("level", "edge"),
            default="level",
            help="level: on every close that says so; edge: on the first of them only.",
        ),
    ),
)
_EXIT = SectionDeclaration(
    name="exit",
    label="Exit",
    help="What supports short closes a long, what supports long closes a short.",
    parameters=(_MEMBERS,),
)
_RISK = SectionDeclaration(
    name="risk",
    label="Risk",
    help="Which sides, how large, where it ends.",
    parameters=(
        Parameter(
            name="direction",
            kind=ParameterKind.CHOICE,
            choices=("long", "short", "both"),
            optional=True,
            help="Which sides may be opened: both on linear, long on spot unless stated.",
        ),
        Parameter(
            name="opposite",
            kind=ParameterKind.CHOICE,
            choices=("reverse", "close", "ignore"),
            optional=True,
            help="What an entry decision against the open position does: reverse for both sides, else close.",
        ),
        Parameter(
            name="sizing",
            kind=ParameterKind.USE,
            family="sizings",
            optional=True,
            help="How large an entry is: 100 % of the equity unless stated.",
        ),
        Parameter(
            name="stop_loss",
            kind=ParameterKind.USE,
            family="stops",
            optional=True,
            help="Where a losing position is closed.",
        ),
        Parameter(
            name="take_profit",
            kind=ParameterKind.USES,
            family="targets",
            optional=True,
            help="Where a winning position is closed.",
        ),
        _bars("max_bars", "Close after this many closes; 0: never for that reason."),
        _bars("cooldown_bars", "No entry for this many bars after an exit."),
    ),
)
_COSTS = SectionDeclaration(
    name="costs",
    label="Costs",
    help="What trading costs; a value that is not given comes from the settings.",
    parameters=(
        _cost("taker_fee_percent", -1.0, 5.0, "Fee of market orders and stops."),
        _cost("maker_fee_percent", -1.0, 5.0, "Fee of resting limit orders."),
        _cost("slippage_percent", 0.0, 10.0, "How much worse than the price a market order fills."),
        _cost("half_spread_percent", 0.0, 10.0, "Half the distance between bid and ask."),
        Parameter(
            name="funding",
            kind=ParameterKind.SWITCH,
            optional=True,
            help="Whether funding is paid and received (linear only).",
        ),
    ),
)

_SIZINGS = (
    SizingDeclaration(
        name="equity",
        label="Share of equity",
        help="A share of the marked equity, as notional.",
        parameters=(_percent("percent", 0.001, 100.0, "Share of the marked equity.", default=100.0),),
    ),
    SizingDeclaration(
        name="notional",
        label="Amount of money",
        help="The same amount of the quote coin each time.",
        parameters=(
            Parameter(
                name="amount",
                kind=ParameterKind.NUMBER,
                low=1e-6,
                help="Amount of the quote coin.",
            ),
        ),
    ),
    SizingDeclaration(
        name="fixed",
        label="Quantity",
        help="The same quantity of the base coin each time.",
        parameters=(
            Parameter(
                name="quantity",
                kind=ParameterKind.NUMBER,
                low=1e-12,
                help="Quantity of the base coin.",
            ),
        ),
    ),
)
_STOPS = (
    StopDeclaration(
        name="percent",
        label="Percent",
        help="A distance from the fill in percent.",
        parameters=(_percent("percent", 0.001, 99.0, "Distance from the fill."),),
    ),
)
_TARGETS = (
    TargetDeclaration(
        name="percent",
        label="Percent",
        help="A distance from the fill in percent.",
        parameters=(_percent("percent", 0.001, 10_000.0, "Distance from the fill."),),
    ),
)

DECLARATIONS: tuple[Declaration, ...] = (
    _STRATEGY,
    _INDICATORS,
    _SIGNALS,
    _GROUPS,
    _ENTRY,
    _EXIT,
    _RISK,
    _COSTS,
    *_SIZINGS,
    *_STOPS,
    *_TARGETS,
)
