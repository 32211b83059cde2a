"""Where the bars of a data folder come from, so that simulated and real ones are never mixed.

The rule: a folder has one source, the first that claims it; bars of another one are refused. Imported files stand for
the real market: they may share a folder with `mainnet` and `demo` (Bybit's demo trading shows mainnet prices) or stand
alone, not with `testnet` or a simulator, whose prices are made up.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tradebot.engine.control.errors import InputError
from tradebot.engine.store.side_files import write_whole

_REAL = ("mainnet", "demo")
_VERSION = 1


class Provenance:
    """The `.source.json` of a data folder; hold the folder's lock around writes."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def source(self) -> str | None:
        """The source that claimed the folder, None where none has."""
        source = self._content().get("source")
        return source if isinstance(source, str) else None

    def imports(self) -> dict[str, dict[str, Any]]:
        """For each dataset that imported files went into: the last file, its SHA-256 and when (ISO 8601); under
        "earlier" the same of the files before it, the newest first.
        """
        imports = self._content().get("imports", {})
        return dict(imports) if isinstance(imports, dict) else {}

    def claim(self, source: str) -> None:
        """Make the folder one of `source`; InputError where it holds bars that must not be mixed with it."""
        content = self._content()
        held = content.get("source")
        if held == source:
            return
        folder = self._file.parent
        if held is not None:
            raise InputError(
                f"The data folder {folder} holds bars of {held}, so bars of {source} are refused; "
                "give them a folder of their own with --data."
            )
        if content.get("imports") and source not in _REAL:
            raise InputError(
                f"The data folder {folder} holds imported bars, which bars of {source} must not be mixed with; "
                "give them a folder of their own with --data."
            )
        self._write({**content, "source": source})

    def check_mixable(self, source: str | None, imports: dict[str, Any]) -> None:
        """InputError where bars of `source` and these imports must not be mixed with what the folder holds."""
        held = self.source()
        ours, theirs = held is not None or bool(self.imports()), source is not None or bool(imports)
        if not ours or not theirs or held == source:
            return
        both_real = all(each is None or each in _REAL for each in (held, source))
        if both_real and (held is None or source is None):
            return
        raise InputError(
            f"The data folder {self._file.parent} holds bars of {held or 'imported files'}, and the archive bars of "
            f"{source or 'imported files'}, which must not be mixed; restore into a folder of its own with --data."
        )

    def take_over(self, source: str | None, imports: dict[str, Any]) -> None:
        """Note the source and the imports of an archive beside those of the folder, which stay."""
        content = self._content()
        held, known = content.get("source"), self.imports()
        changed = {**content, "source": held or source, "imports": {**imports, **known}}
        if changed["source"] is None:
            del changed["source"]
        if (changed.get("source"), changed["imports"]) != (held, known):
            self._write(changed)

    def allow_import(self) -> None:
        """InputError where imported bars must not be mixed with what the folder holds."""
        held = self.source()
        if held is not None and held not in _REAL:
            raise InputError(
                f"The data folder {self._file.parent} holds bars of {held}, which imported bars must not be mixed "
                "with; import them into a folder of their own with --data."
            )

    def note_import(self, dataset: str, file_name: str, sha256: str, imported_at: str) -> None:
        """Remember that a file went into a dataset; earlier files stay noted behind the last one."""
        content, imports = self._content(), self.imports()
        before = imports.get(dataset, {})
        earlier = [
            each for each in (before, *before.get("earlier", ())) if each.get("sha256") not in {None, sha256}
        ]
        entry: dict[str, Any] = {"file": file_name, "sha256": sha256, "imported_at": imported_at}
        if earlier:
            entry["earlier"] = [{name: each.get(name) for name in entry} for each in earlier]
        self._write({**content, "imports": {**imports, dataset: entry}})

    def _content(self) -> dict[str, Any]:
        try:
            content = json.loads(self._file.read_bytes())
        except FileNotFoundError:
            return {}
        except ValueError:
            content = None
        if not isinstance(content, dict):
            raise InputError(
                f"{self._file} is damaged, expected JSON that names the source of the bars; correct it, or delete "
                "it if you know that all bars in the folder come from the source you use."
            )
        return content

    def _write(self, content: dict[str, Any]) -> None:
        write_whole(self._file, json.dumps({"version": _VERSION, **content}, indent=2) + "\n")
