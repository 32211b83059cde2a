"""Unsaved edits are kept on disk while they are made, so that a closed window or a crash loses nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from textual.timer import Timer

from tradebot.engine.control.errors import TradebotError
from tradebot.engine.messages import DraftView, DropDraft, GetDrafts, KeepDraft
from tradebot.screens.area import Area
from tradebot.screens.build_draft import Draft
from tradebot.screens.desk import desk_of, errand

__all__ = ["KeepingArea"]

_PAUSE_SECONDS = 0.3


class KeepingArea(Area):
    """An area with a strategy being edited, whose edits are kept as a draft. `draft` is None before one is open."""

    def __init__(self) -> None:
        super().__init__()
        self.draft: Draft | None = None
        self.drafts: dict[str, DraftView] = {}
        self.on_disk = asyncio.Lock()
        """Held while a draft or strategy is written, so that a draft is never kept after it was saved."""
        self._keep_timer: Timer | None = None
        self._keep_failed = False

    def on_mount(self) -> None:
        """Keep at once when the terminal loses the focus."""
        self.watch(self.app, "app_focus", self._keep_now, init=False)

    async def find_drafts(self) -> None:
        """Ask what was kept and not saved since."""
        found = await desk_of(self).ask(GetDrafts())
        self.drafts = {each.name: each for each in found}

    def keep_soon(self) -> None:
        """Keep the edits after a moment without a further one."""
        if self._keep_timer is not None:
            self._keep_timer.stop()
        self._keep_timer = self.set_timer(_PAUSE_SECONDS, self._keep_now)

    def _keep_now(self) -> None:
        if self._keep_timer is not None:
            self._keep_timer.stop()
            self._keep_timer = None
        if self.draft is not None and self.is_running and self._to_keep(self.draft):
            self._keep(self.draft)

    def _to_keep(self, draft: Draft) -> bool:
        """Whether what is on disk as a draft is not what is in the form."""
        kept = self.drafts.get(draft.name)
        return (kept.toml if kept is not None else None) != (draft.text if draft.edited else None)

    @errand("build-keep")
    async def _keep(self, draft: Draft) -> None:
        await self.keep_now(draft)

    async def keep_now(self, draft: Draft) -> None:
        """Put the draft on disk, or take it from there where nothing differs from what is saved."""
        async with self.on_disk:
            if draft is not self.draft or not self._to_keep(draft):
                return  # it was given up, or kept meanwhile
            if draft.edited:
                await self._put(DraftView(draft.name, draft.text, desk_of(self).latest.time_ms))
            else:
                await self.drop(draft.name)

    async def _put(self, kept: DraftView) -> None:
        try:
            await desk_of(self).ask(KeepDraft(kept.name, kept.toml))
        except TradebotError as error:
            if not self._keep_failed:
                desk_of(self).say(f"The edits could not be kept as a draft: {error.sentence}", "error")
            self._keep_failed = True
            return
        self._keep_failed = False
        self.drafts[kept.name] = kept

    async def drop(self, name: str) -> None:
        """Forget the draft of a name."""
        if self.drafts.pop(name, None) is not None:
            await desk_of(self).ask(DropDraft(name))

    def on_hide(self) -> None:
        """Another area is shown: keep at once."""
        self._keep_now()

    def on_unmount(self) -> None:
        """The app ends: hand the edits over without waiting; the engine does what it was given before it stops."""
        draft = self.draft
        if draft is not None and draft.edited and self._to_keep(draft):
            desk_of(self).engine.execute(KeepDraft(draft.name, draft.text))

    def after_asking(self, go_on: Callable[[], object]) -> None:
        """Do something that replaces the open strategy, once it is settled what becomes of its edits."""
        raise NotImplementedError
