"""Commands of building, as the screen sends them: forms, rules, versions, drafts and templates on a real disk."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tradebot.engine.build_queries import BuildQueries
from tradebot.engine.control.clock import ManualClock
from tradebot.engine.control.errors import InputError
from tradebot.engine.control.events import EventLog
from tradebot.engine.control.folders import find_folders
from tradebot.engine.control.settings import load_settings
from tradebot.engine.engine import EngineOptions
from tradebot.engine.market import BarRow, DatasetKey
from tradebot.engine.messages import (
    BuildCommand,
    CompareVersions,
    DeleteStrategy,
    DropDraft,
    EditForm,
    FormEdit,
    FormView,
    FromTemplate,
    GetComponents,
    GetDrafts,
    GetTemplates,
    KeepDraft,
    ListVersions,
    NewStrategy,
    OpenForm,
    OpenToml,
    OpenVersion,
    ReadRule,
    SaveStrategy,
)
from tradebot.engine.store import Store
from tradebot.engine.strategy import builtin_registry

Ask = Callable[[BuildCommand], Any]
TEMPLATE = """\
[strategy]
name = "Two averages"
note = "Earns in trends. Figures: 212 trades, +18 %."
symbols = ["BTCUSDT"]
timeframe = "15m"

[indicators.slow]
use = "ema"
length = 50

[signals.above]
use = "compare"
a = "close"
b = "slow"
supports = "direction"

[entry]
combine = "any"
signals = ["above"]
"""


@pytest.fixture
def queries(tmp_path: Path) -> BuildQueries:
    (tmp_path / "config" / "templates").mkdir(parents=True)
    (tmp_path / "config" / "tradebot.toml").write_text("")
    (tmp_path / "config" / "templates" / "averages.toml").write_text(TEMPLATE)
    found = find_folders(tmp_path)
    folders = replace(found, shipped=tmp_path / "config", state=tmp_path / "state")
    store = Store(tmp_path / "data")
    for symbol, timeframe in (("ETHUSDT", "1m"), ("ETHUSDT", "1h"), ("SOLUSDT", "1m")):
        store.merge(DatasetKey("linear", symbol, timeframe), [BarRow(0, "1", "1", "1", "1", "1", "1")])
    options = EngineOptions(load_settings(None, {}, {}), folders)
    return BuildQueries(options, EventLog(ManualClock()), store, builtin_registry())


@pytest.fixture
def ask(queries: BuildQueries) -> Ask:
    return queries.answer


def rule(ask: Ask, view: FormView, place: str, text: str) -> FormView:
    changed: FormView = ask(EditForm(view.toml, FormEdit("rule", place, text)))
    return changed


# Forms and rules ---------------------------------------------------------------------------------------------


def test_a_new_strategy_has_a_stored_market_and_usual_risk_and_says_what_it_needs(ask: Ask) -> None:
    view = ask(NewStrategy())
    assert tomllib.loads(view.toml)["strategy"]["symbols"] == ["ETHUSDT"]
    assert tomllib.loads(view.toml)["risk"]["stop_loss"]["use"]
    assert view.missing == "Still needed: a rule to enter by, such as rsi below 30."
    assert [problem.path for problem in view.problems] == ["entry.signals"]
    assert tomllib.loads(ask(NewStrategy("XRPUSDT")).toml)["strategy"]["symbols"] == ["XRPUSDT"]


def test_two_sentences_make_a_strategy_that_can_run(ask: Ask) -> None:
    view = rule(ask, ask(NewStrategy()), "entry", "RSI below 30")
    assert (view.errors, view.focus) == (0, "entry.signals.1")
    assert view.said == "Long when RSI 14 below 30, short when RSI 14 above 70."
    view = rule(ask, view, "entry", "ema 200 4h rising")
    assert (view.errors, view.missing, view.focus) == (0, "", "entry.signals.2")
    assert "RSI 14 is below 30" in view.words
    assert [row.text for row in view.rows] == ["RSI 14 below 30", "EMA 200 4h rising"]


def test_a_rule_is_read_while_it_is_typed_and_nothing_is_changed(ask: Ask) -> None:
    view = ask(NewStrategy())
    reading = ask(ReadRule(view.toml, "entry", "sol rsi below 3"))
    assert reading.words == "Long when RSI 14 SOLUSDT below 3, short when RSI 14 SOLUSDT above 97."
    assert reading.makes == ("indicators.rsi_14_solusdt", "signals.rsi_solusdt_below")
    assert not reading.problem
    reading = ask(ReadRule(view.toml, "entry", "rzi belo"))
    assert reading.problem
    assert reading.suggestions
    assert ask(ReadRule(view.toml, "exit", "")).suggestions
    assert not ask(ReadRule(view.toml, "exit", "")).problem
    with pytest.raises(InputError, match="not valid TOML"):
        ask(ReadRule("[", "entry", "rsi below 30"))


def test_components_have_what_can_be_added_and_the_symbols_that_are_stored(ask: Ask) -> None:
    choices = ask(GetComponents())
    assert {"indicators", "signals", "groups", "symbols"} == {each.kind for each in choices}
    stored = {each.name: each.help for each in choices if each.kind == "symbols"}
    assert stored == {"ETHUSDT": "linear: 1h, 1m stored", "SOLUSDT": "linear: 1m stored"} or stored == {
        "ETHUSDT": "linear: 1m, 1h stored", "SOLUSDT": "linear: 1m stored",
    }  # fmt: skip


def test_costs_that_are_not_stated_show_those_of_the_settings_for_the_category(ask: Ask) -> None:
    def default(category: str) -> str:
        view = ask(OpenToml(f'[strategy]\ncategory = "{category}"\n'))
        fields = [field for section in view.sections for field in section.fields]
        return next(field.default for field in fields if field.path == "costs.taker_fee_percent")

    assert (default("linear"), default("spot")) == ("0.055", "0.1")


def test_commands_may_come_from_several_threads_at_once(ask: Ask) -> None:
    view = ask(NewStrategy())
    sentences = ["rsi below 30", "close above ema 50", "adx above 20", "macd crosses signal"] * 5
    with ThreadPoolExecutor(4) as pool:
        views = list(pool.map(lambda text: rule(ask, view, "entry", text), sentences))
    assert [each.rows[0].text for each in views[:4]] == [each.rows[0].text for each in views[4:8]]
    assert all(each.rows for each in views)


# Versions ----------------------------------------------------------------------------------------------------


def test_versions_are_listed_opened_and_compared(ask: Ask, queries: BuildQueries) -> None:
    view = rule(ask, ask(NewStrategy()), "entry", "rsi below 30")
    assert ask(SaveStrategy("dips", view.toml)) == "dips"
    changed = ask(EditForm(view.toml, FormEdit("set", "indicators.rsi_14.length", "21")))
    ask(SaveStrategy("dips", changed.toml))
    versions = ask(ListVersions("dips"))
    assert [(each.number, each.current, each.summary) for each in versions] == [
        (2, True, "indicators.rsi_14.length 14 -> 21"),
        (1, False, "first version"),
    ]
    assert [each.version for each in queries.strategies if each.name == "dips"] == [2]
    assert ask(OpenVersion("dips", 1)).toml == view.toml
    assert ask(OpenForm("dips")).toml == changed.toml
    diff = ask(CompareVersions("dips", 1, 2))
    assert [(each.path, each.before, each.after) for each in diff.lines] == [
        ("indicators.rsi_14.length", "14", "21")
    ]
    edited = ask(EditForm(changed.toml, FormEdit("set", "risk.max_bars", "48")))
    diff = ask(CompareVersions("dips", 2, 0, edited.toml))
    assert [(each.path, each.after) for each in diff.lines] == [("risk.max_bars", "48")]
    with pytest.raises(InputError, match="no version 9"):
        ask(OpenVersion("dips", 9))
    assert ask(ListVersions("never saved")) == ()


def test_deleting_takes_the_draft_along_and_lists_the_rest(ask: Ask, queries: BuildQueries) -> None:
    ask(SaveStrategy("dips", TEMPLATE))
    ask(KeepDraft("dips", TEMPLATE + "# edited\n"))
    assert ask(DeleteStrategy("dips"))
    assert ask(GetDrafts()) == ()
    assert [each.name for each in queries.strategies if not each.example] == []


# Drafts and templates ----------------------------------------------------------------------------------------


def test_a_draft_outlives_the_engine_and_goes_when_it_is_saved(
    ask: Ask, queries: BuildQueries, tmp_path: Path
) -> None:
    ask(KeepDraft("dips", "[half a strat"))
    ask(KeepDraft("other", TEMPLATE))
    assert {each.name: each.toml for each in ask(GetDrafts())} == {"dips": "[half a strat", "other": TEMPLATE}
    assert (tmp_path / "state" / "drafts").is_dir()
    ask(SaveStrategy("dips", TEMPLATE))
    assert [each.name for each in ask(GetDrafts())] == ["other"]
    assert ask(DropDraft("other"))
    assert not ask(DropDraft("other"))


def test_a_template_is_begun_from_on_another_market(ask: Ask) -> None:
    (template,) = ask(GetTemplates())
    assert (template.name, template.title, template.note, template.figures) == (
        "averages", "Two averages", "Earns in trends.", "212 trades, +18 %.",
    )  # fmt: skip
    view = ask(FromTemplate("averages", "SOLUSDT"))
    assert view.errors == 0
    assert tomllib.loads(view.toml)["strategy"]["symbols"] == ["SOLUSDT"]
    assert "Figures" not in view.toml
    with pytest.raises(InputError, match="no template"):
        ask(FromTemplate("nothing"))
