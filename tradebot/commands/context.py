"""What every command shares: the common options, settings and folders, and how answers are printed."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradebot.engine.control.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tradebot.engine.control.folders import Folders
    from tradebot.engine.control.settings import Settings

DataOption = Annotated[
    Path | None, typer.Option("--data", help="Folder of market data and results.", show_default=False)
]
ConfigOption = Annotated[
    Path | None, typer.Option("--config", help="Settings file (TOML).", show_default=False)
]
UrlOption = Annotated[
    str | None, typer.Option("--url", help="REST base of the exchange.", show_default=False)
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output.")]


@dataclass(frozen=True, slots=True)
class Context:
    """Settings, folders and the way to answer of one command; `sources` say where each setting comes from by path."""

    settings: Settings
    folders: Folders
    json_wanted: bool
    sources: Mapping[str, str] = field(default_factory=dict)
    settings_file: Path | None = None
    overrides: Mapping[str, Any] = field(default_factory=dict)

    def answer(self, document: Any, text: str) -> None:
        """Print the outcome on standard output: the document as JSON where asked for, else the text."""
        if self.json_wanted:
            print_out(json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False))
        elif text:
            print_out(text)


def open_context(
    data: Path | None,
    config: Path | None,
    url: str | None,
    json_wanted: bool,
    demo_seed: int | None = None,
) -> Context:
    """Read the settings and find the folders. Raises InputError with a sentence for anything wrong in them.

    With `demo_seed` they are the folders of that demo, and what was saved in it.

    What stands beside the settings, such as the plug-ins, is looked for beside the file that is named.
    """
    from tradebot.engine.control.folders import find_folders
    from tradebot.engine.control.settings import resolve_settings

    folders = find_folders(Path.cwd(), data.resolve() if data is not None else None)
    _check_folder(folders.data)
    default_file = folders.config / "tradebot.toml"
    file = config if config is not None else (default_file if default_file.is_file() else None)
    if config is not None:
        folders = replace(folders, config=config.resolve().parent)
    if demo_seed is not None:
        folders = folders.for_demo(folders.data if data is not None else None, demo_seed)
    overrides = {"exchange.url": url.rstrip("/")} if url else {}
    settled = resolve_settings(file, overrides, saved=folders.saved_settings)
    log_into(folders, settled.settings)
    return Context(settled.settings, folders, json_wanted, settled.sources, file, overrides)


def log_into(folders: Folders, settings: Settings) -> None:
    """Write the log of this process into these folders, as the settings say."""
    from tradebot.engine.control.logs_python import set_log

    set_log(folders.logs, settings.logs.level, settings.logs.megabytes)


def _check_folder(folder: Path) -> None:
    """A data folder may have to be made yet, but no file may stand in its way."""
    for each in (folder, *folder.parents):
        if each.is_dir():
            return
        if each.exists():
            inside = "" if each == folder else f", so it cannot hold {folder}"
            raise InputError(
                f"{each} is a file{inside}; name a folder for market data and results with --data."
            )


def print_out(text: str) -> None:
    """Write a line to standard output, if there is one."""
    if sys.stdout is not None:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


def print_note(text: str) -> None:
    """Write a line to standard error: progress, notices, refusals."""
    write_note(text + "\n")


def write_note(text: str) -> None:
    """Write to standard error; what it does not take is dropped, for a full disk there must not end the work.

    A reader that has gone away (`2>&1 | head`) does end it: nobody waits for the rest.
    """
    if sys.stderr is None:
        return
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except BrokenPipeError:
        raise
    except OSError:
        return
