"""What Windows and Windows Terminal ask of the whole program, held on every system."""

from __future__ import annotations

import ast
import asyncio
import importlib
import io
import pkgutil
import re
import sys
import threading
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from rich.cells import cell_len
from textual.binding import Binding
from textual.dom import DOMNode

import tradebot
from tradebot.cli import _use_utf8
from tradebot.screens.console import ask_for_synchronized_output, terminal_facts, with_many_threads

REPOSITORY = Path(__file__).resolve().parents[1]
SOURCES = sorted((REPOSITORY / "tradebot").rglob("*.py"))
# Backspace, Tab, line feed, Enter and Escape without the Kitty protocol; what Windows Terminal takes for itself.
UNSENT = {"ctrl+h", "ctrl+i", "ctrl+j", "ctrl+m", "ctrl+left_square_bracket"}
TAKEN = {"f11", "alt+enter", "ctrl+tab", "ctrl+comma", "ctrl+plus", "ctrl+minus", "ctrl+0", "alt+f4"} | {
    f"alt+{arrow}" for arrow in ("left", "right", "up", "down")
}
OPENERS = {"open", "read_text", "write_text"}
STARTERS = {"Popen", "create_subprocess_exec"}
CALLS = re.compile(rf"\b({'|'.join(sorted(OPENERS | STARTERS))})\(")
EMOJI = (range(0x231A, 0x231C), range(0x23E9, 0x23F4), range(0x2600, 0x27C0), range(0x1F000, 0x20000))


@cache
def nodes() -> tuple[tuple[Path, ast.AST], ...]:
    """What the tests below look at, with the file it stands in: calls by these names, texts with glyphs."""
    found: list[tuple[Path, ast.AST]] = []
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        if text.isascii() and not CALLS.search(text):
            continue
        for node in ast.walk(ast.parse(text)):
            is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
            if called(node) in OPENERS | STARTERS or (is_text and not node.value.isascii()):
                found.append((path, node))
    return tuple(found)


def called(node: ast.AST) -> str:
    """The last name of what a call calls, "" for anything else."""
    if not isinstance(node, ast.Call):
        return ""
    return getattr(node.func, "attr", None) or getattr(node.func, "id", "")


def calls(names: set[str]) -> Iterator[tuple[Path, ast.Call]]:
    """Every call by one of these names: where it stands."""
    for path, node in nodes():
        if isinstance(node, ast.Call) and called(node) in names:
            yield path, node


# ---------------------------------------------------------------------------------------------- keys and glyphs


def bindings() -> Iterator[tuple[str, str]]:
    """(class, key) of every binding of ours."""
    for module in pkgutil.walk_packages(tradebot.__path__, "tradebot."):
        if module.name.startswith(("tradebot.screens", "tradebot.app")):
            importlib.import_module(module.name)
    kinds = [DOMNode]
    while kinds:
        kind = kinds.pop()
        kinds += kind.__subclasses__()
        if kind.__module__.startswith("tradebot."):
            for binding in vars(kind).get("BINDINGS", ()):
                keys = binding.key if isinstance(binding, Binding) else binding[0]
                for key in keys.split(","):
                    yield f"{kind.__module__}.{kind.__name__}", key.strip()


def test_every_key_reaches_the_app_in_windows_terminal() -> None:
    found = list(bindings())
    assert len(found) > 50
    for where, key in found:
        assert key not in UNSENT | TAKEN, f"{where}: {key}"
        assert not key.startswith("ctrl+shift+"), f"{where}: {key}"
        assert not (key.startswith("ctrl+") and key[5:].isdigit()), f"{where}: {key}"


def test_every_glyph_is_one_cell_wide_and_none_is_an_emoji() -> None:
    glyphs = {
        glyph: path.name
        for path, node in nodes()
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        for glyph in node.value
        if ord(glyph) > 0x7F and glyph != "\ufeff"  # a mark of order that files may begin with is never drawn
    }
    assert len(glyphs) > 30
    for glyph, where in glyphs.items():
        assert cell_len(glyph) == 1, f"{where}: {glyph}"
        assert not any(ord(glyph) in block for block in EMOJI), f"{where}: {glyph}"


# ---------------------------------------------------------------------------------------------- output and frames


class Terminal:
    def __init__(self) -> None:
        self.sent: list[str] = []

    def write(self, data: str) -> None:
        self.sent.append(data)

    def flush(self) -> None:
        self.sent.append("flushed")


def test_windows_terminal_is_asked_for_whole_frames() -> None:
    terminal = Terminal()
    assert ask_for_synchronized_output(terminal, terminal_facts({"WT_SESSION": "x"}, "win32"), "win32")
    assert terminal.sent == ["\x1b[?2026$p", "flushed"]


@pytest.mark.parametrize(
    ("variables", "platform"), [({}, "win32"), ({"WT_SESSION": "x"}, "linux"), ({"TERM": "xterm"}, "darwin")]
)
def test_nobody_else_is_asked(variables: dict[str, str], platform: str) -> None:
    terminal = Terminal()
    assert not ask_for_synchronized_output(terminal, terminal_facts(variables, platform), platform)
    assert not ask_for_synchronized_output(None, terminal_facts({"WT_SESSION": "x"}, "win32"), "win32")
    assert terminal.sent == []


def test_output_is_utf8_whatever_the_code_page(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="cp437"))
    monkeypatch.setattr(sys, "stderr", None)  # as under pythonw
    _use_utf8()
    sys.stdout.write("▲ ╽ …")
    sys.stdout.flush()
    assert raw.getvalue().decode("utf-8") == "▲ ╽ …"


# ---------------------------------------------------------------------------------------------- threads


def test_timers_of_textual_never_wait_for_work_beside_the_screen() -> None:
    """On Windows each sleeping timer keeps a thread of this pool: 60 that only meet each other must all get one."""
    together = threading.Barrier(60)

    async def app() -> int:
        waiting = [asyncio.to_thread(together.wait, 10) for _ in range(60)]
        return len(await asyncio.gather(*waiting))

    assert asyncio.run(with_many_threads(app())) == 60


# ---------------------------------------------------------------------------------------------- files and processes


def test_every_text_file_is_opened_with_its_encoding() -> None:
    for path, call in calls(OPENERS):
        name = called(call)
        keywords = {keyword.arg for keyword in call.keywords}
        texts = [argument.value for argument in call.args if isinstance(argument, ast.Constant)]
        if name == "open":
            owner = getattr(getattr(call.func, "value", None), "id", "")
            opens_files = isinstance(call.func, ast.Name) or owner not in {
                "os",
                "packed",
            }  # `packed`: a member of an archive
            is_text = any(isinstance(text, str) and set(text) <= set("rwaxt+") and text for text in texts)
            if not (opens_files and is_text):
                continue
        positional = name == "read_text" and texts[:1] == ["utf-8"]
        own = isinstance(call.func, ast.Name) and name != "open"
        assert own or positional or "encoding" in keywords, f"{path}:{call.lineno}"


def test_every_child_speaks_utf8_and_opens_no_window() -> None:
    starts = list(calls(STARTERS))
    assert len(starts) >= 4
    for path, call in starts:
        where = f"{path}:{call.lineno}"
        assert "creationflags" in {keyword.arg for keyword in call.keywords}, where
        source = path.read_text(encoding="utf-8")
        flat = " ".join(source.split()).replace('"utf8", ]', '"utf8"]')
        assert flat.count('sys.executable, "-X", "utf8",') == flat.count("sys.executable,"), where


def test_time_zones_come_with_tradebot() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert any(each.startswith("tzdata") for each in project["dependencies"])
    assert importlib.import_module("tzdata")
    assert str(ZoneInfo("Europe/Berlin")) == "Europe/Berlin"
