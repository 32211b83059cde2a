"""What is told in passing: once for a cause, a storm as one sentence, and all of it in a list that can be copied."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.screens.conftest import Opened, screen_text, until
from tests.support.fake_engine import FakeEngine
from tradebot.engine.messages import ConnectionView, EngineSnapshot, EventView, JobView
from tradebot.screens.messages_dialog import MessagesDialog
from tradebot.screens.news import News


@dataclass
class Screen:
    """Takes toasts and tells the time."""

    now: float = 0.0
    toasts: list[tuple[str, str]] = field(default_factory=list)

    def notify(self, message: str, *, severity: str, timeout: float, markup: bool) -> None:
        self.toasts.append((severity, message))

    def bell(self) -> None: ...

    @property
    def news(self) -> News:
        return News(self, lambda: self.now)  # type: ignore[arg-type]  # all that News uses of an app


def snapshot(*sentences: str, first: int = 1, link: ConnectionView | None = None) -> EngineSnapshot:
    events = tuple(
        EventView(first + i, 1_000 * (first + i), "warning", "feed", text) for i, text in enumerate(sentences)
    )
    return EngineSnapshot(time_ms=5_000, events=events, connection=link or ConnectionView())


def test_a_cause_is_told_once_in_half_a_minute_whatever_its_figures() -> None:
    screen = Screen()
    news = screen.news
    for second in range(60):
        screen.now = float(second)
        news.say(f"The stream is silent for {second + 10} s.", "warning")
    assert [message for _, message in screen.toasts] == [
        "The stream is silent for 10 s.",
        "The stream is silent for 40 s.",
    ]
    assert [(told.sentence, told.times) for told in news.told] == [("The stream is silent for 69 s.", 60)]


def test_other_names_are_other_causes() -> None:
    screen = Screen()
    news = screen.news
    news.say("ETHUSDT 1m is locked by another program.", "warning")
    news.say("ETHUSDT 5m is locked by another program.", "warning")
    assert len(screen.toasts) == 2


def test_a_storm_is_summed_up_once_it_is_over() -> None:
    screen = Screen()
    news = screen.news
    news.tell(snapshot())
    news.tell(snapshot(*(f"{name} is locked." for name in "ABCDEFGHIJ")))
    assert [message for _, message in screen.toasts] == ["A is locked.", "B is locked.", "C is locked."]
    screen.now = 9.0
    news.tell(snapshot())
    assert screen.toasts[3:] == [("warning", "7 more messages: ! shows all of them.")]
    assert len(news.told) == 10


def test_what_the_banner_says_is_no_toast_but_stands_in_the_list() -> None:
    screen = Screen()
    news = screen.news
    lost = ConnectionView(stream="lost", sentence="The live stream was silent for 47 s; connecting again.")
    news.tell(snapshot())
    news.tell(snapshot("The live stream was silent for 47 s; connecting again.", link=lost))
    assert screen.toasts == []
    assert [told.level for told in news.told] == ["warning"]


def test_a_job_is_told_once_when_it_ends() -> None:
    screen = Screen()
    news = screen.news
    for state in ("running", "failed", "failed"):
        job = JobView(7, "collect", "collect ETHUSDT 1m", state, 1, 2, "rows", sentence="The disk is full.")
        news.tell(EngineSnapshot(time_ms=1, jobs=(job,)))
    assert screen.toasts == [("error", "collect ETHUSDT 1m: The disk is full.")]


# ---------------------------------------------------------------------------------------------- the list


async def test_the_list_says_what_is_wrong_and_what_can_be_done_and_copies_it(opened: Opened) -> None:
    engine = FakeEngine("lost")
    async with opened(engine) as pilot:
        engine.say("warning", "ETHUSDT 1m is locked by another program; new bars wait in a journal.")
        await until(pilot, lambda: pilot.app._notifications)
        await pilot.press("exclamation_mark")
        await until(pilot, lambda: isinstance(pilot.app.screen, MessagesDialog))
        await until(pilot, lambda: "What happened" in screen_text(pilot))
        assert "now" in screen_text(pilot)
        await pilot.press("y")
        assert "silent for 47 s" in pilot.app.clipboard
        await pilot.press("down", "y")
        assert "locked by another program" in pilot.app.clipboard
        assert "warning" in pilot.app.clipboard
        await pilot.press("exclamation_mark")
        assert len(pilot.app.screen_stack) == 1


async def test_a_message_is_explained_from_its_record_in_the_log(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine) as pilot:
        record = next(each for each in engine.logs.entries if each.level == "error")
        engine.say("error", record.sentence)
        await until(pilot, lambda: pilot.app._notifications)
        await pilot.press("exclamation_mark")
        await until(pilot, lambda: "What you can do" in screen_text(pilot))
        await pilot.press("y")
        assert "What we did: " in pilot.app.clipboard
        assert "What you can do: " in pilot.app.clipboard


async def test_with_nothing_to_tell_it_says_so(opened: Opened) -> None:
    async with opened(FakeEngine("empty")) as pilot:
        await pilot.press("exclamation_mark")
        await until(pilot, lambda: "Nothing is wrong" in screen_text(pilot))
        await pilot.press("y", "escape")
        assert len(pilot.app.screen_stack) == 1
