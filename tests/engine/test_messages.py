"""What crosses the engine's border travels as JSON and arrives equal."""

from __future__ import annotations

import dataclasses
import typing

import pytest

from tradebot.engine import messages
from tradebot.engine.messages import (
    BacktestView,
    ChartIndicator,
    ChartLine,
    ChartSignal,
    ChartTrade,
    ChartView,
    Collect,
    CollectEstimate,
    CompareVersions,
    DatasetView,
    DiffLine,
    DraftView,
    EditForm,
    EngineSnapshot,
    EstimateCollect,
    FormEdit,
    FormField,
    FormProblem,
    FormSection,
    FormView,
    FromTemplate,
    GapView,
    GetChart,
    JobView,
    KeepDraft,
    MetricView,
    MonthsView,
    MonthView,
    Preview,
    PreviewCandles,
    PreviewFigure,
    PreviewMark,
    PreviewProgress,
    PreviewSignals,
    PreviewView,
    ReadRule,
    RepairData,
    RuleReading,
    RuleRow,
    RuleSuggestion,
    RunBacktest,
    TemplateView,
    TradePage,
    TradeRow,
    VersionDiff,
    VersionView,
    from_json,
    to_json,
)

TRADE = TradeRow(
    1, "BTCUSDT", "long", 1, "100.0", 2, "101.0", "0.5", 0.4, None, 0.1, 3, "target", "closed", False
)
CHOICE = FormField(
    "a.b", "b", "choice", "x", choices=("x",), choice_help=("h",), choice_labels=("X",), owner="a"
)
EXAMPLES = [
    Collect(("BTCUSDT", "ETH*"), ("1m",), "30d", None, True),
    Collect(("all",), ("1m", "1h"), order="newest", top=50, mark=("1h",)),
    EstimateCollect(Collect(("BTCUSDT",), ("1m",))),
    RepairData(("linear/A_1m", "linear/A_1h_mark")),
    MonthsView("linear/A_1m", "1m", 0, 60_000, (MonthView(1970, 1, (1.0, -1.0), (1,)),), (GapView(0, 1, 1, True, 5),)),
    CollectEstimate(1, 2, 3, 4, 5, 6, None, "s"),
    RunBacktest("a", "[strategy]\n", None, "2024-01-01", 1e4, (("risk.max_bars", "5"),)),
    EditForm("x = 1\n", FormEdit("set", "risk.max_bars", "5")),
    CompareVersions("a", 3, 0, "x = 1\n"),
    ReadRule("x = 1\n", "groups.both", "rsi below 30"),
    FromTemplate("averages", "ETHUSDT"),
    KeepDraft("a", "[half"),
    DraftView("a", "[half", 5),
    TemplateView("averages", "Two averages", "Earns in trends.", "+1 %"),
    VersionView(7, 1_700_000_000_000, True, "risk.max_bars 48 -> 96"),
    VersionDiff("a", 1, 0, (DiffLine("risk.max_bars", "48", ""),)),
    RuleReading("rsi below 30", "w", ("signals.a",), "", (RuleSuggestion("rsi below 30", "l", "h"),)),
    FormView((), (), "x", "w", (RuleRow("entry.signals.1", "entry", "RSI below 30", depth=1, fields=(CHOICE,)),), "m"),
    FormView((FormSection("risk", "risk", "Risk", (FormField("risk.max_bars", "max bars", "int", "5"),)),), (), "x"),
    TradePage(1, 0, (TRADE,)),
    Preview("x = 1\n", "x = 2\n", "BTCUSDT", 90, 7, 40, 30),
    PreviewView(
        7, "done", "", "BTCUSDT", ("BTCUSDT", "ETHUSDT"), "5m", 0, 60_000, 9, 90, 4, 1e4, True,
        (PreviewFigure("sharpe", "Sharpe", "1.41", "good", "0.12", -1, -1, "h"),), (0, 1), (1.0, 2.0), (0,), (1.5,),
        PreviewSignals(3, 4, 0.5, 60_000, 0.62),
        PreviewCandles((0,), (1.0,), (2.0,), (0.5,), (1.5,), 1, (PreviewMark(0, "exit", "short", 1.0, "stop"),)),
        ("n",), True, (FormProblem("entry", "Never fires.", "warning"),),
        Collect(("A",), ("1m",)), "tradebot collect", 12.5,
    ),
    GetChart("BTCUSDT", "5m", "spot", 300_000, 400, 3, ("ema 50",), "ema-trend", "bt-1", 7),
    ChartIndicator("ema", "Exponential moving average", "h", "ema 20", "price", "on price"),
    ChartView(
        7, "done", "BTCUSDT", "linear", "5m", 1, 0, 300_000, (1.0, None), (2.0, None), (0.5, None), (1.5, None),
        (9.0, None), 1, 0, 0, (1.5, 1.6, 1.4, 1.5, 3.0), (ChartLine("ema 50", "EMA 50", "price", (1.2, None)),),
        (ChartSignal(0, "exit long"),), (ChartTrade(1, 1, "long", 0, 1.0, 300_000, 2.0, -0.5, "stop"),), 40,
        "BTCUSDT_1m.csv", ("p",), 12.5,
    ),
    EngineSnapshot(preview=PreviewProgress(7, 0.5, "simulating")),
    EngineSnapshot(
        datasets=(DatasetView("linear/A_1m", "linear", "A", "1m", 1, 0, 0, 0, 0, 9, (1.0, 0.5), 0),),
        jobs=(JobView(1, "collect", "c", "running", 1, 2, "bars"),),
    ),
    BacktestView(
        "id", "s", "t", 0, 0, 1, ("A",), "1m", (MetricView("sharpe", "Sharpe", "n/a"),), (), ("w",), 0,
        (0, 1), (1.0, 2.0), (0.0, -0.1), (1.0, 1.0), "f", "",
    ),
]  # fmt: skip


@pytest.mark.parametrize("message", EXAMPLES, ids=lambda each: type(each).__name__)
def test_a_message_arrives_equal(message: object) -> None:
    line = to_json(message)
    assert "\n" not in line
    assert from_json(line) == message


def test_every_command_is_a_frozen_dataclass_that_is_exported() -> None:
    for command in typing.get_args(messages.Command):
        assert dataclasses.is_dataclass(command)
        assert command.__dataclass_params__.frozen
        assert command.__name__ in messages.__all__


@pytest.mark.parametrize("line", ['{"type": "os", "value": {}}', '{"type": "to_json"}', "[]", '{"type": 3}'])
def test_what_is_no_message_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="is not a message"):
        from_json(line)
