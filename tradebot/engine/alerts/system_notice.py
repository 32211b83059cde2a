"""Notifications by the operating system, for a person who looks elsewhere: a few at a time, beside the loop.

What is told may come from the network. It never becomes a part of a command: Windows' PowerShell gets a script that is
always the same and takes the text from its environment, other programs get it as one argument, without a shell.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tradebot.engine.control.clock import Clock
from tradebot.engine.control.events import EventLog
from tradebot.engine.control.storms import Storm

__all__ = ["Notice", "Run", "SystemNotifier", "Tool", "find_tool", "run_tool"]

TIMEOUT_S = 10.0
_LONGEST = 300
_WAITING = 5
_TITLE = "tradebot"
_ADVICE = {
    "win32": "Windows' own PowerShell is missing",
    "darwin": "osascript, which belongs to macOS, is missing",
}
_USUAL_ADVICE = "notify-send is missing; Debian and Ubuntu have it in libnotify-bin, Fedora in libnotify"
# A script of constant text: title and sentence are read from the environment and become text nodes.
_WINDOWS_SCRIPT = "; ".join(
    (
        "$ErrorActionPreference = 'Stop'",
        "$kind = [Windows.UI.Notifications.ToastNotificationManager, Windows.UI.Notifications, "
        "ContentType = WindowsRuntime]",
        "$null = [Windows.Data.Xml.Dom.XmlDocument, Windows.Data.Xml.Dom.XmlDocument, "
        "ContentType = WindowsRuntime]",
        "$xml = [xml]$kind::GetTemplateContent([Windows.UI.Notifications.ToastTemplateType]::ToastText02).GetXml()",
        "$lines = $xml.GetElementsByTagName('text')",
        "$null = $lines[0].AppendChild($xml.CreateTextNode($env:TRADEBOT_NOTICE_TITLE))",
        "$null = $lines[1].AppendChild($xml.CreateTextNode($env:TRADEBOT_NOTICE_TEXT))",
        "$content = New-Object Windows.Data.Xml.Dom.XmlDocument",
        "$content.LoadXml($xml.OuterXml)",
        "$toast = New-Object Windows.UI.Notifications.ToastNotification $content",
        "$id = '{1AC14E77-02E7-4E5D-B744-2EB1AE5198B7}\\WindowsPowerShell\\v1.0\\powershell.exe'",
        "$kind::CreateToastNotifier($id).Show($toast)",
    )
)
_MAC_SCRIPT = (
    "on run argv",
    "display notification (item 2 of argv) with title (item 1 of argv)",
    "end run",
)


@dataclass(frozen=True, slots=True)
class Tool:
    """The program that shows notifications here: its `name` for people, its path, the kind of its arguments."""

    name: str
    path: str
    kind: str


@dataclass(frozen=True, slots=True)
class Notice:
    """What a program is started with: its arguments, and variables that are added to its environment."""

    arguments: tuple[str, ...]
    variables: Mapping[str, str] = field(default_factory=dict)


Run = Callable[[Notice], str]
"""Starts a program and waits for it; "" where it worked, else why it did not. Never raises."""

InThread = Callable[[Callable[[], str]], Awaitable[str]]
"""Runs a blocking call beside the loop, such as `asyncio.to_thread`."""


def find_tool(platform: str = sys.platform, find: Callable[[str], str | None] = shutil.which) -> Tool | None:
    """The program that this system brings for it, None where there is none."""
    if platform == "win32":
        # By its place: looked up by name, a program of that name in the working folder would be taken.
        path = Path(_system_folder()) / "WindowsPowerShell" / "v1.0" / "powershell.exe"
        return Tool("Windows", str(path), "windows") if path.is_file() else None
    name, kind = ("osascript", "mac") if platform == "darwin" else ("notify-send", "linux")
    found = find(name)
    return Tool(name, found, kind) if found else None


def missing_advice(platform: str = sys.platform) -> str:
    """What is missing where there is no program, as half a sentence."""
    return _ADVICE.get(platform, _USUAL_ADVICE)


def notice_of(tool: Tool, sentence: str, title: str = _TITLE) -> Notice:
    """How a program is told to show a sentence."""
    text = _plain(sentence)
    if tool.kind == "windows":
        flags = ("-NoLogo", "-NoProfile", "-NonInteractive", "-Command", _WINDOWS_SCRIPT)
        return Notice((tool.path, *flags), {"TRADEBOT_NOTICE_TITLE": title, "TRADEBOT_NOTICE_TEXT": text})
    if tool.kind == "mac":
        lines = tuple(part for line in _MAC_SCRIPT for part in ("-e", line))
        return Notice((tool.path, *lines, title, text))
    # The body may hold a few tags of HTML for those that draw it.
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return Notice((tool.path, f"--app-name={title}", "--", title, escaped))


def run_tool(notice: Notice) -> str:
    """Start the program without a window and without a shell, and wait for it."""
    try:
        done = subprocess.run(  # noqa: S603 - the program is one of ours to choose, its text is no command
            notice.arguments,
            # The environment is handed on as it is; nothing is read from it here.
            env={**os.environ, **notice.variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=TIMEOUT_S,
            check=False,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except subprocess.TimeoutExpired:
        return f"it did not answer within {TIMEOUT_S:g} s"
    except OSError as error:
        return (error.strerror or type(error).__name__).lower()
    if done.returncode == 0:
        return ""
    said = done.stderr.decode("utf-8", errors="replace").strip().splitlines()
    return _plain(said[0])[:120] if said else f"it ended with {done.returncode}"


class SystemNotifier:
    """Shows notifications as `mode` says: off, when away (the terminal is not looked at), or always.

    More than a few in ten seconds are summed up; what fails is said once, until one was shown again.
    """

    def __init__(
        self, mode: str, clock: Clock, events: EventLog, tool: Tool | None = None, run: Run = run_tool
    ) -> None:
        self.mode = mode
        self.focused = True
        self._clock = clock
        self._events = events
        self._tool = tool
        self._run = run
        self._storm = Storm()
        self._waiting: deque[str] = deque(maxlen=_WAITING)
        self._failing = False

    @property
    def wanted(self) -> bool:
        """Whether something would be shown now."""
        return self.mode == "always" or (self.mode == "when away" and not self.focused)

    def add(self, sentence: str) -> None:
        """Take one to be shown, where it is wanted now."""
        if self.wanted and self._storm.passes(self._clock.now_ms() / 1000):
            self._waiting.append(sentence)

    def look(self) -> bool:
        """Sum up what was held back, once it is time; whether anything waits to be sent."""
        held = self._storm.held_back(self._clock.now_ms() / 1000)
        if held and self.wanted:
            self._waiting.append(f"{held} more {'alert is' if held == 1 else 'alerts are'} in the Logs area.")
        return bool(self._waiting)

    async def send(self, in_thread: InThread) -> None:
        """Show what waits."""
        while self._waiting:
            sentence = self._waiting.popleft()
            reason = await in_thread(lambda sentence=sentence: self.show(sentence))  # type: ignore[misc]  # mypy knows no default there
            if reason and not self._failing:
                self._events.warning(
                    "alerts by the system",
                    f"The system shows no notifications ({reason}); alerts are on the screen and in their history.",
                )
            self._failing = bool(reason)

    def show(self, sentence: str) -> str:
        """Show one now, on the calling thread; "" where it worked, else why it did not."""
        if self._tool is None:
            return missing_advice()
        return self._run(notice_of(self._tool, sentence))


def _plain(text: str) -> str:
    """Without control characters, on one line, not longer than a notification shows."""
    cleaned = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return cleaned if len(cleaned) <= _LONGEST else cleaned[: _LONGEST - 1] + "…"


def _system_folder() -> str:
    """Windows' folder of its own programs, asked of the system instead of read from a variable."""
    if sys.platform != "win32":
        return ""
    room = ctypes.create_unicode_buffer(260)
    ctypes.windll.kernel32.GetSystemDirectoryW(room, len(room))
    return room.value
