"""Notifications by the system: told when they are wanted, summed up in a storm, and never a command."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from tradebot.engine.alerts.example import EXAMPLE, tell_example
from tradebot.engine.alerts.system_notice import Notice, SystemNotifier, Tool, find_tool, notice_of, run_tool
from tradebot.engine.control.clock import ManualClock
from tradebot.engine.control.events import EventLog

EVIL = "BTC'); Start-Process calc; ('\"`$(reboot)\n<img src=x> & \x1b[31m"
LINUX = Tool("notify-send", "/usr/bin/notify-send", "linux")


class Desk:
    """A system that shows notifications, or fails with a reason; `shown` is what it was started with."""

    def __init__(self, mode: str = "always", tool: Tool | None = LINUX) -> None:
        self.clock = ManualClock()
        self.events = EventLog(self.clock)
        self.shown: list[Notice] = []
        self.reason = ""
        self.notifier = SystemNotifier(mode, self.clock, self.events, tool, self.run)

    def run(self, notice: Notice) -> str:
        self.shown.append(notice)
        return self.reason

    async def send(self) -> list[str]:
        async def directly(call: Callable[[], str]) -> str:
            return call()

        self.shown.clear()
        self.notifier.look()
        await self.notifier.send(directly)
        return [notice.arguments[-1] for notice in self.shown]


@pytest.mark.parametrize(
    ("mode", "focused", "told"),
    [
        ("off", False, False),
        ("when away", True, False),
        ("when away", False, True),
        ("always", True, True),
        ("always", False, True),
    ],
)
async def test_it_is_told_as_the_setting_says(mode: str, focused: bool, told: bool) -> None:
    desk = Desk(mode)
    desk.notifier.focused = focused
    desk.notifier.add("Gap.")
    assert bool(await desk.send()) is told


async def test_a_storm_is_summed_up_in_one_sentence() -> None:
    desk = Desk()
    for number in range(15):
        desk.notifier.add(f"Alert {number}.")
    assert await desk.send() == ["Alert 0.", "Alert 1.", "Alert 2."]
    await desk.clock.advance(1.5)
    assert await desk.send() == ["12 more alerts are in the Logs area."]
    await desk.clock.advance(20)
    desk.notifier.add("Quiet again.")
    assert await desk.send() == ["Quiet again."]


async def test_what_fails_is_said_once_until_it_works_again() -> None:
    desk = Desk()
    desk.reason = "no desktop is there"
    for _ in range(2):
        desk.notifier.add("x")
        await desk.send()
    assert [event.sentence for event in desk.events.recent(9)] == [
        "The system shows no notifications (no desktop is there); alerts are on the screen and in their history."
    ]


async def test_a_system_without_any_is_said_once_with_what_to_install() -> None:
    desk = Desk(tool=None)
    for _ in range(2):
        desk.notifier.add("x")
        await desk.send()
    (event,) = desk.events.recent(9)
    assert desk.shown == []
    assert "The system shows no notifications (" in event.sentence


def test_on_windows_the_text_is_never_a_part_of_the_command() -> None:
    tool = Tool("Windows", r"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe", "windows")
    evil, plain = notice_of(tool, EVIL), notice_of(tool, "x")
    assert evil.arguments == plain.arguments
    assert "CreateTextNode($env:TRADEBOT_NOTICE_TEXT)" in evil.arguments[-1]
    assert '"' not in evil.arguments[-1], "Windows' way of quoting an argument is left no room for doubt"
    text = evil.variables["TRADEBOT_NOTICE_TEXT"]
    assert "$(reboot)" in text
    assert "\n" not in text
    assert "\x1b" not in text


def test_on_macos_and_linux_the_text_is_one_argument_behind_all_options() -> None:
    mac = notice_of(Tool("osascript", "/usr/bin/osascript", "mac"), EVIL)
    assert mac.arguments[:-2] == notice_of(Tool("osascript", "/usr/bin/osascript", "mac"), "x").arguments[:-2]
    assert mac.arguments[-2] == "tradebot"
    linux = notice_of(LINUX, f"--icon=x {EVIL}")
    assert linux.arguments[2:4] == ("--", "tradebot")
    assert "&lt;img src=x&gt; &amp;" in linux.arguments[-1]
    assert linux.variables == {}


def test_a_program_is_started_without_a_shell_and_says_why_it_failed() -> None:
    def python(code: str, *rest: str) -> Notice:
        return Notice((sys.executable, "-X", "utf8", "-c", code, *rest), {"TRADEBOT_NOTICE_TEXT": EVIL})

    same = "import os, sys; sys.exit(sys.argv[1] != os.environ['TRADEBOT_NOTICE_TEXT'])"
    assert run_tool(python(same, EVIL)) == ""
    assert run_tool(python("import sys; sys.exit('No bus is there.\\nMore.')")) == "No bus is there."
    assert run_tool(python("raise SystemExit(3)")) == "it ended with 3"
    assert run_tool(Notice(("no-such-program-at-all",)))


def test_a_notification_is_no_longer_than_one_shows() -> None:
    assert len(notice_of(LINUX, "x" * 5000).arguments[-1]) == 300


@pytest.mark.parametrize(
    ("platform", "name"), [("linux", "notify-send"), ("darwin", "osascript"), ("freebsd14", "notify-send")]
)
def test_each_system_brings_its_own_program(platform: str, name: str) -> None:
    assert find_tool(platform, lambda wanted: f"/usr/bin/{wanted}") == Tool(
        name, f"/usr/bin/{name}", "mac" if platform == "darwin" else "linux"
    )
    assert find_tool(platform, lambda wanted: None) is None


def test_an_example_goes_every_way_that_is_switched_on() -> None:
    desk = Desk("when away")
    posted: list[bytes] = []
    ways = tell_example(desk.notifier, "http://hook", 0, lambda url, body: posted.append(body) or 204)  # type: ignore[func-returns-value]  # None, so that 204 is the answer
    assert [(way.way, way.state) for way in ways] == [("system notification", "told"), ("web-hook", "told")]
    assert desk.shown[0].arguments[-1] == EXAMPLE
    assert EXAMPLE.encode() in posted[0]
    desk.reason = "no desktop is there"
    failed = tell_example(desk.notifier, "http://hook", 0, lambda url, body: 404)
    assert [way.sentence for way in failed] == [
        "Not shown: no desktop is there.",
        "The address answers 404.",
    ]
    off = tell_example(Desk("off").notifier, "", 0)
    assert [way.state for way in off] == ["off", "off"]
