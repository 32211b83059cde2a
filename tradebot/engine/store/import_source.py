"""The content of a file to import, and what its name says."""

from __future__ import annotations

import gzip
import re
import zlib
from dataclasses import dataclass
from pathlib import Path

from tradebot.engine.control.errors import InputError
from tradebot.engine.market import Category, Timeframe, is_symbol
from tradebot.engine.store.parsing import BOM, GZIP

_TOKEN = re.compile(r"[_\-.+ ]+")
_OUR_NAME = re.compile(r"([A-Z0-9][A-Z0-9.-]*)_([0-9]+[mhdw]|funding)\.csv(?:\.gz)?")
_PAIR = re.compile(r"[A-Z0-9]+(USDT|USDC|USDE|USD|PERP|EUR|BTC|ETH|FDUSD|DAI|TRY|BRL)")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class NameHints:
    """What the name of a file and of its folder say; None where they say nothing."""

    category: Category | None
    symbol: str | None
    timeframe: Timeframe | None
    is_mark: bool


def name_hints(path: Path) -> NameHints:
    """Symbol, timeframe and category from names such as `spot/BTCUSDT_1m.csv.gz` or `BTCUSDT-1m-2024-12-31.csv`."""
    tokens = [token for token in _TOKEN.split(path.name) if token]
    symbol = next((token for token in tokens if is_symbol(token) and _PAIR.fullmatch(token)), None)
    timeframe = next((token for token in tokens if token in Timeframe.names()), None)
    ours = _OUR_NAME.fullmatch(path.name)
    if ours:
        symbol = ours[1]
    folder_tokens = _TOKEN.split(path.resolve().parent.name.lower())
    category = next((category for category in Category if category.value in folder_tokens), None)
    return NameHints(category, symbol, Timeframe(timeframe) if timeframe else None, "mark" in tokens)


def raw_content(path: Path) -> bytes:
    """The bytes of the file; InputError where it cannot be read."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"There is no file {path}; check the name and the folder.") from None
    except IsADirectoryError:
        raise InputError(f"{path} is a folder, expected a file; name the files in it.") from None
    except PermissionError:
        what = (
            "is a folder, expected a file" if path.is_dir() else "cannot be read, it is locked or protected"
        )
        raise InputError(f"{path} {what}; name a file that can be read.") from None


def plain_text(raw: bytes, path: Path) -> bytes:
    """The text in these bytes: unpacked, UTF-8 without byte order mark, `\\n` line ends, the last one included."""
    text = raw
    if raw.startswith(GZIP):
        try:
            text = gzip.decompress(raw)
        except (EOFError, OSError, zlib.error):
            raise InputError(
                f"{path} is a damaged gzip file, its content ends early or does not fit its checksum; "
                "download it again."
            ) from None
    elif raw.startswith(b"PK\x03\x04"):
        raise InputError(f"{path} is a zip archive, expected CSV text or gzip; unpack it and import the CSV.")
    if text.startswith(_UTF16):
        text = text.decode("utf-16", "replace").encode()
    text = text.removeprefix(BOM)
    if b"\r" in text:
        text = text.replace(b"\r\n", b"\n")
    text = text.rstrip(b"\n") + b"\n"
    if text == b"\n":
        raise InputError(f"{path} is empty, expected bars or funding payments; nothing was imported.")
    return text
