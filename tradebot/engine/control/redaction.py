"""Nothing secret leaves this program in a text: keys, signatures and passwords are hidden before anything is written.

A secret is known by its name (`api_key=...`, `"X-BAPI-SIGN": "..."`, `Authorization: ...`), by its shape (a signature
of 64 hexadecimal digits, a long mixed token, a private key block, a URL with a password) or because it was given to
`Redactor.protect` when it was read from the key ring or the environment.
"""

from __future__ import annotations

import re
import threading

HIDDEN = "***"

_NAMES = (
    r"[\w.-]*(?:api[_-]?key|api[_-]?secret|apikey|secret|signature|passw(?:or)?d|passphrase|token|private[_-]?key"
    r"|credentials?|bapi-sign|cookie)[\w-]*|sign|auth|key_?pair"
)
# `name: value` in JSON, in Python's own notation, in a header line, in a query string, in a list of pairs.
_NAMED = re.compile(
    rf"""(?P<name>(?<![\w.-])b?["']?(?:{_NAMES})["']?\s*(?:[:=]|(?<=["']),|%3D)\s*)
    (?P<value>b?"(?:[^"\\]|\\.)*"|b?'(?:[^'\\]|\\.)*'|[^\s"'&,;)\]}}]+)""",
    re.IGNORECASE | re.VERBOSE,
)
# The value of these headers has blanks in it: everything up to the end of the line or of the quoted text.
_HEADER = re.compile(
    r"""(?P<name>b?["']?(?:(?:proxy-)?authorization|(?:set-)?cookie)["']?\s*[:=,]\s*)(?P<value>b?"[^"\n]*"|b?'[^'\n]*'|[^\n"']+)""",
    re.IGNORECASE,
)
_SCHEME = re.compile(r"\b(?P<name>(?:bearer|basic)\s+)[\w.~+/=-]{8,}", re.IGNORECASE)
_PASSWORD_IN_URL = re.compile(r"(?P<name>\b[a-z][a-z0-9+.-]*://)[^\s/@'\"]+@", re.IGNORECASE)
# Addresses that are a password themselves: web-hooks of chats, bots.
_HOOK = re.compile(r"(?P<name>/(?:services|webhooks)/)[^\s'\"?]+|(?P<bot>/bot)\d+:[\w-]+", re.IGNORECASE)
_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL
)
_SHAPES = re.compile(
    r"\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*"  # a JSON web token
    r"|(?<![\w/.-])[0-9a-fA-F]{64}(?![\w/.-])"  # HMAC-SHA256, as Bybit signs
    r"|(?<![\w/.-])(?=[A-Za-z0-9]*\d)(?=[A-Za-z0-9]*[a-z])(?=[A-Za-z0-9]*[A-Z])[A-Za-z0-9]{32,}(?![\w/.-])"
)
_SHORTEST = 6


class Redactor:
    """Hides secrets in texts. Thread-safe; `protect` makes it know a value by heart."""

    def __init__(self) -> None:
        self._known: tuple[str, ...] = ()
        self._lock = threading.Lock()

    def protect(self, secret: str) -> None:
        """Hide this value from now on wherever it stands; values under six letters are too common to hide."""
        if len(secret) >= _SHORTEST:
            with self._lock:
                self._known = tuple(sorted({*self._known, secret}, key=len, reverse=True))

    def redact(self, text: str) -> str:
        """The text with `***` in the place of every secret."""
        for secret in self._known:
            text = text.replace(secret, HIDDEN)
        return redact(text)


def redact(text: str) -> str:
    """The text with `***` in the place of what looks like a secret.

    >>> redact("GET /v5/order?symbol=BTCUSDT&sign=abc123")
    'GET /v5/order?symbol=BTCUSDT&sign=***'
    """
    text = _PRIVATE_KEY.sub(HIDDEN, text)
    text = _HEADER.sub(_keep_name, text)
    text = _NAMED.sub(_keep_name, text)
    text = _SCHEME.sub(_keep_name, text)
    text = _PASSWORD_IN_URL.sub(lambda found: f"{found['name']}{HIDDEN}@", text)
    text = _HOOK.sub(lambda found: f"{found['name'] or found['bot']}{HIDDEN}", text)
    return _SHAPES.sub(HIDDEN, text)


def _keep_name(found: re.Match[str]) -> str:
    groups = found.groupdict()
    value = groups.get("value") or ""
    quote = value.lstrip("b")[:1] if value.lstrip("b")[:1] in {'"', "'"} else ""
    return f"{groups['name']}{quote}{HIDDEN}{quote}"
