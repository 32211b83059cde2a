"""Edits of a strategy's TOML text that keep its remarks and order: what the form does when a key is pressed.

An edit is made on the document, then the text is changed so that it holds that document (`toml_change`). The text is
the model: whoever keeps the texts can undo anything.
"""

from __future__ import annotations

import copy
import tomllib
from dataclasses import dataclass
from typing import Any

from tradebot.engine.control.errors import InputError
from tradebot.engine.strategy import edit_lists, edit_nodes, edit_values
from tradebot.engine.strategy.declared import Keys, value_at
from tradebot.engine.strategy.form_types import FormEdit
from tradebot.engine.strategy.problems import Path, one_of
from tradebot.engine.strategy.registry import Registry
from tradebot.engine.strategy.rules import RuleLanguage
from tradebot.engine.strategy.toml_change import change_text

NAME_KEY = "@name"
ACTIONS = (
    *("set", "add", "remove", "toggle", "option", "duplicate"),
    *("move", "note", "rule", "member", "targets", "wrap"),
)
Document = dict[str, Any]


@dataclass(slots=True)
class Edited:
    """What an edit came to: the text, the path to look at, and a sentence where it did more than it was told.

    `renamed` and `copied` are those of `change_text`; `language` reads rule sentences.
    """

    toml: str
    focus: str = ""
    said: str = ""
    language: RuleLanguage | None = None
    renamed: tuple[Path, str] | None = None
    copied: tuple[Path, Path] | None = None


def apply_edit(toml: str, edit: FormEdit, registry: Registry) -> str:
    """The text after one edit. Raises InputError where the text is no TOML or the edit does not fit it."""
    return edit_strategy(toml, edit, registry).toml


def edit_strategy(
    toml: str, edit: FormEdit, registry: Registry, language: RuleLanguage | None = None
) -> Edited:
    """The text after one edit, and what to look at then. `language` reads rule sentences, without: one made anew.

    Raises InputError where the text is no TOML or the edit does not fit it.
    """
    try:
        before: Document = tomllib.loads(toml)
    except (tomllib.TOMLDecodeError, RecursionError):
        raise InputError(
            "The text is not valid TOML, so it cannot be edited as a form; mend the text first."
        ) from None
    document = copy.deepcopy(before)
    path = tuple(edit.path.split("."))
    edited = Edited(toml, edit.path, language=language)
    _CARRY_OUT.get(edit.action, _unknown)(document, path, edit, registry, edited)
    edited.toml = change_text(toml, document, edited.renamed, edited.copied)
    return edited


def _unknown(_document: Document, _path: Keys, edit: FormEdit, _registry: Registry, _edited: Edited) -> None:
    raise InputError(f"{edit.action!r} is not an edit of a strategy; expected {one_of(ACTIONS)}.")


def _set(document: Document, path: Keys, edit: FormEdit, registry: Registry, edited: Edited) -> None:
    if path[-1] == NAME_KEY:
        node = edit_nodes.node_path(document, path[:-1])
        new = edit_nodes.rename_node(document, node, edit.text.strip(), registry)
        edited.focus = ".".join((*new, NAME_KEY))
        edited.renamed = (node, new[-1]) if new != node else None
        return
    if len(path) < 2:
        raise InputError(f"{edit.path} is a section; name one of its values.")
    edit_values.set_value(document, path, edit.text, registry)


def _option(document: Document, path: Keys, edit: FormEdit, registry: Registry, _edited: Edited) -> None:
    edit_values.choose(document, path, edit.text, registry)


def _add(document: Document, _path: Keys, edit: FormEdit, registry: Registry, edited: Edited) -> None:
    edited.focus = ".".join(edit_nodes.add_node(document, edit.path, edit.text, registry))


def _remove(document: Document, path: Keys, _edit: FormEdit, registry: Registry, edited: Edited) -> None:
    if path == ("exit",):
        document.pop("exit", None)
        return
    gone = edit_nodes.remove_node(document, edit_nodes.node_path(document, path), registry)
    edited.focus = path[0]
    if len(gone) > 1:
        edited.said = f"With {gone[0]} went {', '.join(gone[1:])}, which nothing else uses."


def _toggle(document: Document, path: Keys, _edit: FormEdit, _registry: Registry, _edited: Edited) -> None:
    edit_nodes.toggle_node(document, edit_nodes.node_path(document, path))


def _duplicate(document: Document, path: Keys, edit: FormEdit, registry: Registry, edited: Edited) -> None:
    if path[0] == "risk":
        edited.focus = edit_values.change_targets(document, path, "duplicate", registry)
        return
    node = edit_nodes.node_path(document, path)
    new = edit_nodes.duplicate_node(document, node, edit.text, registry)
    edited.focus, edited.copied = ".".join(new), (node, new)


def _move(document: Document, path: Keys, edit: FormEdit, _registry: Registry, edited: Edited) -> None:
    edited.focus = ".".join(edit_lists.move(document, path, edit.text))


def _note(document: Document, path: Keys, edit: FormEdit, _registry: Registry, _edited: Edited) -> None:
    edit_nodes.note_node(document, path, edit.text)


def _rule(document: Document, _path: Keys, edit: FormEdit, registry: Registry, edited: Edited) -> None:
    language = edited.language or RuleLanguage(registry)
    added = language.add(document, edit.path, edit.text)
    edited.focus, edited.said = added.focus, added.said


def _member(document: Document, path: Keys, edit: FormEdit, _registry: Registry, edited: Edited) -> None:
    edited.said = edit_lists.change_member(document, path, edit.text)
    members = value_at(document, (*path, "signals")) or []
    if edit.text.strip() in members:
        edited.focus = f"{edit.path}.signals.{members.index(edit.text.strip()) + 1}"


def _targets(document: Document, path: Keys, edit: FormEdit, registry: Registry, edited: Edited) -> None:
    edited.focus = edit_values.change_targets(document, path, edit.text, registry)


def _wrap(document: Document, path: Keys, edit: FormEdit, _registry: Registry, edited: Edited) -> None:
    edited.focus = ".".join(edit_lists.wrap(document, path, edit.text))


_CARRY_OUT = {
    "set": _set,
    "option": _option,
    "add": _add,
    "remove": _remove,
    "toggle": _toggle,
    "duplicate": _duplicate,
    "move": _move,
    "note": _note,
    "rule": _rule,
    "member": _member,
    "targets": _targets,
    "wrap": _wrap,
}
