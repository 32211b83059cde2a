"""A text pane drawn line by line: only lines that changed are painted again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tradebot.screens.widgets.palette import Line, cut, palette_of, to_strip

__all__ = ["LinesView"]


class LinesView(ScrollView):
    """Lines of (text, tone) parts, scrolled when they do not fit; `show` replaces them, painting the changed ones."""

    DEFAULT_CSS = """
    LinesView { height: auto; overflow-x: hidden; scrollbar-size-vertical: 1; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("k", "scroll_up", "Up", show=False, id="lines.up"),
        Binding("j", "scroll_down", "Down", show=False, id="lines.down"),
    ]

    def __init__(
        self,
        lines: Sequence[Line] = (),
        *,
        id: str | None = None,  # noqa: A002 - Textual's own name
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.can_focus = False
        self._lines: tuple[Line, ...] = tuple(lines)
        self.virtual_size = Size(0, len(self._lines))

    @property
    def lines(self) -> tuple[Line, ...]:
        """What is drawn."""
        return self._lines

    @property
    def plain(self) -> str:
        """What is drawn, as text."""
        return "\n".join("".join(text for text, _ in line).rstrip() for line in self._lines)

    def show(self, lines: Sequence[Line]) -> None:
        """Draw these lines instead; nothing is painted where they are the same."""
        old, new = self._lines, tuple(lines)
        if old == new:
            return
        self._lines = new
        if len(old) != len(new):
            auto = self.styles.height is not None and self.styles.height.is_auto
            self.virtual_size = Size(0, len(new))
            self.refresh(layout=auto)
            return
        top, width = round(self.scroll_y), self.size.width
        for number, (before, after) in enumerate(zip(old, new, strict=True)):
            if before != after:
                self.refresh(Region(0, number - top, width, 1))

    def render_line(self, y: int) -> Strip:
        """One line of the pane."""
        width = self.size.width
        number = y + round(self.scroll_y)
        line = self._lines[number] if number < len(self._lines) else ()
        return to_strip(cut(line, width), width, palette_of(self.app)).apply_style(self.rich_style)

    def notify_style_update(self) -> None:
        """Paint again in the colours of another theme."""
        super().notify_style_update()
        self.refresh()
