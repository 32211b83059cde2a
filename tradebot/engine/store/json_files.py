"""Small JSON files of a data folder that hold one table by name, such as rules by symbol.

What they hold can be asked of the exchange again, so a damaged one never stops work: `Records` puts it aside.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tradebot.engine.control.errors import InputError
from tradebot.engine.store.side_files import not_written, write_whole

_VERSION = 1


class DamagedTableError(InputError):
    """The content of the file `path` cannot be understood; `damage` says where and what was expected."""

    def __init__(self, path: Path, damage: str) -> None:
        self.path = path
        self.damage = damage
        super().__init__(f"{damage}; delete the file and they are asked of the exchange again.")


def read_table(path: Path, name: str, what: str) -> dict[str, Any]:
    """The table `name` of a file, nothing where there is no file; DamagedTableError where it is damaged.

    `what` says what the file holds, e.g. "the rules of instruments". InputError where it cannot be read at all.
    """
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except OSError:
        raise InputError(
            f"{path} cannot be read, expected {what}; close the program that locks it or allow reading, then try again."
        ) from None
    except (ValueError, RecursionError) as error:
        line = error.lineno if isinstance(error, json.JSONDecodeError) else 1
        raise DamagedTableError(path, f"{path}, line {line}: this is not JSON, expected {what}") from None
    table = content.get(name) if isinstance(content, dict) else None
    if not isinstance(table, dict):
        raise DamagedTableError(path, f'{path}: the key "{name}" is missing, expected {what}')
    return table


def write_table(path: Path, name: str, table: Mapping[str, Any]) -> None:
    """Replace the file by one that holds this table, sorted; ShortfallError where the system refuses."""
    write_whole(path, json.dumps({"version": _VERSION, name: dict(sorted(table.items()))}, indent=1) + "\n")


def damaged_entry(path: Path, entry: str, what: str) -> DamagedTableError:
    """The refusal of a file with an entry that cannot be read."""
    return DamagedTableError(path, f"{path}: the entry of {entry} is damaged, expected {what}")


def put_aside(path: Path) -> Path:
    """Rename a damaged file to `<name>.damaged`, numbered where there is one; hold the folder's lock.

    Returns the new place; ShortfallError where the system refuses.
    """
    aside, number = path.with_name(f"{path.name}.damaged"), 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.damaged.{number}")
    try:
        os.replace(path, aside)
    except OSError as error:
        raise not_written(path, error) from None
    return aside
