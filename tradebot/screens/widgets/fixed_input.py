"""An input of a fixed size."""

from __future__ import annotations

from textual.geometry import Size
from textual.reactive import Reactive
from textual.widgets import Input

__all__ = ["FixedInput"]


class FixedInput(Input):
    """An input whose own size does not depend on what is typed, so that a letter does not lay out the whole screen."""

    virtual_size = Reactive(Size(0, 0), layout=False)
