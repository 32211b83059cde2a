"""How keys are shown: those of the bindings, or the ones that the person gave instead."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from textual.binding import ActiveBinding, Binding
from textual.dom import DOMNode

from tradebot.engine.control.keys import shown_key

__all__ = ["KeyNames", "in_order", "shown_binding"]


def shown_binding(binding: Binding) -> str:
    """The key of a binding as footer, help and palette show it."""
    return binding.key_display or shown_key(binding.key.split(",")[0])


def in_order(actives: Iterable[ActiveBinding]) -> list[ActiveBinding]:
    """Active bindings with those of each node in the order of its classes: Textual puts remapped ones last."""
    by_node: dict[DOMNode, list[ActiveBinding]] = {}
    for active in actives:
        by_node.setdefault(active.node, []).append(active)
    return [each for node, found in by_node.items() for each in _sorted(node, found)]


def _sorted(node: DOMNode, found: list[ActiveBinding]) -> list[ActiveBinding]:
    places: dict[str | None, int] = {}
    for owner in reversed(type(node).__mro__):
        for binding in vars(owner).get("BINDINGS", ()):
            if isinstance(binding, Binding):
                places.setdefault(binding.id, len(places))
    return sorted(found, key=lambda active: places.get(active.binding.id, len(places)))


class KeyNames:
    """The key of each action by the id of its binding, for sentences that name one."""

    def __init__(self) -> None:
        self._default: dict[str, str] = {}
        self.keymap: Mapping[str, tuple[str, ...]] = {}

    def of(self, binding_id: str) -> str:
        """The key as it is shown; "" where no screen that was loaded so far has the action."""
        chosen = self.keymap.get(binding_id)
        if chosen:
            return shown_key(chosen[0])
        if binding_id not in self._default:
            self._default = dict(_loaded(DOMNode))
        return self._default.get(binding_id, "")


def _loaded(owner: type[DOMNode]) -> Iterator[tuple[str, str]]:
    for each in owner.__subclasses__():
        for binding in vars(each).get("BINDINGS", ()):
            if isinstance(binding, Binding) and binding.id:
                yield binding.id, shown_binding(binding)
        yield from _loaded(each)
