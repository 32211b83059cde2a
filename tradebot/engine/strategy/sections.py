"""The sections of a strategy file and the keys of each."""

from __future__ import annotations

from tradebot.engine.market import Timeframe
from tradebot.engine.strategy.kinds import HIGHEST_LEVERAGE, KINDS, number, whole
from tradebot.engine.strategy.registry import (
    Declaration,
    Parameter,
    ParameterKind,
    SectionDeclaration,
)

_MOST_BARS = 10_000_000
_MOST_PERCENT = 1_000_000.0
_ENABLED = Parameter(name="enabled", kind=ParameterKind.SWITCH, default=True, help="Whether it takes part.")
_NOTE = Parameter(name="note", kind=ParameterKind.TEXT, default="", help="A remark for people.")
_MEMBERS = Parameter(
    name="signals", kind=ParameterKind.MEMBERS, help="The signals and groups that take part."
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
            help="Symbols, and patterns with * (any letters) and ? (one letter), or the largest of the market.",
            parameters=(
                whole("top", "How many of the largest symbols are traded.", 1, 1000),
                Parameter(
                    name="by",
                    kind=ParameterKind.CHOICE,
                    choices=("turnover", "volume"),
                    default="turnover",
                    help="What the symbols are ranked by: turnover in the quote coin, or volume in the base coin.",
                ),
            ),
        ),
        Parameter(
            name="timeframe",
            kind=ParameterKind.CHOICE,
            choices=Timeframe.names(),
            help="Decisions are taken at the close of these bars.",
        ),
        Parameter(
            name="execution",
            kind=ParameterKind.CHOICE,
            choices=Timeframe.names(),
            optional=True,
            help="Finer bars on which orders, stops and targets are walked; without: those of the decisions.",
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
_ORDERS = SectionDeclaration(
    name="orders",
    label="Orders",
    help="How a position is opened.",
    parameters=(
        Parameter(
            name="entry",
            kind=ParameterKind.CHOICE,
            choices=("market", "limit", "stop"),
            default="market",
            help="market: at the next open; limit: at a better price than the close; stop: once the price ran on.",
        ),
        Parameter(
            name="offset",
            kind=ParameterKind.USE,
            family="offsets",
            optional=True,
            help="How far from the close of the decision the order stands; a limit order needs none.",
        ),
        whole(
            "valid_bars",
            "For so many bars after the decision a limit or stop order waits for its fill.",
            1,
            100_000,
            default=1,
            unit="bars",
        ),
    ),
)
_BREAK_EVEN = (
    number(
        "at_r", "Profit in multiples of the initial risk at which the stop moves.", 0.01, 1000.0, unit="R"
    ),
    number(
        "offset_percent",
        "How far beyond the entry, in favour of the position, the stop then stands.",
        0.0,
        99.0,
        default=0.0,
        unit="%",
    ),
)
_LOSS_STREAK = (
    whole("losses", "Closed positions in a row that brought no gain.", 1, 1000),
    whole("pause_bars", "Bars without an entry after them.", 1, _MOST_BARS, unit="bars"),
)
_PYRAMIDING = (
    whole("max_adds", "Further entries into an open position.", 1, 100),
    Parameter(
        name="spacing",
        kind=ParameterKind.USE,
        family="spacings",
        optional=True,
        help="How far in favour the close must lie beyond the last fill; without: beyond it at all.",
    ),
)


def _bars(name: str, about: str) -> Parameter:
    return whole(name, about, 0, _MOST_BARS, default=0, unit="bars")


def _limit(name: str, about: str, high: float = 100.0) -> Parameter:
    return number(name, about, 0.01, high, optional=True, unit="%")


def _table(name: str, about: str, parameters: tuple[Parameter, ...]) -> Parameter:
    return Parameter(name=name, kind=ParameterKind.TABLE, help=about, optional=True, parameters=parameters)


def _use(name: str, family: str, about: str, kind: ParameterKind = ParameterKind.USE) -> Parameter:
    return Parameter(name=name, kind=kind, family=family, optional=True, help=about)


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
        _use("sizing", "sizings", "How large an entry is: 100 % of the equity unless stated."),
        number(
            "leverage",
            "How much a position may exceed the money it binds; it caps a size and never multiplies it.",
            1.0,
            HIGHEST_LEVERAGE,
            default=1.0,
            unit="x",
        ),
        _use("stop_loss", "stops", "Where a losing position is closed."),
        _use(
            "take_profit",
            "targets",
            "Where a winning position is closed, in one piece or in shares.",
            ParameterKind.USES,
        ),
        _use("trailing_stop", "trailings", "A stop that follows the best price since the fill."),
        _table("break_even", "Moves the stop to the entry once the position was in profit.", _BREAK_EVEN),
        _bars("max_bars", "Close after this many closes; 0: never for that reason."),
        _bars("cooldown_bars", "No entry for this many bars after an exit."),
        whole("max_positions", "Positions open at the same time; 0: any number.", 0, 10_000, default=0),
        _limit("max_exposure_percent", "Most that all positions together may be worth.", _MOST_PERCENT),
        _limit(
            "max_symbol_exposure_percent", "Most that the position of one symbol may be worth.", _MOST_PERCENT
        ),
        _limit("max_daily_loss_percent", "Loss since 00:00 UTC that ends the day: all is closed."),
        _limit("max_drawdown_percent", "Fall from the highest equity that ends the run: all is closed."),
        _table("loss_streak", "A pause after several losing positions in a row.", _LOSS_STREAK),
        _table("pyramiding", "Further entries into a position that is in profit.", _PYRAMIDING),
    ),
)
_COSTS = SectionDeclaration(
    name="costs",
    label="Costs",
    help="What trading costs; a value that is not given comes from the settings.",
    parameters=(
        number("taker_fee_percent", "Fee of market orders and stops.", -1.0, 5.0, optional=True, unit="%"),
        number("maker_fee_percent", "Fee of resting limit orders.", -1.0, 5.0, optional=True, unit="%"),
        number(
            "slippage_percent",
            "How much worse than the price a market order fills.",
            0.0,
            10.0,
            optional=True,
            unit="%",
        ),
        number(
            "half_spread_percent",
            "Half the distance between bid and ask.",
            0.0,
            10.0,
            optional=True,
            unit="%",
        ),
        number(
            "max_volume_share_percent",
            "Most of the previous bar's volume that one entry may take; 0: any amount.",
            0.0,
            100.0,
            optional=True,
            unit="%",
        ),
        number(
            "impact",
            "Slippage of a large order: this, times a bar's volatility, times the root of the share of its volume.",
            0.0,
            10.0,
            optional=True,
        ),
        Parameter(
            name="funding",
            kind=ParameterKind.SWITCH,
            optional=True,
            help="Whether funding is paid and received (linear only).",
        ),
    ),
)

RANGE = (
    Parameter(name="low", kind=ParameterKind.NUMBER, help="Lowest value that is tried."),
    Parameter(name="high", kind=ParameterKind.NUMBER, help="Highest value that is tried."),
    Parameter(name="step", kind=ParameterKind.NUMBER, help="Distance from one value to the next."),
)
"""What each path in [optimize] holds; the section is reserved and has no keys of its own."""

DECLARATIONS: tuple[Declaration, ...] = (
    _STRATEGY,
    _INDICATORS,
    _SIGNALS,
    _GROUPS,
    _ENTRY,
    _EXIT,
    _ORDERS,
    _RISK,
    _COSTS,
    *KINDS,
)
