"""Form views made by hand, so that what the screen draws from them is tested without the engine's declarations."""

from __future__ import annotations

from typing import Any

from tradebot.engine.messages import FormField, FormSection, FormView, RuleRow


def number(path: str, text: str, label: str = "", **more: Any) -> FormField:
    """A number field."""
    return FormField(path, label or path.rpartition(".")[2].replace("_", " "), "float", text, **more)


def choice(path: str, text: str, *choices: str, label: str = "", **more: Any) -> FormField:
    """A field with a list."""
    name = label or path.rpartition(".")[2].replace("_", " ")
    return FormField(path, name, "choice", text, choices=choices, **more)


def rule(place: int, name: str, text: str, *fields: FormField, **more: Any) -> RuleRow:
    """A member of the entry."""
    path = f"entry.signals.{place}"
    return RuleRow(path, "entry", text, fields=fields, name=name, node=f"signals.{name}", **more)


MARKET = FormSection(
    "strategy",
    "market",
    "Market",
    (
        FormField("strategy.name", "name", "text", "EMA cross"),
        FormField("strategy.symbols", "symbols", "symbols", "BTCUSDT, ETHUSDT"),
        choice("strategy.timeframe", "5m", "1m", "5m", "15m"),
        choice("strategy.execution", "", "1m", "5m", default="none"),
    ),
)
ENTRY = FormSection(
    "entry",
    "entry",
    "Entry",
    (
        choice("entry.combine", "unanimous", "unanimous", "majority", "any"),
        FormField("entry.signals", "signals", "members", "cross, strong", choices=("cross", "strong")),
        choice("entry.trigger", "", "level", "edge", default="level"),
    ),
)
EXIT = FormSection("exit", "exit", "Exit", (choice("exit.combine", "", "unanimous", "any"),))
EXITS = FormSection(
    "exits",
    "exits",
    "Exit",
    (
        choice("risk.stop_loss", "atr", "none", "percent", "atr"),
        number("risk.stop_loss.length", "14", "stop loss length", owner="risk.stop_loss"),
        number("risk.stop_loss.multiple", "2", "stop loss multiple", owner="risk.stop_loss"),
        choice("risk.take_profit.1", "r", "none", "r", "percent", label="take profit 1"),
        number("risk.take_profit.1.multiple", "2", "take profit multiple", owner="risk.take_profit.1"),
        choice("risk.trailing_stop", "", "none", "percent", default="none"),
        number("risk.max_bars", "", label="time stop", unit="bars", default="0"),
    ),
)
LIMITS = FormSection(
    "limits",
    "limits",
    "Limits",
    (
        number("risk.max_positions", "3"),
        number("risk.max_daily_loss_percent", "5", unit="%"),
        number("risk.max_drawdown_percent", "", unit="%", default="25"),
    ),
)
INDICATOR = FormSection(
    "indicators.fast",
    "indicator",
    "fast · Exponential moving average",
    (number("indicators.fast.length", "9"),),
    removable=True,
    switchable=True,
)
CROSS = rule(
    1,
    "cross",
    "EMA 9 crosses above EMA 21",
    number("indicators.fast.length", "9"),
    number("indicators.slow.length", "21"),
)
STRONG = rule(
    2,
    "strong",
    "ADX 14 above 20",
    number("indicators.trend.length", "14"),
    choice("signals.strong.op", ">", ">", "<", choice_labels=("above", "below")),
    number("signals.strong.b", "20"),
)
SAMPLE = FormView((MARKET, INDICATOR, ENTRY, EXIT, EXITS, LIMITS), (), "", rows=(CROSS, STRONG))
