"""Other keys for actions: the book of all keys, clashes, the window in Settings, the start, the command."""

from __future__ import annotations

import json
import re
from functools import cache

import pytest
from textual.app import App
from textual.binding import Binding

from tests.screens.conftest import Opened, screen_text, type_text, until
from tests.support.fake_engine import FakeEngine
from tradebot.app import TradebotApp
from tradebot.engine.control.errors import InputError
from tradebot.engine.control.keys import read_key
from tradebot.engine.messages import KeyChoice, SaveSettings
from tradebot.screens.frame import KeyBar, NavBar
from tradebot.screens.key_places import OURS
from tradebot.screens.keys import KeyBook, key_book
from tradebot.screens.keys_dialog import KeyboardDialog
from tradebot.screens.palette_commands import commands_of


@cache
def book() -> KeyBook:
    return key_book()


def chosen(*keys: tuple[str, str], source: str = "config/tradebot.toml") -> tuple[KeyChoice, ...]:
    return tuple(KeyChoice(name, (key,), source) for name, key in keys)


# ---------------------------------------------------------------------------------------------- the bindings themselves


def test_every_binding_has_a_name_of_its_own_and_says_what_it_does() -> None:
    named: dict[str, set[tuple[str, str]]] = {}
    for owner in book().owners:
        for binding in vars(owner).get("BINDINGS", ()):
            assert isinstance(binding, Binding), owner
            assert binding.id, f"{owner.__name__}: {binding.key} has no id"
            assert re.fullmatch(r"[a-z_]+\.[a-z0-9_]+", binding.id), binding.id
            assert binding.description, binding.id
            named.setdefault(binding.id, set()).add((binding.action, binding.description))
    assert not {name: uses for name, uses in named.items() if len(uses) > 1}
    assert len(named) > 150


def test_no_default_key_is_one_that_a_terminal_takes() -> None:
    for action in book().actions.values():
        for key in action.keys:
            if action.binding_id != "app.help_quit":  # says how to quit to a hand that reached for ctrl+c
                assert read_key(key) == key, f"{action.binding_id}: {key}"


def test_no_default_key_clashes() -> None:
    assert [clash.sentence for clash in book().default_clashes()] == []


def test_every_class_of_ours_with_bindings_is_in_the_book() -> None:
    assert {owner.__module__.split(".")[0] + "." for owner in book().owners} == {OURS}
    assert any(issubclass(owner, App) for owner in book().owners)


# ---------------------------------------------------------------------------------------------- clashes


@pytest.mark.parametrize(
    ("action", "key", "holder"),
    [
        ("chart.volume", "s", "chart.symbol"),  # the same class
        ("data.verify", "pageup", "table.page_up"),  # an area and a table in one of its panes
        ("data.verify", "y", "area.copy"),  # every area
        ("data.verify", "4", "app.build"),  # everywhere
        ("strategies.new", "v", "build.versions"),  # a pane and its area
        ("app.palette", "ctrl+q", "app.quit"),
        ("area.copy", "x", "x"),  # in some areas only
    ],
)
def test_two_meanings_of_a_key_in_one_place_are_a_clash(action: str, key: str, holder: str) -> None:
    assert holder in book().would_clash(action, (key,), {})


@pytest.mark.parametrize(
    ("action", "key"),
    [
        ("chart.volume", "z"),
        ("data.verify", "o"),  # marks in Chart, which is not in Data
        ("preview.symbol", "space"),  # switches in the form beside it
        ("months.verify", "2"),  # no area opens from a window
        ("app.quit", "ctrl+w"),
    ],
)
def test_the_same_key_elsewhere_is_none(action: str, key: str) -> None:
    assert book().would_clash(action, (key,), {}) == ""


def test_a_key_is_free_when_its_holder_has_another() -> None:
    assert book().would_clash("chart.volume", ("s",), {"chart.symbol": ("f7",)}) == ""
    both = {"chart.volume": ("s",), "chart.symbol": ("f7",)}
    assert "chart.volume" in book().would_clash("chart.symbol", ("s",), both)


def test_actions_that_share_a_key_by_default_may_share_another() -> None:
    both = {"build.rule": ("f7",), "strategies.new": ("f7",)}
    assert book().clashes(both) == []


@pytest.mark.parametrize("action", ["app.quit", "rule.accept", "dialog.close"])
def test_what_works_while_typing_takes_no_letter(action: str) -> None:
    with pytest.raises(InputError, match="is typed into fields"):
        book().checked(action, "z")


def test_what_cannot_be_used_is_left_out_with_file_key_and_nearest_name() -> None:
    keymap, problems = book().read(
        chosen(
            ("chart.symbol", "v"),
            ("chart.volume", "s"),
            ("chart.symbl", "z"),
            ("data.sort", "v"),
            ("data.verify", "ctrl+h"),
        )
    )
    assert keymap == {"chart.symbol": ("v",), "chart.volume": ("s",)}  # exchanged
    assert [problem.split(".", 1)[0] for problem in problems] == ["tradebot"] * 3
    told = "\n".join(problems)
    assert (
        'keys.chart.symbl is left out. There is no action chart.symbl. Did you mean "chart.symbol"?' in told
    )
    assert "keys.data.verify is left out. ctrl+h is Backspace" in told
    assert 'keys.data.sort is left out. v is taken: "verify" (data.verify)' in told


# ---------------------------------------------------------------------------------------------- in the app


def app_with(engine: FakeEngine, *keys: tuple[str, str]) -> TradebotApp:
    return TradebotApp(engine, keys=chosen(*keys))


async def test_footer_help_palette_and_areas_show_the_other_keys_and_the_old_ones_do_nothing() -> None:
    keys = (("data.verify", "f7"), ("app.help", "f3"), ("app.test", "z"), ("zzz.nothing", "x"))
    app = app_with(FakeEngine(), *keys)
    async with app.run_test(size=(160, 45)) as pilot:
        await until(pilot, lambda: app.key_names.keymap and app.latest.datasets)
        await until(pilot, lambda: "F7 verify" in app.query_one(KeyBar).plain)
        assert "F3 help" in app.query_one(KeyBar).plain
        await until(pilot, lambda: "z Test" in app.query_one(NavBar).plain)
        assert [each.message for each in app._notifications] == [
            "tradebot.toml: keys.zzz.nothing is left out. There is no action zzz.nothing. "
            "tradebot config show keys lists them."
        ]
        offered = [repr(entry) for entry in commands_of(app)]
        for title, key in (("Verify", "F7"), ("Go to Test", "z"), ("Help", "F3")):
            assert any(title in each and re.search(rf"\W{key}\W", each) for each in offered), title
        engine: FakeEngine = app.engine
        before = len(engine.commands)
        await pilot.press("v", "question_mark", "5")
        await pilot.pause()
        assert len(engine.commands) == before
        assert len(app.screen_stack) == 1
        assert not app.query("ResultsArea")
        await pilot.press("f3")
        await until(pilot, lambda: len(app.screen_stack) == 2)
        await pilot.pause()
        assert re.search(r"F7 +verify", screen_text(pilot))
        await pilot.press("escape", "slash")
        await type_text(pilot, "zv")
        assert app.focused.value == "zv"  # a letter stays a letter where one types
        await pilot.press("escape", "z")
        await until(pilot, lambda: app.query("ResultsArea"))


async def open_keyboard(pilot, words: str) -> KeyboardDialog:
    app = pilot.app
    await until(pilot, lambda: app.query_one("#settings").rows)
    await pilot.press("k")
    await until(
        pilot, lambda: isinstance(app.screen, KeyboardDialog) and app.screen.query_one("#keyboard").rows
    )
    await pilot.press("slash")
    app.focused.value = words
    await pilot.press("enter")
    await until(pilot, lambda: len(app.screen.query_one("#keyboard").rows) == 1)
    return app.screen


async def test_tab_leads_to_nothing_that_takes_every_key(opened: Opened) -> None:
    async with opened(FakeEngine(), "settings") as pilot:
        await open_keyboard(pilot, "chart symbol")
        for _ in range(3):
            await pilot.press("tab")
            assert pilot.app.takes_keys
        await pilot.press("escape", "escape")
        await until(pilot, lambda: not isinstance(pilot.app.screen, KeyboardDialog))


async def test_a_key_is_given_by_pressing_it_saved_and_taken_back(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "settings") as pilot:
        app = pilot.app
        window = await open_keyboard(pilot, "chart symbol")
        await pilot.press("enter", "v")
        await until(pilot, lambda: '"volume" (chart.volume)' in screen_text(pilot))
        await pilot.press("ctrl+q")  # obeyed by nobody while a key is awaited
        await until(pilot, lambda: '"quit" (app.quit)' in screen_text(pilot))
        await pilot.press("escape")
        assert app.screen is window
        assert not engine.asked(SaveSettings)
        await pilot.press("enter", "f7")
        await until(pilot, lambda: app.key_names.of("chart.symbol") == "F7")
        assert engine.asked(SaveSettings)[0].changes == (("keys.chart.symbol", "f7"),)
        await until(pilot, lambda: 'Saved: "symbol" is on F7' in screen_text(pilot))
        await pilot.press("y")
        assert app.clipboard == '"chart.symbol" = ["f7"]  # symbol'
        await pilot.press("d")
        await until(pilot, lambda: app.key_names.of("chart.symbol") == "s")
        assert engine.asked(SaveSettings)[1].changes == (("keys.chart.symbol", None),)
        await pilot.press("escape", "escape")
        await until(pilot, lambda: len(app.screen_stack) == 1)
        await pilot.press("b")
        await until(pilot, lambda: len(app.screen_stack) == 2)
        await pilot.press("b")
        await until(pilot, lambda: app.key_names.of("chart.symbol") == "F7")


async def test_keys_that_cannot_be_saved_say_why_and_stay(opened: Opened) -> None:
    engine = FakeEngine()
    engine.refuse[SaveSettings] = "local.toml could not be written (disk full); make room."
    async with opened(engine, "settings", size=(80, 24)) as pilot:
        await open_keyboard(pilot, "chart symbol")
        await pilot.press("enter", "f7")
        await until(pilot, lambda: "make room" in screen_text(pilot))
        assert pilot.app.key_names.of("chart.symbol") == "s"


# ---------------------------------------------------------------------------------------------- the command


def run(*arguments: str) -> tuple[int, str]:
    from typer.testing import CliRunner

    from tradebot.commands.config import app

    found = CliRunner().invoke(app, [*arguments])
    sentence = found.exception.sentence if isinstance(found.exception, InputError) else ""
    return found.exit_code, found.output + sentence


def test_the_command_shows_sets_and_refuses_as_the_window_does(
    tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "tradebot.toml").write_text('[keys]\nchart.symbol = "f7"\n', encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    options = ("--config", str(tmp_path / "config" / "tradebot.toml"))
    assert "volume" in run("set", "keys.chart.marks", "v", *options)[1]
    assert 'Did you mean "chart.symbol"' in run("set", "keys.chart.symbl", "z", *options)[1]
    assert "chart.symbol" in run("set", "keys", '{ "chart.volume" = "f7" }', *options)[1]
    assert not (tmp_path / "config" / "local.toml").exists()
    assert run("set", "keys.chart.volume", "s", *options)[0] == 0  # free, as the file gave its holder another
    shown = json.loads(run("show", "keys.chart", "--json", *options)[1])
    keys = {each["action"]: (each["keys"], each["source"]) for each in shown["keys"]}
    assert keys["chart.volume"] == (["s"], str(tmp_path / "config" / "local.toml"))
    assert keys["chart.symbol"][0] == ["f7"]
    assert keys["chart.marks"] == (["o"], "default")
    assert "F7" in run("show", "keys.chart.symbol", *options)[1]
    assert run("set", "keys.chart.volume", "--default", *options)[0] == 0
