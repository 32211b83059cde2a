"""The kinds of sizes, stops, targets, trailing stops, offsets and spacings that a strategy may use."""

from __future__ import annotations

from tradebot.engine.strategy.registry import (
    Declaration,
    OffsetDeclaration,
    Parameter,
    ParameterKind,
    SizingDeclaration,
    SpacingDeclaration,
    StopDeclaration,
    TargetDeclaration,
    TrailingDeclaration,
)

LONGEST = 100_000
"""The most bars that a level or a size looks back, as for indicators."""

HIGHEST_LEVERAGE = 200.0


def number(
    name: str,
    about: str,
    low: float,
    high: float | None = None,
    *,
    default: float | None = None,
    optional: bool = False,
    unit: str = "",
) -> Parameter:
    """A number from `low` to `high`, both allowed; required where it has no default and is not optional."""
    return Parameter(
        name=name,
        kind=ParameterKind.NUMBER,
        help=about,
        default=default,
        optional=optional,
        low=low,
        high=high,
        unit=unit,
    )


def whole(
    name: str, about: str, low: int, high: int, *, default: int | None = None, unit: str = ""
) -> Parameter:
    """A whole number from `low` to `high`, both allowed."""
    return Parameter(
        name=name, kind=ParameterKind.INTEGER, help=about, default=default, low=low, high=high, unit=unit
    )


def _percent(about: str, high: float) -> Parameter:
    return number("percent", about, 0.001, high, unit="%")


def _length(about: str = "Bars of the average true range.") -> Parameter:
    return whole("length", about, 1, LONGEST, default=14, unit="bars")


def _multiple(of: str, default: float | None = None) -> Parameter:
    return number("multiple", f"Distance in multiples of {of}.", 0.01, 1000.0, default=default)


_TRUE_RANGE = "the average true range of the decision's bar"
_INITIAL_RISK = "the distance from the fill to the initial stop"
_SERIES = Parameter(
    name="series", kind=ParameterKind.SERIES, help="The series it stands at, read again at every close."
)
_FOLLOW = Parameter(
    name="follow",
    kind=ParameterKind.SWITCH,
    default=False,
    help="true: it follows the series both ways; false: it only ever moves towards the price.",
)
_SHARE = number(
    "share_percent",
    "Share of the original quantity that leaves here; without: what is left, shared evenly.",
    0.01,
    100.0,
    optional=True,
    unit="%",
)
_START = (
    number(
        "start_percent",
        "It starts once the price was so far in favour of the position.",
        0.0,
        10_000.0,
        default=0.0,
        unit="%",
    ),
    number(
        "start_r",
        "It starts once the profit was so many times the risk of the initial stop.",
        0.01,
        1000.0,
        optional=True,
        unit="R",
    ),
)

SIZINGS = (
    SizingDeclaration(
        name="equity",
        label="Share of equity",
        help="A share of the marked equity, as notional.",
        parameters=(
            number(
                "percent",
                "Share of the marked equity; above 100 only with leverage.",
                0.001,
                100.0 * HIGHEST_LEVERAGE,
                default=100.0,
                unit="%",
            ),
        ),
    ),
    SizingDeclaration(
        name="notional",
        label="Amount of money",
        help="The same amount of the quote coin each time.",
        parameters=(number("amount", "Amount of the quote coin.", 1e-6),),
    ),
    SizingDeclaration(
        name="fixed",
        label="Quantity",
        help="The same quantity of the base coin each time.",
        parameters=(number("quantity", "Quantity of the base coin.", 1e-12),),
    ),
    SizingDeclaration(
        name="risk",
        label="Risk per trade",
        help="So much that the initial stop, fees included, costs a share of the marked equity; needs a stop.",
        parameters=(_percent("Share of the marked equity that is lost at the initial stop.", 100.0),),
    ),
    SizingDeclaration(
        name="volatility",
        label="Target volatility",
        help="The smaller the more the market moves, so that the position's volatility stays the same.",
        parameters=(
            number(
                "target_percent", "Volatility of the position over the equity, a year.", 0.1, 1000.0, unit="%"
            ),
            whole(
                "length", "Bars over which the volatility is measured.", 2, LONGEST, default=20, unit="bars"
            ),
        ),
    ),
    SizingDeclaration(
        name="kelly",
        label="Kelly",
        help="A part of Kelly's share of the equity, from the strategy's own closed trades.",
        parameters=(
            number("fraction", "Part of Kelly's share that is used.", 0.01, 1.0, default=0.5),
            whole("min_trades", "Closed trades before Kelly's share is used.", 2, 100_000, default=30),
            number(
                "start_percent",
                "Share of the marked equity until then.",
                0.001,
                100.0 * HIGHEST_LEVERAGE,
                default=10.0,
                unit="%",
            ),
        ),
    ),
)
STOPS = (
    StopDeclaration(
        name="percent",
        label="Percent",
        help="A distance from the fill in percent.",
        parameters=(_percent("Distance from the fill.", 99.0),),
    ),
    StopDeclaration(
        name="atr",
        label="Average true range",
        help="A multiple of the average true range away from the fill.",
        parameters=(_length(), _multiple(_TRUE_RANGE, default=2.0)),
    ),
    StopDeclaration(
        name="series",
        label="Series",
        help="At a series of the strategy, such as a band or an average.",
        parameters=(_SERIES, _FOLLOW),
    ),
)
TARGETS = (
    TargetDeclaration(
        name="percent",
        label="Percent",
        help="A distance from the fill in percent.",
        parameters=(_percent("Distance from the fill.", 10_000.0), _SHARE),
    ),
    TargetDeclaration(
        name="r",
        label="Multiple of the risk",
        help="A multiple of the initial stop's distance away from the fill; needs a stop.",
        parameters=(_multiple(_INITIAL_RISK), _SHARE),
    ),
    TargetDeclaration(
        name="atr",
        label="Average true range",
        help="A multiple of the average true range away from the fill.",
        parameters=(_length(), _multiple(_TRUE_RANGE), _SHARE),
    ),
    TargetDeclaration(
        name="series",
        label="Series",
        help="At a series of the strategy, such as the opposite band.",
        parameters=(_SERIES, _FOLLOW, _SHARE),
    ),
)
TRAILINGS = (
    TrailingDeclaration(
        name="percent",
        label="Percent",
        help="A distance in percent behind the best price since the fill.",
        parameters=(_percent("Distance behind the best price.", 99.0), *_START),
    ),
    TrailingDeclaration(
        name="atr",
        label="Average true range",
        help="A multiple of the average true range behind the best price since the fill.",
        parameters=(_length(), _multiple(_TRUE_RANGE), *_START),
    ),
    TrailingDeclaration(
        name="r",
        label="Multiple of the risk",
        help="A multiple of the initial stop's distance behind the best price since the fill; needs a stop.",
        parameters=(_multiple(_INITIAL_RISK), *_START),
    ),
)
OFFSETS = (
    OffsetDeclaration(
        name="percent",
        label="Percent",
        help="A distance from the close of the decision in percent.",
        parameters=(_percent("Distance from the close of the decision.", 99.0),),
    ),
    OffsetDeclaration(
        name="atr",
        label="Average true range",
        help="A multiple of the average true range away from the close of the decision.",
        parameters=(_length(), _multiple(_TRUE_RANGE)),
    ),
)
SPACINGS = (
    SpacingDeclaration(
        name="percent",
        label="Percent",
        help="A distance from the last fill in percent.",
        parameters=(_percent("Distance from the last fill.", 10_000.0),),
    ),
    SpacingDeclaration(
        name="atr",
        label="Average true range",
        help="A multiple of the average true range away from the last fill.",
        parameters=(_length(), _multiple(_TRUE_RANGE)),
    ),
)

KINDS: tuple[Declaration, ...] = (*SIZINGS, *STOPS, *TARGETS, *TRAILINGS, *OFFSETS, *SPACINGS)
