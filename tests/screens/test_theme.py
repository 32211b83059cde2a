"""Every theme and every pair of colours can be read: a ratio of 4.5 for text, whatever it stands on."""

from __future__ import annotations

from itertools import product

import pytest
from textual.app import App
from textual.color import Color
from textual.theme import BUILTIN_THEMES

from tradebot.screens.theme import CONTRAST, DARK, THEMES, Pair, meanings_of, readable

TEXT = (
    "foreground",
    "up",
    "down",
    "flat",
    "stale",
    "dim",
    "head",
    "live",
    "demo",
    "data",
    "key",
    "error",
    "warning",
    "accent",
    "primary",
    "chart-1",
    "chart-3",
    "chart-4",
)
GROUNDS = ("background", "surface", "cursor", "cursor-blur")
LEAST = 4.5  # WCAG 2.2, success criterion 1.4.3, level AA


def luminance(colour: Color) -> float:
    """Relative luminance by WCAG 2.2: white 1, black 0."""
    linear = [
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in colour.normalized
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def ratio(one: Color, other: Color) -> float:
    """Contrast by WCAG 2.2, from 1 to 21."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


class Shown(App[None]):
    """An app with our themes and names."""

    pair = Pair.GREEN_RED

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return meanings_of(self.current_theme.dark, self.pair)

    def get_css_variables(self) -> dict[str, str]:
        return readable(self.current_theme, super().get_css_variables())


def colours(theme: str, pair: Pair = Pair.GREEN_RED) -> dict[str, Color]:
    app = Shown()
    app.pair = pair
    for each in THEMES:
        app.register_theme(each)
    app.theme = theme
    variables = app.get_css_variables()
    return {name: Color.parse(variables[name]) for name in {*TEXT, *GROUNDS, "line", "chart-2"}}


def test_the_ratio_is_that_of_the_norm() -> None:
    assert ratio(Color.parse("#ffffff"), Color.parse("#000000")) == pytest.approx(21)
    assert ratio(Color.parse("#777777"), Color.parse("#ffffff")) == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize(("theme", "pair"), product([each.name for each in THEMES], Pair))
def test_text_can_be_read_on_every_ground(theme: str, pair: Pair) -> None:
    found = colours(theme, pair)
    weak = {
        (text, ground): round(ratio(found[text], found[ground]), 2)
        for text, ground in product(TEXT, GROUNDS)
        if ratio(found[text], found[ground]) < LEAST
    }
    assert not weak


@pytest.mark.parametrize("theme", [each.name for each in THEMES])
def test_volume_and_the_pale_curve_of_a_chart_are_seen(theme: str) -> None:
    found = colours(theme)
    assert ratio(found["chart-2"], found["background"]) >= 3  # criterion 1.4.11: graphics


def test_high_contrast_means_seven() -> None:
    found = colours(CONTRAST.name)
    for text in ("foreground", "flat", "dim", "head", "key"):
        assert ratio(found[text], found["background"]) >= 7


@pytest.mark.parametrize(
    ("name", "pair"), product([name for name in BUILTIN_THEMES if "ansi" not in name], Pair)
)
def test_builtin_themes_are_made_strong_enough_to_be_read(name: str, pair: Pair) -> None:
    found = colours(name, pair)
    for ground in ("background", "surface"):
        weak = {text: round(ratio(found[text], found[ground]), 2) for text in TEXT
                if ratio(found[text], found[ground]) < LEAST}  # fmt: skip
        assert not weak
    # An unfocused pane's border and the pale curve of a chart are seen on it.
    assert ratio(found["line"], found["background"]) >= 1.3
    assert ratio(found["chart-2"], found["background"]) >= 2


def test_what_is_old_stays_readable_and_apart_from_what_is_new() -> None:
    for theme in THEMES:
        found = colours(theme.name)
        for old in ("stale", "dim"):
            assert found[old] != found["foreground"]
            assert ratio(found["foreground"], found[old]) >= 1.3


def test_colours_that_the_terminal_chooses_are_left_to_it() -> None:
    app = Shown()
    app.theme = "ansi-dark"
    assert readable(app.current_theme, app.get_css_variables()) == App.get_css_variables(app)


def test_a_pair_changes_only_up_and_down() -> None:
    usual, asian = (meanings_of(dark=True, pair=pair) for pair in (Pair.GREEN_RED, Pair.RED_GREEN))
    assert (asian["up"], asian["down"]) == (usual["down"], usual["up"])
    assert {name for name in usual if usual[name] != asian[name]} == {"up", "down"}
    assert colours(DARK.name, Pair.BLUE_ORANGE)["up"] != colours(DARK.name)["up"]
