"""The process in which plug-ins are tried: `python -m tradebot.engine.strategy.plugin_child`.

It reads one line of JSON, `{"limit": seconds, "sources": [...]}`, and writes a line of JSON for each source as it
begins and as it ends. A plug-in that takes longer than the limit, or crashes the interpreter, ends this process; the
traceback that `faulthandler` leaves on standard error names the line, also where a loop holds the interpreter's lock.
The process ends by itself when its standard input closes, so that it does not outlive the app.
"""

from __future__ import annotations

import faulthandler
import json
import os
import sys
import threading
from collections.abc import Callable
from typing import Any

from tradebot.engine.strategy.plugin_loading import (
    PluginError,
    PluginSource,
    declarations_of,
    home_of,
    line_in,
    line_of,
    said,
)
from tradebot.engine.strategy.plugin_trial import fault

_ORPHANED = 3


def main() -> None:
    """Try what standard input names."""
    order = json.loads(sys.stdin.readline())
    faulthandler.enable()
    tell = _own_output()
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    for position, values in enumerate(order["sources"]):
        tell({"begin": position})
        faulthandler.dump_traceback_later(float(order["limit"]), exit=True)
        outcome = tried(PluginSource(**values))
        faulthandler.cancel_dump_traceback_later()
        tell({"end": position, **outcome})
    sys.stdout.flush()
    os._exit(0)  # threads and exit handlers of plug-ins are not waited for


def _own_output() -> Callable[[dict[str, Any]], None]:
    """A way to write to standard output that what plug-ins print there does not disturb."""
    output = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def tell(message: dict[str, Any]) -> None:
        output.write(json.dumps(message) + "\n")
        output.flush()

    return tell


def _end_with_the_parent() -> None:
    sys.stdin.read()
    os._exit(_ORPHANED)


def tried(source: PluginSource) -> dict[str, Any]:
    """What a plug-in declares as `names`, and what is wrong with it as `sentence` ("": nothing), `line`, `lasting`."""
    names: list[tuple[str, str]] = []
    try:
        for each in declarations_of(source):
            names.append((each.family, str(each.name)))
            try:
                sentence = fault(each)
            except (Exception, SystemExit) as error:  # noqa: BLE001  # another person's code may raise anything
                home = home_of(each.compute)
                line = line_in(error, home) if home is not None else None
                text = f'"{each.name}" fails on ordinary bars with {said(error)}.'
                raise PluginError(text, line or line_of(each)) from None
            if sentence:
                raise PluginError(f'"{each.name}" {sentence}', line_of(each))
    except PluginError as error:
        return {"names": names, "sentence": str(error), "line": error.line, "lasting": error.lasting}
    return {"names": names, "sentence": "", "line": None, "lasting": True}


if __name__ == "__main__":
    main()
