"""Child process of the kill tests: appends bars until it is killed, one line of output for each batch on disk.

`python appending_child.py FOLDER FIRST STEP [merge | stage]`: batch n holds the bars FIRST + n * STEP onwards.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from tests.engine.store.helpers import KEY, bars
from tradebot.engine.store import Store


def main() -> None:
    folder, first, step = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    store = Store(folder)
    while True:
        batch = list(range(first, first + step))
        if "stage" in sys.argv:
            store.stage(KEY, bars(*batch[1::2]))
            store.stage(KEY, bars(*batch[::2]))
            store.settle(KEY)
            store.append(KEY, bars(first + step))
        elif "merge" in sys.argv:
            # Older ones afterwards, so that the file is replaced time and again.
            store.merge(KEY, bars(*batch[1::2]))
            store.merge(KEY, bars(*batch[::2]))
        else:
            store.append(KEY, bars(*batch))
        first += step
        print(first, flush=True)


main()
