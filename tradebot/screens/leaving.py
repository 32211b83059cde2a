"""Leaving the app: what still runs or is not saved is named before it is interrupted."""

from __future__ import annotations

from collections.abc import Iterable

from tradebot.screens.area import Area
from tradebot.screens.desk import Desk
from tradebot.screens.dialogs import Confirm

__all__ = ["ask_to_leave"]


def ask_to_leave(desk: Desk, areas: Iterable[Area]) -> None:
    """End the app; asks where work would be interrupted or lost."""
    if isinstance(desk.screen, Confirm):
        return
    holders = [area for area in areas if area.unsaved()]
    reasons = [
        f"Still running: {job.title}."
        for job in desk.latest.jobs
        if job.state == "running" and job.kind != "follow"
    ]
    if reasons:
        reasons.append("What was written stays; collecting again asks only for what is missing.")
    reasons += [area.unsaved() for area in holders]
    if not reasons:
        desk.exit()
        return
    holder = holders[0] if holders else None
    choices = holder.leave_choices() if holder is not None else ()

    def answered(answer: str | None) -> None:
        if answer == "q":
            desk.exit()
        elif answer and holder is not None:
            holder.leave(answer, desk.exit)

    desk.push_screen(
        Confirm("Quit?", tuple(reasons), (*choices, ("q", "quit now, files stay whole"))), answered
    )
