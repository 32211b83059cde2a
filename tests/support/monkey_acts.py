"""What a monkey does at the keyboard: a seeded stream of acts that knows nothing of the screen.

The same seed gives the same acts, so that a defect can be played again: by `tests.support.monkey` in a real terminal,
by the test of the screens with a pilot.
"""

from __future__ import annotations

import random
import string
from collections.abc import Iterator
from dataclasses import dataclass

SIZES = (
    (120, 35),
    (80, 24),
    (200, 50),
    (100, 30),
    (160, 44),
    (79, 24),
    (80, 23),
    (40, 10),
    (120, 24),
    (81, 60),
)
_ARROWS = ("up", "down", "left", "right")
_MOVES = (*_ARROWS, *_ARROWS, "pageup", "pagedown", "home", "end", "tab", "tab", "shift+tab")
_OTHERS = (
    "shift+up", "shift+down", "shift+left", "shift+right", "ctrl+up", "ctrl+down", "ctrl+left", "ctrl+right",
    "ctrl+home", "ctrl+end", "alt+up", "alt+down", "insert",
)  # fmt: skip
_FUNCTION_KEYS = tuple(f"f{number}" for number in range(1, 13))
# ctrl+q is an act of its own: it ends the app where nothing runs.
_CONTROLS = tuple(f"ctrl+{letter}" for letter in string.ascii_lowercase if letter != "q")
_SIGNS = "?:/+-*.,;<>=!#[](){}'\"_\\|&%$@~^"
_WORDS = (
    "BTCUSDT", "btc", "SOL*", "1m", "15m", "4h", "30d", "2026-01-01", "rsi below 30", "ema(20) crosses above ema(50)",
    "close above 100", "sma 20", "bbands 20 2", "0", "-1", "1e9", "0.5", "99999999999", "nan", "", " ", "z" * 40,
    "../../etc", "strategy", "ema-trend", "C:\\temp\\a b.csv", "äöü ß", "漢字かな", "e\u0301", "🚀", "\u202eabc",
    "[bold]x[/]", "{0}", "%s", "a=b", "[[x]]", '"', "'; drop", "long when close > 1", "theme", "quit", "alert",
)  # fmt: skip
_PASTES = (
    "BTCUSDT\nETHUSDT\nSOLUSDT\n", "a\tb\tc", "\x1b[31mred\x1b[0m", "line\r\nline\r\n", "[strategy]\nname = \"x\"\n",
    "\u0000\u0001\u0007", "0123456789" * 200, "漢字 🚀 e\u0301 \u202e", "[[rules]]\nkind = [bold]\n", "\n\n\n",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Act:
    """One thing done. `kind` is key, text, paste, size, wait or quit; `value` says which, of a size `120x35`."""

    kind: str
    value: str

    def __str__(self) -> str:
        return (
            f"{self.kind}:{self.value!r}" if self.kind in {"text", "paste"} else f"{self.kind}:{self.value}"
        )

    @property
    def size(self) -> tuple[int, int]:
        """The columns and rows of a size."""
        columns, _, rows = self.value.partition("x")
        return int(columns), int(rows)


def acts(seed: int, sizes: tuple[tuple[int, int], ...] = SIZES) -> Iterator[Act]:
    """Acts without end; now and then the same key many times, as when it is held down."""
    rng = random.Random(f"monkey/{seed}")
    while True:
        act = _drawn(rng, sizes)
        repeated = rng.randint(5, 30) if act.kind == "key" and rng.random() < 0.02 else 1
        for _ in range(repeated):
            yield act


def _drawn(rng: random.Random, sizes: tuple[tuple[int, int], ...]) -> Act:
    kind = rng.choices(
        ("move", "letter", "area", "enter", "escape", "space", "sign", "control", "function", "other",
         "erase", "text", "paste", "size", "palette", "wait", "quit"),
        (30, 22, 9, 8, 7, 4, 5, 4, 2, 2, 2, 4, 1, 1.2, 0.6, 1, 0.3),
    )[0]  # fmt: skip
    match kind:
        case "move":
            return Act("key", rng.choice(_MOVES))
        case "letter":
            letter = rng.choice(string.ascii_lowercase)
            return Act("key", letter.upper() if rng.random() < 0.12 else letter)
        case "area":
            return Act("key", rng.choice(string.digits))
        case "enter" | "escape" | "space":
            return Act("key", kind)
        case "sign":
            return Act("key", rng.choice(_SIGNS))
        case "control":
            return Act("key", rng.choice(_CONTROLS))
        case "function":
            return Act("key", rng.choice(_FUNCTION_KEYS))
        case "other":
            return Act("key", rng.choice(_OTHERS))
        case "erase":
            return Act("key", rng.choice(("backspace", "delete")))
        case "palette":
            return Act("key", "ctrl+p")
        case "text":
            return Act("text", rng.choice(_WORDS))
        case "paste":
            return Act("paste", rng.choice(_PASTES))
        case "size":
            columns, rows = rng.choice(sizes)
            return Act("size", f"{columns}x{rows}")
        case "wait":
            return Act("wait", f"{rng.uniform(0.2, 2.0):.1f}")
        case _:
            return Act("quit", "")
