"""The content of a file to import, and what its name and its folders say."""

from __future__ import annotations

import gzip
import hashlib
import io
import re
import zipfile
import zlib
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from tradebot.engine.control.errors import InputError
from tradebot.engine.market import Category, Timeframe, is_symbol
from tradebot.engine.store.archive import MANIFEST
from tradebot.engine.store.parsing import BOM, GZIP

_TOKEN = re.compile(r"[_\-.+ ]+")
_OUR_NAME = re.compile(r"([A-Z0-9][A-Z0-9.-]*)_([0-9]+[mhdw](?:_mark)?|funding)\.csv(?:\.gz)?")
_PAIR = re.compile(r"[A-Z0-9]+(USDT|USDC|USDE|USD|PERP|EUR|BTC|ETH|FDUSD|DAI|TRY|BRL)")
_FREQTRADE_NAME = re.compile(
    r"(?P<base>[A-Za-z0-9]+)_(?P<quote>[A-Z0-9]+)(?:_(?P<settle>[A-Z0-9]+))?"
    r"-(?P<timeframe>\d+[A-Za-z]+)(?:-(?P<kind>[A-Za-z_]+))?\.json(?:\.gz)?"
)
_LINEAR_COINS = ("USDT", "USDC")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_ENCRYPTED = 0x1
_FIRST_BYTES = 4096
_MOST_BYTES = 4 * 1024**3
# How far up a folder may say what the file is: spot/monthly/klines/BTCUSDT/1m/ is how archives are laid out.
_FOLDERS = 5
_INDEX_FOLDERS = {
    "indexpriceklines": "index prices",
    "premiumindexklines": "premium indexes",
    "index": "index prices",
    "premiumindex": "premium indexes",
}


class Content(Enum):
    """What the rows of a file are; the value is its name for people."""

    BARS = "bars"
    MARK = "mark prices"
    FUNDING = "funding payments"


@dataclass(frozen=True, slots=True)
class NameHints:
    """What the names of a file and of its folders say; None where they say nothing.

    `foreign` names prices that are stored nowhere here; `note` is what a person should know about the reading.
    """

    category: Category | None
    symbol: str | None
    timeframe: Timeframe | None
    content: Content | None
    foreign: str = ""
    note: str = ""


def name_hints(path: Path) -> NameHints:
    """Symbol, timeframe, category and content from names such as `spot/BTCUSDT_1m.csv.gz`,
    `BTCUSDT-1m-2024-12-31.zip` or `BTC_USDT_USDT-5m-futures.json`.
    """
    freqtrade = _FREQTRADE_NAME.fullmatch(path.name)
    if freqtrade is not None:
        return _freqtrade_hints(freqtrade)
    tokens = [token for token in _TOKEN.split(path.name) if token]
    symbol = next((token for token in tokens if is_symbol(token) and _PAIR.fullmatch(token)), None)
    timeframe = next((token for token in tokens if token in Timeframe.names()), None)
    ours = _OUR_NAME.fullmatch(path.name)
    if ours:
        symbol = ours[1]
    folders = [parent.name.lower() for parent in path.resolve().parents[:_FOLDERS]]
    content = None
    if "mark" in tokens or "markpriceklines" in folders:
        content = Content.MARK
    elif "funding" in tokens or "fundingRate" in tokens:
        content = Content.FUNDING
    foreign = next(
        (_INDEX_FOLDERS[name] for name in folders if name in _INDEX_FOLDERS and "klines" in name), ""
    )
    known = Timeframe(timeframe) if timeframe else None
    return NameHints(_category_of(folders), symbol, known, content, foreign)


def _category_of(folders: list[str]) -> Category | None:
    """The nearest folder that names a category; the direct parent may do so as a part of its name."""
    names = {category.value: category for category in Category} | {
        "um": Category.LINEAR,
        "cm": Category.INVERSE,
    }
    for token in _TOKEN.split(folders[0]) if folders else ():
        if token in names and len(token) > 2:
            return names[token]
    return next((names[folder] for folder in folders if folder in names), None)


def _freqtrade_hints(match: re.Match[str]) -> NameHints:
    base, quote, settle = match["base"].upper(), match["quote"], match["settle"]
    kind = (match["kind"] or "").lower()
    note = ""
    symbol = base + quote
    if settle is None:
        category = Category.SPOT
    elif settle in _LINEAR_COINS:
        category = Category.LINEAR
        if settle == "USDC":
            symbol = base + "PERP"
            note = f"{base}/USDC:USDC is the perpetual {symbol} at Bybit; --symbol states another one."
    else:
        category = Category.INVERSE
    content = {"mark": Content.MARK, "funding_rate": Content.FUNDING}.get(kind, Content.BARS)
    timeframe = match["timeframe"]
    known = Timeframe(timeframe) if timeframe in Timeframe.names() else None
    foreign = _INDEX_FOLDERS.get(kind, "")
    return NameHints(category, symbol, known, content, foreign, note)


def is_importable_name(name: str) -> bool:
    """Whether a file of a folder is taken for one to import: CSV, packed or not, and JSON named as freqtrade does."""
    lower = name.lower()
    return lower.endswith((".csv", ".csv.gz", ".zip")) or _FREQTRADE_NAME.fullmatch(name) is not None


def raw_content(path: Path) -> bytes:
    """The bytes of the file; InputError where it cannot be read, or is not what the checksum beside it says."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"There is no file {path}; check the name and the folder.") from None
    except IsADirectoryError:
        raise InputError(f"{path} is a folder, expected a file; name the files in it.") from None
    except PermissionError:
        what = (
            "is a folder, expected a file" if path.is_dir() else "cannot be read, it is locked or protected"
        )
        raise InputError(f"{path} {what}; name a file that can be read.") from None
    _check_sum(raw, path)
    return raw


def _check_sum(raw: bytes, path: Path) -> None:
    """Archives publish `<name>.CHECKSUM` beside each file: its SHA-256 and its name."""
    beside = path.with_name(path.name + ".CHECKSUM")
    try:
        stated = beside.read_bytes()[:64].decode("ascii", "replace").lower()
    except OSError:
        return
    if re.fullmatch(r"[0-9a-f]{64}", stated) and stated != hashlib.sha256(raw).hexdigest():
        raise InputError(
            f"{path} is not the file that {beside.name} beside it describes, its SHA-256 is another one; "
            "download it again."
        )


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
    elif raw.startswith(_ZIP):
        text = _only_file(raw, path)
    if text.startswith(_UTF16):
        text = text.decode("utf-16", "replace").encode()
    text = text.removeprefix(BOM)
    if b"\r" in text:
        text = text.replace(b"\r\n", b"\n")
    text = text.rstrip(b"\n") + b"\n"
    if text == b"\n":
        raise InputError(f"{path} is empty, expected bars or funding payments; nothing was imported.")
    return text


def _only_file(raw: bytes, path: Path) -> bytes:
    """The one CSV inside a zip archive, as Binance publishes them."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            members = [
                member
                for member in archive.infolist()
                if not member.is_dir() and not member.filename.startswith("__MACOSX/")
            ]
            if any(member.filename == MANIFEST for member in members):
                raise InputError(
                    f"{path} is a backup of a data folder, not one file of bars; nothing was imported: bring it back "
                    f"with `tradebot data restore {path.name}`."
                )
            if len(members) != 1:
                raise InputError(
                    f"{path} is a zip archive of {len(members)} files, expected one CSV in it; unpack it and import "
                    "the folder."
                )
            if members[0].flag_bits & _ENCRYPTED:
                raise InputError(f"{path} is encrypted; unpack it with its password and import the CSV.")
            if members[0].file_size > _MOST_BYTES:
                raise InputError(f"{path} unpacks to more than 4 GB, expected one file of bars; split it.")
            content = archive.read(members[0])
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError):
        raise InputError(
            f"{path} is a damaged zip archive, its content ends early or does not fit its checksum; "
            "download it again."
        ) from None
    if content.strip() and not _may_be_rows(content):
        first = content.lstrip()[:60].splitlines()[0].decode("utf-8", "replace")
        raise InputError(
            f"{path} holds one file, {members[0].filename}, and its first line {first!r} is no row of bars; expected "
            "one CSV of bars or funding payments, or freqtrade's JSON; nothing was imported."
        )
    return content


def _may_be_rows(content: bytes) -> bool:
    """Whether the first line has columns, or the text is JSON."""
    first = content[:_FIRST_BYTES].replace(b"\x00", b"").lstrip().split(b"\n", 1)[0]
    return first[:1] in (b"[", b"{") or b"," in first or b"\t" in first
