"""What a signal supports on each bar: the table of the format page, equal and missing values, inversion."""

from __future__ import annotations

import pytest

from tests.engine.strategy.helpers import NAN, builder, run
from tradebot.engine.strategy import StrategySpec


def alone(
    use: str, *, supports: str | None = None, invert: bool = False, **values: float | str
) -> StrategySpec:
    """A strategy of one signal, whose entry shows one side and whose exit shows both."""
    return (
        builder()
        .signal("it", use, supports=supports, invert=invert, **values)
        .entry("any", ["it"])
        .exit("any", ["it"])
        .build()
    )


def support(spec: StrategySpec, close: list[float], volume: list[float] | None = None) -> str:
    """L, S, B (both) or - for each bar; what supports long closes a short."""
    decisions = run(spec, close, volume)
    pairs = zip(decisions.exit_short, decisions.exit_long, strict=True)
    return "".join("-LSB"[long + 2 * short] for long, short in pairs)


@pytest.mark.parametrize(
    ("supports", "invert", "expected"),
    [
        # close: 1, 2, 3 against 2: below, equal, above
        ("direction", False, "S-L"),
        ("direction", True, "L-S"),
        ("both", False, "--B"),
        ("both", True, "BB-"),  # a negated condition: "not above" holds for equal values
        ("long", False, "--L"),
        ("long", True, "--S"),
        ("short", False, "--S"),
        ("short", True, "--L"),
    ],
)
def test_how_a_truth_is_read(supports: str, invert: bool, expected: str) -> None:
    spec = alone("compare", a="close", op=">", b=2, supports=supports, invert=invert)
    assert support(spec, [1, 2, 3]) == expected


@pytest.mark.parametrize(
    ("op", "both", "direction"),
    [(">", "--B", "S-L"), (">=", "-BB", "SLL"), ("<", "B--", "L-S"), ("<=", "BB-", "LLS")],
)
def test_compare_has_four_relations_and_a_strict_opposite(op: str, both: str, direction: str) -> None:
    assert support(alone("compare", a="close", op=op, b=2), [1, 2, 3]) == both
    assert support(alone("compare", a="close", op=op, b=2, supports="direction"), [1, 2, 3]) == direction


def test_compare_takes_a_number_on_either_side() -> None:
    assert support(alone("compare", a=2, op=">", b="close"), [1, 2, 3]) == "B--"


@pytest.mark.parametrize(
    ("close", "expected"),
    [
        ([1, 3], "-L"),
        ([3, 1], "-S"),
        ([2, 3], "-L"),  # from equal to above: a[i-1] <= b[i-1] and a[i] > b[i]
        ([2, 1], "-S"),
        ([1, 2, 3], "--L"),  # arriving at equal is no cross, leaving it is
        ([1, 2, 1], "--S"),
        ([3, 2, 3], "--L"),
        ([3, 3, 3], "---"),
        ([2, 2, 2], "---"),
        ([1, NAN, 3], "---"),  # the bar before is missing
        ([1, NAN, 1, 3], "---L"),
        ([3], "-"),
        ([], ""),
    ],
)
def test_cross(close: list[float], expected: str) -> None:
    assert support(alone("cross", a="close", b=2), close) == expected


def test_cross_of_two_series() -> None:
    assert support(alone("cross", a="close", b="volume"), [1, 4, 4, 2], [2, 3, 5, 1]) == "-LSL"


def test_inverted_cross_swaps_its_sides() -> None:
    assert support(alone("cross", a="close", b=2, invert=True), [1, 3, 1]) == "-SL"


def test_a_cross_read_as_a_condition_is_the_rise_alone() -> None:
    assert support(alone("cross", a="close", b=2, supports="both"), [1, 3, 1]) == "-B-"


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        ({"lower": 30, "upper": 70}, "L---S"),
        ({"lower": 30}, "L----"),
        ({"upper": 70}, "----S"),
        ({"lower": 50, "upper": 50}, "LL-SS"),
    ],
)
def test_threshold_supports_long_below_and_short_above(levels: dict[str, float], expected: str) -> None:
    assert support(alone("threshold", source="close", **levels), [29, 30, 50, 70, 71]) == expected


@pytest.mark.parametrize(
    ("levels", "close", "expected"),
    [
        # once below 30 it stays true until the series is back at 50; above 70 until back at 50
        ({"lower": 30, "lower_release": 50}, [31, 29, 30, 49, 50, 49, 29], "-LLL--L"),
        ({"upper": 70, "upper_release": 50}, [70, 71, 70, 51, 50, 51], "-SSS--"),
        (
            {"lower": 30, "upper": 70, "lower_release": 70, "upper_release": 30},
            [50, 71, 50, 31, 30, 29, 50, 69, 70],
            "-SSS-LLL-",
        ),
        ({"lower": 30, "upper": 70, "lower_release": 50}, [29, 40, 71, 69], "LLS-"),
        ({"lower": 30, "lower_release": 30}, [29, 30, 29], "L-L"),  # as without
        ({"lower": 30, "lower_release": 50}, [29, NAN, 40, 29, 40], "L--LL"),  # a missing value releases
    ],
)
def test_a_threshold_with_releases_is_left_later_than_it_is_entered(
    levels: dict[str, float], close: list[float], expected: str
) -> None:
    assert support(alone("threshold", source="close", **levels), close) == expected


@pytest.mark.parametrize("supports", ["direction", "both", "long", "short"])
@pytest.mark.parametrize("invert", [False, True])
@pytest.mark.parametrize(
    "signal",
    [
        {"use": "compare", "a": "close", "op": ">", "b": 0},
        {"use": "compare", "a": "close", "op": "<", "b": 0},
        {"use": "cross", "a": "close", "b": 0},
        {"use": "threshold", "source": "close", "lower": 0, "upper": 5},
    ],
)
def test_a_missing_value_supports_neither_side(
    supports: str, invert: bool, signal: dict[str, float | str]
) -> None:
    use = str(signal["use"])
    values = {name: value for name, value in signal.items() if name != "use"}
    shown = support(alone(use, supports=supports, invert=invert, **values), [NAN, NAN, 1.0, NAN])
    assert (shown[0], shown[1], shown[3]) == ("-", "-", "-")


def test_a_negated_cross_needs_the_bar_before_too() -> None:
    spec = alone("cross", a="close", b=2, supports="both", invert=True)
    assert support(spec, [1, 1, 3, NAN, 1, 1]) == "-B---B"


def test_warm_up_supports_neither_side() -> None:
    spec = (
        builder()
        .indicator("mean", "sma", length=3)
        .signal("above", "compare", a="close", op=">", b="mean", supports="both", invert=True)
        .entry("any", ["above"])
        .exit("any", ["above"])
        .build()
    )
    decisions = run(spec, [3, 2, 1, 1])
    assert decisions.warm_up == 2
    assert decisions.exit_long.tolist() == [False, False, True, True]
    assert decisions.fired == {"above": (2, 2)}
