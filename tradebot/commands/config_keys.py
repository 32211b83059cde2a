"""`tradebot config show keys` and `config set keys.<action> <key>`: every action of the app with its keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tradebot.commands.context import Context, print_note, print_out

if TYPE_CHECKING:
    from tradebot.engine.control.settings_saving import SavedSettings
    from tradebot.screens.keys import KeyBook


def _book() -> KeyBook:
    """The keys of all screens. They are loaded for it, which no other command needs."""
    import tradebot.app  # noqa: F401 - its own keys count too
    from tradebot.screens.keys import key_book

    return key_book()


def show_keys(context: Context, name: str) -> None:
    """Print the actions whose name is or begins with `name`, with their keys. Raises InputError where none does."""
    from tradebot.engine.control.errors import InputError, did_you_mean
    from tradebot.engine.control.keys import shown_key
    from tradebot.engine.control.settings import Resolved
    from tradebot.engine.settings_queries import key_choices

    book = _book()
    choices = key_choices(Resolved(context.settings, context.sources), str(context.folders.saved_settings))
    keymap, problems = book.read(choices)
    sources = {choice.binding_id: choice.source for choice in choices}
    found = [
        each for each in book.actions.values() if f"{each.binding_id}.".startswith(f"{name}." if name else "")
    ]
    if not found:
        raise InputError(f"There is no action {name}.{did_you_mean(name, book.actions)}")
    rows: list[dict[str, Any]] = [
        {
            "action": action.binding_id,
            "keys": list(keymap.get(action.binding_id, action.keys)),
            "default": list(action.keys),
            "source": sources[action.binding_id] if action.binding_id in keymap else "default",
            "does": action.does,
            "where": action.place,
        }
        for action in sorted(found, key=lambda action: action.binding_id)
    ]
    context.answer({"keys": rows, "left_out": list(problems)}, "")
    if not context.json_wanted:
        wide = max(len(row["action"]) for row in rows)
        for row in rows:
            keys = " ".join(map(shown_key, row["keys"]))
            print_out(f"{row['action']:<{wide}}  {keys:<12}  {row['does']:<28}  {row['source']}")
    for problem in problems:
        print_note(problem)


def check_keys(saving: SavedSettings, path: str, value: str | None) -> None:
    """Refuse keys that no action has, that are none, or that clash. Raises InputError with the sentence."""
    from tradebot.engine.control.errors import InputError
    from tradebot.engine.settings_queries import key_choices

    if value is None:
        return
    book = _book()
    choices = key_choices(saving.try_out({path: value}), str(saving.path))
    wanted = path.removeprefix("keys").lstrip(".")
    tried = [each for each in choices if each.saved and wanted in {"", each.binding_id}]
    others = book.read(each for each in choices if each not in tried)[0]
    for choice in tried:
        problem = book.would_clash(choice.binding_id, choice.keys, others)
        if problem:
            raise InputError(problem)
        others[choice.binding_id] = book.checked(choice.binding_id, choice.keys)
