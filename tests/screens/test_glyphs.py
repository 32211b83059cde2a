"""In ASCII the whole app is painted with signs every terminal has, each as wide as what it stands for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.cells import cell_len
from textual.pilot import Pilot

import tradebot
from tests.screens.conftest import ready, screen_text, until
from tests.support.fake_engine import FakeEngine
from tradebot.app import TradebotApp
from tradebot.commands.terminal import look_on
from tradebot.engine.control.settings import LookSettings
from tradebot.screens.chart_pane import ChartPane
from tradebot.screens.console import terminal_facts
from tradebot.screens.frame import AREAS
from tradebot.screens.glyphs import to_ascii
from tradebot.screens.look import Look


def own_glyphs() -> Iterator[str]:
    """Every character beyond ASCII that our sources write, comments included."""
    for file in Path(tradebot.__file__).parent.rglob("*.py"):
        yield from (char for char in file.read_text(encoding="utf-8") if not char.isascii())


def test_each_glyph_of_ours_has_a_sign_of_its_own_width() -> None:
    for glyph in sorted({*own_glyphs(), *map(chr, range(0x2500, 0x25A0)), *map(chr, range(0x2800, 0x2900))}):
        sign = to_ascii(glyph)
        assert sign.isascii() and sign.isprintable() and cell_len(sign) == cell_len(glyph) == 1, glyph
        assert sign != "?", f"{glyph} (U+{ord(glyph):04X}) has no sign"


@pytest.mark.parametrize(
    ("text", "ascii_text"),
    [
        ("▐2 Data▌ ● 41ms", "[2 Data] * 41ms"),
        ("▲ 0.82 ▁▂▃▄▅▆▇█", "^ 0.82 __~o=+*#"),
        ("━━━━────", "====----"),
        ("café 東京", "cafe ????"),
        ("plain", "plain"),
    ],
)
def test_texts_keep_their_width(text: str, ascii_text: str) -> None:
    assert to_ascii(text) == ascii_text
    assert cell_len(to_ascii(text)) == cell_len(text)


def test_up_down_and_the_states_of_a_stream_stay_apart() -> None:
    for glyphs in ("▲▼", "●○×", "█░", "━─", "┃│", "▶ ", "╿│"):
        assert len(set(to_ascii(glyphs))) == len(glyphs), glyphs


async def filled(pilot: Pilot[None], area: str) -> None:
    """What an area asked for is on the screen."""
    app = pilot.app
    if area == "chart":
        chart = app.query_one(ChartPane)
        await until(pilot, lambda: chart.settled and chart.view is not None)
    elif area == "test":
        await until(pilot, lambda: app.query_one("ResultsArea").analysis is not None)
    for _ in range(3):
        await pilot.pause()


async def test_nothing_painted_is_outside_ascii() -> None:
    app = TradebotApp(FakeEngine("full"), start_area="data", look=Look(ascii_only=True, refresh_hz=10))
    async with app.run_test(size=(120, 35)) as pilot:
        await ready(pilot)
        seen = set()
        for digit, area, _ in AREAS:
            app.set_focus(None)
            await pilot.press(digit)
            await filled(pilot, area)
            await pilot.pause()
            text = screen_text(pilot)
            assert text.isascii(), (area, sorted({char for char in text if not char.isascii()}))
            seen.add(text)
        await pilot.press("question_mark")
        await pilot.pause()
        app.say("Something — happened…", "warning")
        await pilot.pause()
        assert screen_text(pilot).isascii()
        assert len(seen) == len(AREAS)


@pytest.mark.parametrize(
    ("environment", "platform", "ascii_only"),
    [
        ({"TERM": "xterm-256color", "LANG": "en_GB.UTF-8"}, "linux", False),
        ({"TERM": "xterm-256color", "LANG": "C.utf8"}, "linux", False),
        ({"TERM": "xterm-256color"}, "linux", False),
        ({"TERM": "linux", "LANG": "en_GB.UTF-8"}, "linux", True),
        ({"TERM": "xterm", "LANG": "de_DE.ISO-8859-1@euro"}, "linux", True),
        ({"TERM": "xterm", "LANG": "de_DE.ISO-8859-1", "LC_ALL": "de_DE.UTF-8"}, "linux", False),
        ({"LANG": "de_DE.ISO-8859-1"}, "win32", False),
    ],
)
def test_auto_means_what_the_terminal_has(
    environment: dict[str, str], platform: str, ascii_only: bool
) -> None:
    facts = terminal_facts(environment, platform)
    assert look_on(facts, LookSettings()).ascii_only is ascii_only
    assert look_on(facts, LookSettings(glyphs="ascii")).ascii_only
    assert not look_on(facts, LookSettings(glyphs="full")).ascii_only


@pytest.mark.parametrize(("value", "asked"), [("auto", True), ("off", False)])
async def test_synchronized_output_can_be_switched_off(
    value: str, asked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asks: list[object] = []
    monkeypatch.setattr("tradebot.app.ask_for_synchronized_output", lambda *given: asks.append(given))
    look = look_on(terminal_facts({}, "win32"), LookSettings(synchronized_output=value))
    app = TradebotApp(FakeEngine("empty"), start_area="data", look=look)
    async with app.run_test() as pilot:
        await ready(pilot)
    assert bool(asks) is asked


async def test_prices_are_drawn_as_often_as_the_settings_say(monkeypatch: pytest.MonkeyPatch) -> None:
    periods: list[float] = []
    usual = TradebotApp.set_interval

    def noted(self: TradebotApp, interval: float, *args: object, **kwargs: object) -> object:
        periods.append(interval)
        return usual(self, interval, *args, **kwargs)

    monkeypatch.setattr(TradebotApp, "set_interval", noted)
    look = look_on(terminal_facts({}), LookSettings(refresh_hz=10))
    async with TradebotApp(FakeEngine("empty"), start_area="data", look=look).run_test() as pilot:
        await ready(pilot)
    assert 0.1 in periods
