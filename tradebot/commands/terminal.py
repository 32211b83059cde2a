"""`tradebot` without a command: the terminal app on the exchange's public data."""

from __future__ import annotations

import asyncio
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from tradebot import __version__
from tradebot.commands.context import open_context
from tradebot.engine.control.errors import InputError

if TYPE_CHECKING:
    from tradebot.app import TradebotApp
    from tradebot.engine.control.settings import LookSettings
    from tradebot.engine.engine import EngineOptions
    from tradebot.engine.messages import KeyChoice
    from tradebot.screens.console import TerminalFacts
    from tradebot.screens.look import Look


def open_app(data: Path | None, config: Path | None, url: str | None) -> None:
    """Open the app. Raises InputError where there is no terminal to open it in."""
    if not has_terminal():
        raise InputError(
            "tradebot needs a terminal for its app; without one use its commands (tradebot --help), "
            "or tradebot demo --headless."
        )
    from tradebot.engine.engine import EngineOptions

    context = open_context(data, config, url, json_wanted=False)
    run_app(
        EngineOptions(
            context.settings,
            context.folders,
            settings_file=context.settings_file,
            overrides=context.overrides,
        )
    )


def run_app(options: EngineOptions) -> None:
    """Run the app over an engine of these options, until the person quits."""
    from tradebot.engine.control.allocator import share_pools

    share_pools()
    from tradebot.app import TradebotApp
    from tradebot.commands.screens_file import ScreensFile
    from tradebot.engine.control.crash import log_thread_failures, report_crash
    from tradebot.engine.control.logs_python import current_log
    from tradebot.engine.engine import Engine
    from tradebot.screens.console import own_terminal, with_many_threads

    log = current_log()
    folders = options.folders
    memory = ScreensFile(folders.state / "screens.json", folders.data)
    app = TradebotApp(
        Engine(options),
        start_area=first_area(folders.data),
        on_crash=None if log is None else lambda error: report_crash(error, log),
        look=look_on(own_terminal(), options.settings.look),
        memory=memory,
        keys=chosen_keys(options),
    )
    logging.getLogger("tradebot.app").info("tradebot %s opens %s.", __version__, options.folders.data)
    try:
        with log_thread_failures():
            asyncio.run(with_many_threads(_run_until_closed(app)))
    finally:
        memory.close()
    if app.return_code:
        raise typer.Exit(app.return_code)


async def _run_until_closed(app: TradebotApp) -> None:
    """The app until the person quits or the window is closed."""
    from tradebot.commands.closing import ends_when_closed

    with ends_when_closed(app.exit):
        await app.run_async()


def first_area(data_folder: Path) -> str:
    """Where the app begins when nothing is remembered: Data without any data, else the dashboard."""
    return "dashboard" if any(data_folder.glob("*/*.csv")) else "data"


def chosen_keys(options: EngineOptions) -> tuple[KeyChoice, ...]:
    """The keys that are not the default ones, with where each comes from."""
    from tradebot.engine.control.settings_saving import SavedSettings
    from tradebot.engine.settings_queries import key_choices

    saved = options.folders.saved_settings
    settled = SavedSettings(saved, options.settings_file, dict(options.overrides)).read()
    return key_choices(settled, str(saved))


def look_on(terminal: TerminalFacts, wanted: LookSettings) -> Look:
    """How the app is drawn on a terminal by the settings; glyphs "auto" are ASCII where it has no others."""
    from tradebot.screens.look import Look

    return Look(
        wanted.theme,
        wanted.up_down,
        ascii_only=wanted.glyphs == "ascii" or (wanted.glyphs == "auto" and terminal.ascii_only),
        synchronized_output=wanted.synchronized_output == "auto",
        refresh_hz=wanted.refresh_hz,
    )


def has_terminal() -> bool:
    """Whether both ends of the console are a terminal."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout))
