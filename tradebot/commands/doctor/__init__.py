"""`tradebot doctor`: what tradebot stands on here, line by line, and what to do where something falls short."""

from __future__ import annotations

import locale
import os
import sys
from typing import TYPE_CHECKING

import typer

from tradebot.commands.context import ConfigOption, DataOption, JsonOption, UrlOption, print_out
from tradebot.engine.control.errors import EXIT_OK, EXIT_SHORT

if TYPE_CHECKING:
    from tradebot.commands.doctor.terminal import Console


def doctor(
    data: DataOption = None,
    config: ConfigOption = None,
    url: UrlOption = None,
    json_wanted: JsonOption = False,
) -> None:
    """Look at Python, terminal, folders, exchange and clock, and say what to do where something falls short.

    Works without network and without a terminal. Ends with 1 where something falls short, hints do not count.
    """
    import json

    from tradebot.commands.doctor.check import all_well, document_of, text_of
    from tradebot.commands.doctor.exchange import exchange_checks
    from tradebot.commands.doctor.folders import data_checks, kernels_check, open_leniently, settings_check
    from tradebot.commands.doctor.machine import machine_checks, notifications
    from tradebot.commands.doctor.terminal import terminal_checks
    from tradebot.engine.alerts.system_notice import find_tool
    from tradebot.engine.control.clock import SystemClock

    clock = SystemClock()
    opened = open_leniently(data, config, url)
    folder = opened.folders.data
    checks = [
        *machine_checks(folder),
        notifications(opened.settings.alerts.system_notification, find_tool()),
        *terminal_checks(_console()),
        settings_check(opened, config),
        *data_checks(folder, clock),
        kernels_check(),
        *exchange_checks(url or opened.settings.exchange.url, clock, named=url is not None),
    ]
    print_out(
        json.dumps(document_of(checks), ensure_ascii=False, indent=2) if json_wanted else text_of(checks)
    )
    raise typer.Exit(EXIT_OK if all_well(checks) else EXIT_SHORT)


def _console() -> Console:
    """The console of this process. Windows' takes every character, others show those of the locale's encoding."""
    from tradebot.commands.doctor.terminal import Console
    from tradebot.commands.terminal import has_terminal
    from tradebot.screens.console import own_terminal

    size: tuple[int, int] | None = None
    if has_terminal():
        width, height = os.get_terminal_size(sys.stdout.fileno())
        size = (width, height)
    others = locale.getencoding()
    return Console(own_terminal(), size, "utf-8" if sys.platform == "win32" else others, others)
