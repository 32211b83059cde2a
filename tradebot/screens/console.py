"""What a terminal says about itself, and what is done for Windows before and after the app starts."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol, TypeVar

__all__ = [
    "TerminalFacts",
    "ask_for_synchronized_output",
    "own_terminal",
    "terminal_facts",
    "with_many_threads",
]

_Result = TypeVar("_Result")
# Each sleeping timer of Textual on Windows keeps one thread of the loop's default executor, which is also asked by
# everything that runs beside the screen; the usual size of CPU cores + 4 would let timers wait for work to end.
_THREADS = 64
_SYNCHRONIZED_OUTPUT_QUERY = "\x1b[?2026$p"

_PLAIN_TERMINALS = frozenset({"linux", "dumb", "ansi", "vt100", "vt102", "vt220", "cons25"})
_LOCALES = ("LC_ALL", "LC_CTYPE", "LANG")  # the first that is set decides
_TRUE_COLOURS = 16_777_216
_PROGRAMS = {
    "vscode": "VS Code",
    "Apple_Terminal": "Terminal of macOS",
    "iTerm.app": "iTerm2",
    "WezTerm": "WezTerm",
    "ghostty": "Ghostty",
}


@dataclass(frozen=True, slots=True)
class TerminalFacts:
    """`name` as people call it ("" where nothing tells), `colours` 1, 8, 16, 256 or 16,777,216.

    `multiplexer` is tmux or screen where one stands between; `old_console` is Windows' console host. `ascii_only`
    tells that it is known to lack other glyphs: the Linux console, hardware terminals, a locale without UTF-8.
    """

    name: str
    term: str
    colours: int
    multiplexer: str = ""
    old_console: bool = False
    windows_terminal: bool = False
    ascii_only: bool = False


def terminal_facts(environment: Mapping[str, str], platform: str = sys.platform) -> TerminalFacts:
    """Read the variables by which terminals make themselves known.

    `{"WT_SESSION": "..."}` is Windows Terminal, also below WSL; Windows without it and without another program's
    name is the old console.
    """
    term = environment.get("TERM", "")
    windows_terminal = "WT_SESSION" in environment
    program = environment.get("TERM_PROGRAM", "")
    name = "Windows Terminal" if windows_terminal else _PROGRAMS.get(program, program)
    old_console = platform == "win32" and not name
    multiplexer = "tmux" if "TMUX" in environment else "screen" if "STY" in environment else ""
    return TerminalFacts(
        name="Windows console" if old_console else name,
        term=term,
        colours=_colours(environment, term, windows_terminal or platform == "win32"),
        multiplexer=multiplexer,
        old_console=old_console,
        windows_terminal=windows_terminal,
        ascii_only=platform != "win32" and _ascii_only(environment, term),
    )


def _ascii_only(environment: Mapping[str, str], term: str) -> bool:
    """A locale that names no character set says nothing: containers have none in terminals that know UTF-8."""
    locale = next((text for name in _LOCALES if (text := environment.get(name, ""))), "")
    charset = locale.partition(".")[2].partition("@")[0].lower().replace("-", "")
    return term in _PLAIN_TERMINALS or charset not in {"", "utf8"}


def _colours(environment: Mapping[str, str], term: str, windows: bool) -> int:
    if environment.get("NO_COLOR") or term == "dumb":
        return 1
    if (
        windows
        or environment.get("COLORTERM", "").lower() in {"truecolor", "24bit"}
        or term.endswith("-direct")
    ):
        return _TRUE_COLOURS
    return 256 if "256" in term else 16 if term else 8


def own_terminal() -> TerminalFacts:
    """The terminal that this process runs in."""
    return terminal_facts(os.environ)


class Writer(Protocol):
    """What is needed of Textual's driver: the way to the terminal."""

    def write(self, data: str) -> None:
        """Send something to the terminal."""

    def flush(self) -> None:
        """Send it now."""


def ask_for_synchronized_output(
    driver: Writer | None, facts: TerminalFacts, platform: str = sys.platform
) -> bool:
    """Ask Windows Terminal whether it draws a frame as a whole, as Textual's drivers of other systems do themselves.

    From 1.24 on it answers; Textual then brackets its frames, and nothing tears. An older one is silent, and nothing
    changes. Returns whether it was asked.
    """
    if driver is None or platform != "win32" or not facts.windows_terminal:
        return False
    driver.write(_SYNCHRONIZED_OUTPUT_QUERY)
    driver.flush()
    return True


async def with_many_threads(work: Awaitable[_Result]) -> _Result:
    """Run the app on this loop with 64 threads beside it, set before Textual starts its first timer."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(_THREADS, thread_name_prefix="screen"))
    return await work
