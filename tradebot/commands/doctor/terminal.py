"""The terminal: which one, its size and colours, whether its encoding carries our glyphs, which keys it keeps."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from tradebot.commands.doctor.check import Check, State
from tradebot.screens.console import TerminalFacts

_GROUP = "Terminal"
_SMALLEST = (80, 24)
_FULL_WIDTH = 120
SAMPLES = (
    ("box", "─│╭╮━┃"),
    ("half cells", "╷│╽┃╿╹╻╵▀▄"),
    ("bars", "▁▂▃▄▅▆▇█"),
    ("marks", "▲▼●○×"),
    ("braille", "⣀⣤⣶⣿"),
)


@dataclass(frozen=True, slots=True)
class Console:
    """What is known of the console that the command runs in; `size` is None without a terminal."""

    facts: TerminalFacts
    size: tuple[int, int] | None
    encoding: str
    file_encoding: str


def terminal_checks(console: Console) -> list[Check]:
    """One check each for terminal, size, colours, glyphs, files' encoding and keys."""
    if console.size is None:
        advice = "The app needs one (Windows Terminal is best); every command works without."
        return [
            Check(_GROUP, "terminal", "none: the output goes to a file or another program", State.OK, advice)
        ]
    return [
        _which(console.facts),
        _size(console.size),
        _colours(console.facts),
        glyphs(console),
        _keys(console.facts),
    ]


def _which(facts: TerminalFacts) -> Check:
    told = facts.name or "unknown"
    value = " · ".join(
        part for part in (told, f"TERM={facts.term}" if facts.term else "", facts.multiplexer) if part
    )
    if facts.old_console:
        advice = (
            "Use Windows Terminal (winget install Microsoft.WindowsTerminal): the old console tears while "
            "drawing, and a click into it stops its output."
        )
        return Check(_GROUP, "terminal", value, State.HINT, advice)
    if facts.multiplexer == "screen":
        return Check(
            _GROUP,
            "terminal",
            value,
            State.HINT,
            "GNU screen keeps 256 colours at most; tmux keeps them all.",
        )
    return Check(_GROUP, "terminal", value)


def _size(size: tuple[int, int]) -> Check:
    value = f"{size[0]}x{size[1]}"
    if size[0] < _SMALLEST[0] or size[1] < _SMALLEST[1]:
        advice = (
            f"The app needs {_SMALLEST[0]}x{_SMALLEST[1]} at least: enlarge the window or zoom out (Ctrl+-)."
        )
        return Check(_GROUP, "size", value, State.HINT, advice)
    if size[0] < _FULL_WIDTH:
        return Check(_GROUP, "size", f"{value}; from 120x35 on the screens show everything at once")
    return Check(_GROUP, "size", value)


def _colours(facts: TerminalFacts) -> Check:
    value = {1: "none", 16_777_216: "16 million"}.get(facts.colours, str(facts.colours))
    if facts.colours >= 256:
        return Check(_GROUP, "colours", value)
    advice = "Unset NO_COLOR, or use a terminal with 24-bit colours (COLORTERM=truecolor); signs carry the meaning too."
    return Check(_GROUP, "colours", value, State.HINT, advice)


def glyphs(console: Console) -> Check:
    """Whether the encodings of output and files carry what the screens draw; the sample shows it to the eye."""
    lost = [name for name, sample in SAMPLES if not _fits(sample, console.encoding)]
    if lost:
        advice = "Set PYTHONUTF8=1, and in the old console: chcp 65001."
        return Check(_GROUP, "glyphs", f"{console.encoding} has no {', '.join(lost)}", State.WRONG, advice)
    sample = " ".join(sample for _, sample in SAMPLES)
    value = f"{console.encoding}: {sample} (each must be one cell wide)"
    if sys.platform == "win32" and not console.file_encoding.lower().replace("-", "").startswith("utf8"):
        value += f"; other programs here write {console.file_encoding}, tradebot's files are UTF-8"
    return Check(_GROUP, "glyphs", value)


def _fits(sample: str, encoding: str) -> bool:
    try:
        sample.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _keys(facts: TerminalFacts) -> Check:
    if facts.name == "VS Code":
        advice = "VS Code keeps ^p for itself; `:` opens the palette too."
        return Check(_GROUP, "keys", "all but ^p reach the app", State.HINT, advice)
    if facts.windows_terminal:
        return Check(
            _GROUP,
            "keys",
            "all reach the app; Windows Terminal keeps F11, alt with arrows, ctrl with shift",
        )
    if facts.multiplexer:
        return Check(_GROUP, "keys", f"all but the prefix of {facts.multiplexer} reach the app")
    return Check(_GROUP, "keys", "all that the app uses are sent by every terminal")
