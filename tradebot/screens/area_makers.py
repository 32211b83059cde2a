"""How each area of the app is made, at its first visit: what it needs is loaded then and not before."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tradebot.screens.area import Area
from tradebot.screens.data import DataArea

__all__ = ["AREA_MAKERS"]


def _build_area() -> Area:
    from tradebot.screens.build import BuildArea

    return BuildArea()


def _chart_area() -> Area:
    from tradebot.screens.chart import ChartArea

    return ChartArea()


def _dashboard_area() -> Area:
    from tradebot.screens.dashboard import DashboardArea

    return DashboardArea()


def _logs_area() -> Area:
    from tradebot.screens.logs import LogsArea

    return LogsArea()


def _settings_area() -> Area:
    from tradebot.screens.settings import SettingsArea

    return SettingsArea()


def _test_area() -> Area:
    from tradebot.screens.results import ResultsArea

    return ResultsArea()


AREA_MAKERS: Mapping[str, Callable[[], Area]] = {
    "dashboard": _dashboard_area,
    "data": DataArea,
    "chart": _chart_area,
    "build": _build_area,
    "test": _test_area,
    "logs": _logs_area,
    "settings": _settings_area,
}
"""By the area's name, the first one first."""
