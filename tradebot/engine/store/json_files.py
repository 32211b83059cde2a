"""Small JSON files of a data folder that hold one table by name, such as rules by symbol."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tradebot.engine.control.errors import InputError
from tradebot.engine.store.side_files import write_whole

_VERSION = 1


def read_table(path: Path, name: str, what: str) -> dict[str, Any]:
    """The table `name` of a file, nothing where there is no file; InputError where it is damaged.

    `what` says what the file holds and who asks for it again, e.g. "the rules of instruments".
    """
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except OSError:
        raise InputError(
            f"{path} cannot be read, expected {what}; close the program that locks it or allow reading, then try again."
        ) from None
    except ValueError as error:
        line = error.lineno if isinstance(error, json.JSONDecodeError) else 1
        raise InputError(
            f"{path}, line {line}: this is not JSON, expected {what}; "
            "delete the file and they are asked of the exchange again."
        ) from None
    table = content.get(name) if isinstance(content, dict) else None
    if not isinstance(table, dict):
        raise InputError(
            f'{path}: the key "{name}" is missing, expected {what}; '
            "delete the file and they are asked of the exchange again."
        )
    return table


def write_table(path: Path, name: str, table: Mapping[str, Any]) -> None:
    """Replace the file by one that holds this table, sorted; ShortfallError where the system refuses."""
    write_whole(path, json.dumps({"version": _VERSION, name: dict(sorted(table.items()))}, indent=1) + "\n")


def damaged_entry(path: Path, entry: str, what: str) -> InputError:
    """The sentence for an entry that cannot be read."""
    return InputError(
        f"{path}: the entry of {entry} is damaged, expected {what}; "
        "delete the entry or the file and it is asked of the exchange again."
    )
