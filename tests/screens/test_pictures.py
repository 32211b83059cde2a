"""Pictures of the screens: layout and colours as they were looked at and found good.

After a change that is wanted, update them and look: `python -m pytest tests/screens/test_pictures.py --snapshot-update
-n 0`.
They are compared on one system only: fonts do not matter, but the exact versions of the libraries do.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.screens.conftest import ready, screen_text, until
from tests.support.fake_dashboard import busy
from tests.support.fake_engine import FakeEngine
from tradebot.app import TradebotApp
from tradebot.screens.build_form import FormPane
from tradebot.screens.chart_pane import ChartPane
from tradebot.screens.chart_view import Subject
from tradebot.screens.look import Look
from tradebot.screens.trade_dialog import TradeDialog
from tradebot.screens.widgets.line_plot import LinePlot
from tradebot.screens.widgets.log_view import LogView

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="pictures are kept for one system")

WIDE, NARROW, BROAD = (120, 35), (80, 24), (200, 50)
Steps = Callable[[Pilot[None]], Awaitable[None]]


async def error_in_a_field(pilot: Pilot[None]) -> None:
    form = pilot.app.query_one(FormPane)
    form.sheet.focus()
    form.jump("risk.sizing.percent")
    await pilot.press("0")
    await until(pilot, lambda: "1 error" in str(form.border_subtitle))


async def one_trade(pilot: Pilot[None]) -> None:
    pilot.app.query_one("#trades").focus()
    await pilot.press("enter")
    await until(
        pilot, lambda: isinstance(pilot.app.screen, TradeDialog) and pilot.app.screen.query("#trade-bar")
    )
    await until(pilot, lambda: pilot.app.screen.query_one("#trade-bar").plain)


async def on_the_chart(pilot: Pilot[None]) -> None:
    chart = pilot.app.query_one(ChartPane)
    await until(pilot, lambda: chart.view is not None)
    chart.show_subject(
        Subject("BTCUSDT", "linear", ("bbands 20 2", "rsi 14"), result_id="bt-0193"),
    )
    await until(pilot, lambda: chart.settled and chart.view is not None and chart.view.trades)
    await pilot.press("left", "left", "left")
    await until(pilot, lambda: chart.settled and chart.picture.cursor is not None)


async def chart_drawn(pilot: Pilot[None]) -> None:
    chart = pilot.app.query_one(ChartPane)
    await until(pilot, lambda: chart.settled and chart.view is not None)


async def alerts(pilot: Pilot[None]) -> None:
    engine = pilot.app.engine
    engine.alerts.fill(engine.now_ms)
    pilot.app.open_alerts()
    await until(pilot, lambda: "History 3" in screen_text(pilot))


async def alert_form(pilot: Pilot[None]) -> None:
    await chart_drawn(pilot)
    await pilot.press("a")
    await until(pilot, lambda: "Tells: BTCUSDT crosses" in screen_text(pilot))


async def form_alone(pilot: Pilot[None]) -> None:
    await pilot.press("enter")
    await until(pilot, lambda: pilot.app.query_one(FormPane).has_focus_within)


async def failed_job(pilot: Pilot[None]) -> None:
    pilot.app.query_one("#jobs").focus()
    await pilot.press("end")
    await until(pilot, lambda: "safe on disk" in screen_text(pilot))


async def months(pilot: Pilot[None]) -> None:
    await pilot.press("down", "down", "down", "enter")
    await until(pilot, lambda: "elsewhere in" in screen_text(pilot))


async def collect_form(pilot: Pilot[None]) -> None:
    await pilot.press("n")
    await until(pilot, lambda: "389k rows" in screen_text(pilot))


async def log_error(pilot: Pilot[None]) -> None:
    log = pilot.app.query_one(LogView)
    await until(pilot, lambda: log.records)
    log.move_to(6)
    await until(pilot, lambda: "What you can do" in pilot.app.query_one("#record").plain)


async def empty_log(pilot: Pilot[None]) -> None:
    await until(pilot, lambda: "Nothing is logged yet" in screen_text(pilot))


async def chosen_setting(pilot: Pilot[None]) -> None:
    table = pilot.app.query_one("#settings")
    await until(pilot, lambda: table.rows and pilot.app.query_one("SettingsArea").keys is not None)
    await pilot.press("down", "down")


async def curve_drawn(pilot: Pilot[None]) -> None:
    await until(pilot, lambda: pilot.app.query_one("#dash-equity", LinePlot).plain)


async def failed_on_the_dashboard(pilot: Pilot[None]) -> None:
    await curve_drawn(pilot)
    await pilot.press("tab", "tab", "down", "down")
    await until(pilot, lambda: "starts it again" in pilot.app.query_one("#dash-health").plain)


async def palette(pilot: Pilot[None]) -> None:
    await pilot.press("ctrl+p")
    await until(pilot, lambda: "Go to Chart" in screen_text(pilot))


async def help_page(pilot: Pilot[None]) -> None:
    await pilot.press("question_mark")
    await until(pilot, lambda: "Help" in screen_text(pilot))


async def quit_question(pilot: Pilot[None]) -> None:
    await pilot.press("ctrl+q")
    await until(pilot, lambda: "quit now" in screen_text(pilot))


async def filtered_to_nothing(pilot: Pilot[None]) -> None:
    pilot.app.query_one("#datasets").focus()
    await pilot.press("slash", *"doge 5m")
    await until(pilot, lambda: "No dataset matches" in screen_text(pilot))


async def compared(pilot: Pilot[None]) -> None:
    await pilot.press("c")
    await until(pilot, lambda: "Average trade" in screen_text(pilot))


async def nothing(pilot: Pilot[None]) -> None:
    pass


@pytest.mark.parametrize(
    ("scenario", "area", "size", "steps"),
    [
        pytest.param("full", "dashboard", WIDE, curve_drawn, id="dashboard_120"),
        pytest.param("full", "dashboard", NARROW, nothing, id="dashboard_80"),
        pytest.param("full", "dashboard", BROAD, curve_drawn, id="dashboard_200"),
        pytest.param("lost", "dashboard", WIDE, failed_on_the_dashboard, id="dashboard_failing_120"),
        pytest.param("empty", "dashboard", WIDE, nothing, id="dashboard_empty_120"),
        pytest.param("empty", "dashboard", NARROW, nothing, id="dashboard_empty_80"),
        pytest.param("full", "data", WIDE, nothing, id="data_120"),
        pytest.param("full", "data", NARROW, nothing, id="data_80"),
        pytest.param("full", "data", BROAD, nothing, id="data_200"),
        pytest.param("offline", "data", WIDE, nothing, id="data_offline_120"),
        pytest.param("read-only", "data", WIDE, nothing, id="data_read_only_120"),
        pytest.param("full", "data", WIDE, failed_job, id="data_failed_job_120"),
        pytest.param("full", "data", WIDE, months, id="data_months_120"),
        pytest.param("full", "data", NARROW, months, id="data_months_80"),
        pytest.param("empty", "data", NARROW, collect_form, id="data_collect_80"),
        pytest.param("empty", "data", WIDE, nothing, id="data_empty_120"),
        pytest.param("lost", "data", WIDE, palette, id="palette_120"),
        pytest.param("lost", "data", NARROW, nothing, id="data_lost_80"),
        pytest.param("full", "data", WIDE, filtered_to_nothing, id="data_filtered_120"),
        pytest.param("full", "data", NARROW, help_page, id="help_80"),
        pytest.param("full", "data", NARROW, quit_question, id="quit_80"),
        pytest.param("full", "chart", WIDE, on_the_chart, id="chart_120"),
        pytest.param("full", "chart", NARROW, chart_drawn, id="chart_80"),
        pytest.param("full", "chart", BROAD, on_the_chart, id="chart_200"),
        pytest.param("empty", "chart", WIDE, nothing, id="chart_empty_120"),
        pytest.param("lost", "chart", WIDE, chart_drawn, id="chart_lost_120"),
        pytest.param("full", "chart", NARROW, alert_form, id="alert_form_80"),
        pytest.param("full", "data", WIDE, alerts, id="alerts_120"),
        pytest.param("full", "build", WIDE, error_in_a_field, id="build_error_120"),
        pytest.param("full", "build", NARROW, form_alone, id="build_80"),
        pytest.param("full", "build", BROAD, nothing, id="build_200"),
        pytest.param("full", "test", WIDE, nothing, id="test_120"),
        pytest.param("full", "test", BROAD, nothing, id="test_200"),
        pytest.param("empty", "test", NARROW, nothing, id="test_empty_80"),
        pytest.param("full", "test", WIDE, compared, id="compare_120"),
        pytest.param("full", "test", NARROW, nothing, id="test_80"),
        pytest.param("full", "test", WIDE, one_trade, id="trade_120"),
        pytest.param("full", "logs", WIDE, log_error, id="logs_120"),
        pytest.param("full", "logs", NARROW, log_error, id="logs_80"),
        pytest.param("full", "logs", BROAD, log_error, id="logs_200"),
        pytest.param("empty", "logs", NARROW, empty_log, id="logs_empty_80"),
        pytest.param("full", "settings", BROAD, chosen_setting, id="settings_200"),
        pytest.param("full", "settings", WIDE, chosen_setting, id="settings_120"),
        pytest.param("full", "settings", NARROW, chosen_setting, id="settings_80"),
    ],
)
def test_picture(snap_compare: Any, scenario: str, area: str, size: tuple[int, int], steps: Steps) -> None:
    app = TradebotApp(engine_of(scenario, area), start_area=area)
    assert snap_compare(app, terminal_size=size, run_before=after(steps))


@pytest.mark.parametrize(
    ("area", "look", "steps"),
    [
        pytest.param("dashboard", Look(theme="day", refresh_hz=12), curve_drawn, id="dashboard_day"),
        pytest.param("dashboard", Look(ascii_only=True, refresh_hz=12), curve_drawn, id="dashboard_ascii"),
        pytest.param(
            "chart", Look("day", "blue and orange", refresh_hz=12), on_the_chart, id="chart_day_blue"
        ),
        pytest.param("chart", Look(ascii_only=True, refresh_hz=12), on_the_chart, id="chart_ascii"),
        pytest.param("chart", Look("nord", refresh_hz=12), on_the_chart, id="chart_nord"),
        pytest.param("test", Look("contrast", refresh_hz=12), nothing, id="test_contrast"),
        pytest.param("test", Look("solarized-light", refresh_hz=12), nothing, id="test_solarized"),
        pytest.param("build", Look("contrast", refresh_hz=12), error_in_a_field, id="build_contrast"),
    ],
)
def test_picture_in_another_look(snap_compare: Any, area: str, look: Look, steps: Steps) -> None:
    app = TradebotApp(engine_of("full", area), start_area=area, look=look)
    assert snap_compare(app, terminal_size=WIDE, run_before=after(steps))


def engine_of(scenario: str, area: str) -> FakeEngine:
    """One with everything the area shows, frozen in time."""
    return busy(scenario) if area == "dashboard" and scenario != "empty" else FakeEngine(scenario)


def after(steps: Steps) -> Steps:
    """The steps, once the app is drawn, and what they bring."""

    async def prepare(pilot: Pilot[None]) -> None:
        await ready(pilot)
        await steps(pilot)
        await pilot.pause()
        await pilot.pause()

    return prepare
