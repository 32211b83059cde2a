"""What a terminal says about itself, and what is done for Windows Terminal before and after the app starts."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["TerminalFacts", "terminal_facts"]

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

    `multiplexer` is tmux or screen where one stands between; `old_console` is Windows' console host.
    """

    name: str
    term: str
    colours: int
    multiplexer: str = ""
    old_console: bool = False
    windows_terminal: bool = False


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
    )


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
