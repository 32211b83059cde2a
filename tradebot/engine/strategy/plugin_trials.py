"""Trying plug-ins in a process of their own, and remembering by the hash of their content how that went."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from tradebot.engine.control.files import write_atomically
from tradebot.engine.strategy.plugin_loading import PluginSource

_REMEMBERED = ".tried.json"
_BEGIN_SECONDS = 60.0
"""How long the process itself may take to begin, on a machine that is busy."""
_CREATE_NO_WINDOW = 0x08000000


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a trial went: "" as `sentence` where the plug-in is sound; `names` are the (family, name) it declares."""

    sentence: str = ""
    line: int | None = None
    lasting: bool = True
    names: tuple[tuple[str, str], ...] = ()


def outcomes(folder: Path, sources: Sequence[PluginSource], limit_seconds: float) -> dict[str, Outcome]:
    """How the trial of each source went, by its digest; what was tried before is not tried again.

    A trial that takes longer than the limit, or that brings its process down, is a fault like any other.
    """
    remembered = _read(folder) if sources else {}
    new = [source for source in sources if source.digest not in remembered]
    found = {source.digest: remembered[source.digest] for source in sources if source.digest in remembered}
    while new:
        tried = _try(new, limit_seconds)
        found |= tried
        new = [source for source in new if source.digest not in tried]
    keep = {digest: outcome for digest, outcome in found.items() if outcome.lasting}
    if keep != remembered:
        _write(folder, keep)
    return found


def _try(sources: Sequence[PluginSource], limit_seconds: float) -> dict[str, Outcome]:
    """The outcomes of all sources up to the first one that ended the process, that one included."""
    order = {"limit": limit_seconds, "sources": [asdict(source) for source in sources]}
    with tempfile.TemporaryFile() as trace:
        code, messages = _told(order, trace, _BEGIN_SECONDS + 2 * limit_seconds * len(sources))
        trace.seek(0)
        left = trace.read().decode(errors="replace")
    found: dict[str, Outcome] = {}
    begun = 0
    for message in messages:
        if "begin" in message:
            begun = message["begin"]
        else:
            names = tuple((family, name) for family, name in message["names"])
            outcome = Outcome(message["sentence"], message["line"], message["lasting"], names)
            found[sources[message["end"]].digest] = outcome
    if not messages:
        last = left.strip().splitlines()[-1] if left.strip() else f"it ended with {code}"
        sentence = f"its trial could not begin ({last}); start tradebot again."
        return {source.digest: Outcome(sentence, lasting=False) for source in sources}
    if len(found) < len(sources) and sources[begun].digest not in found:
        found[sources[begun].digest] = _ended(sources[begun], left, code, limit_seconds)
    return found


def _told(order: Mapping[str, Any], trace: IO[bytes], at_most_seconds: float) -> tuple[int, list[Any]]:
    """The exit code of the trial's process and all that it said; it is ended where it takes far too long."""
    flags = _CREATE_NO_WINDOW if sys.platform == "win32" else 0
    with subprocess.Popen(  # our own interpreter and module
        [sys.executable, "-X", "utf8", "-m", "tradebot.engine.strategy.plugin_child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=trace,
        text=True,
        encoding="utf-8",
        creationflags=flags,
    ) as child:
        timer = threading.Timer(at_most_seconds, child.kill)
        timer.daemon = True
        timer.start()
        messages = []
        try:
            if child.stdin is not None and child.stdout is not None:
                child.stdin.write(json.dumps(order) + "\n")
                child.stdin.flush()
                # Its input stays open until it has said everything: it takes the end of it for ours.
                messages = [json.loads(line) for line in child.stdout if line.endswith("\n")]
        except OSError:  # it ended before it read
            messages = []
        finally:
            timer.cancel()
        return child.wait(), messages


def _ended(source: PluginSource, trace: str, code: int, limit_seconds: float) -> Outcome:
    """What a process that did not come back tells about the plug-in it was trying."""
    marks = [
        trace.rfind("Timeout ("),
        trace.rfind("Fatal Python error"),
        trace.rfind("Windows fatal exception"),
    ]
    told = trace[max(0, *marks) :]
    name = Path(source.path).name if source.path else source.module.rpartition(".")[2] + ".py"
    escaped = re.escape(name.encode("ascii", "backslashreplace").decode())
    found = re.search(rf'File ".*?{escaped}", line (\d+)', told)
    line = int(found[1]) if found else None
    if told.startswith("Timeout ("):
        return Outcome(
            f"it was still computing after {limit_seconds:g} s on a few hundred bars; look for a loop without an end.",
            line,
        )
    reason = re.match(r"(?:Fatal Python error|Windows fatal exception): (.*)", told)
    what = f"with {reason[1].strip()}" if reason else f"with exit code {code}"
    return Outcome(f"it ended the whole program {what}.", line)


def _read(folder: Path) -> dict[str, Outcome]:
    try:
        held = json.loads((folder / _REMEMBERED).read_text(encoding="utf-8"))
        return {
            digest: Outcome(
                each["sentence"], each["line"], True, tuple((family, name) for family, name in each["names"])
            )
            for digest, each in held.items()
        }
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}  # not there yet, of an older version or damaged: everything is tried again


def _write(folder: Path, found: Mapping[str, Outcome]) -> None:
    if not folder.is_dir():
        return
    held = {
        digest: {"sentence": each.sentence, "line": each.line, "names": each.names}
        for digest, each in sorted(found.items())
    }
    try:
        write_atomically(folder / _REMEMBERED, json.dumps(held, indent=1))
    except OSError:  # a folder that is only read: the trial is repeated at the next start
        return
