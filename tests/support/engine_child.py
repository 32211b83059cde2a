"""An engine in a process of its own, driven by lines of JSON: commands on standard input, replies on standard output.

`python -m tests.support.engine_child DATA_FOLDER SIMULATOR_URL`. The line `snapshot` asks for the snapshot.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tradebot.engine.control.errors import TradebotError
from tradebot.engine.control.folders import find_folders
from tradebot.engine.control.settings import load_settings
from tradebot.engine.engine import Engine, EngineOptions
from tradebot.engine.messages import from_json, to_json


def main() -> None:
    """Serve until standard input closes."""
    folders = find_folders(Path.cwd()).for_demo(Path(sys.argv[1]))
    engine = Engine(EngineOptions(load_settings(None, {"exchange.url": sys.argv[2]}, {}), folders))
    engine.start()
    engine.wait_until_ready()
    for line in sys.stdin:
        if line.strip() == "snapshot":
            answer = to_json(engine.snapshot())
        else:
            try:
                reply = engine.execute(from_json(line)).result(30)
                answer = (
                    json.dumps({"reply": reply}) if isinstance(reply, int | str | bool) else to_json(reply)
                )
            except TradebotError as error:
                answer = json.dumps({"refusal": error.sentence})
        sys.stdout.write(answer + "\n")
        sys.stdout.flush()
    engine.stop()


if __name__ == "__main__":
    main()
