"""Failures of the exchange by kind, each with a sentence of ours and a rule for trying again."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from tradebot.engine.control.errors import ShortfallError


class FailureKind(Enum):
    """What went wrong with one call; the value is its name in logs."""

    UNREACHABLE = "unreachable"  # no connection: network down, wrong address, refused
    TIMEOUT = "timeout"  # connected, but no answer in time, or the connection broke in the middle
    SERVER_ERROR = "server error"  # HTTP 5xx
    NOT_JSON = "not JSON"  # HTTP 200 with a page instead of data, or cut off
    BANNED = "banned"  # HTTP 403: the request limit of this address is used up
    BLOCKED = "blocked"  # HTTP 403: this country or network is not served
    OVERLOADED = "overloaded"  # HTTP or code 429
    TOO_MANY_VISITS = "too many visits"  # code 10006
    CLOCK = "clock"  # code 10002: our time is outside the accepted window
    SERVER_TIMEOUT = "server timeout"  # code 10000
    SERVER_FAULT = "server fault"  # code 10016
    NOT_FOUND = "not found"  # HTTP 404 or code 10017
    REFUSED = "refused"  # a definite refusal: wrong parameter, unknown symbol
    MALFORMED = "malformed"  # an answer without the fields it must have


@dataclass(frozen=True, slots=True)
class RetryRule:
    """How often a kind of failure is tried in all, and the back-off: `first_s` doubling up to `cap_s` seconds."""

    attempts: int
    first_s: float = 0.5
    cap_s: float = 30.0

    def pause_s(self, failures: int) -> float:
        """Longest pause after that many failures (1 or more), before jitter."""
        return float(min(self.cap_s, self.first_s * 2 ** min(failures - 1, 30)))

    @property
    def usual_wait_s(self) -> float:
        """All pauses together in the mean of the jitter (half to all of each), without the time of the calls."""
        return 0.75 * sum(self.pause_s(failures) for failures in range(1, self.attempts))


ONCE = RetryRule(1)
RETRY_RULES = {
    FailureKind.UNREACHABLE: RetryRule(9),
    FailureKind.TIMEOUT: RetryRule(8),
    FailureKind.SERVER_ERROR: RetryRule(8, first_s=1.0),
    FailureKind.NOT_JSON: RetryRule(6, first_s=1.0),
    FailureKind.BANNED: RetryRule(3),
    FailureKind.BLOCKED: ONCE,
    FailureKind.OVERLOADED: RetryRule(8, first_s=2.0),
    FailureKind.TOO_MANY_VISITS: RetryRule(10, first_s=1.0, cap_s=10.0),
    FailureKind.CLOCK: RetryRule(3, first_s=1.0),
    FailureKind.SERVER_TIMEOUT: RetryRule(6, first_s=1.0),
    FailureKind.SERVER_FAULT: RetryRule(6, first_s=1.0),
    FailureKind.NOT_FOUND: ONCE,
    FailureKind.REFUSED: ONCE,
    FailureKind.MALFORMED: RetryRule(3),
}
# Before the first answer an unreachable address is most likely a wrong one: say so at once.
FIRST_CONTACT_RULE = RetryRule(2, first_s=0.3)

_KIND_BY_CODE = {
    429: FailureKind.OVERLOADED,
    10000: FailureKind.SERVER_TIMEOUT,
    10002: FailureKind.CLOCK,
    10006: FailureKind.TOO_MANY_VISITS,
    10009: FailureKind.BLOCKED,
    10016: FailureKind.SERVER_FAULT,
    10017: FailureKind.NOT_FOUND,
    10018: FailureKind.BANNED,
    10024: FailureKind.BLOCKED,
}
_LIMIT_WORDS = ("too frequent", "rate limit", "too many", "access limit")
_BLOCK_WORDS = ("<html", "cloudfront", "country", "restricted", "forbidden region", "block access")


class ExchangeError(ShortfallError):
    """A call to the exchange failed. `code` is its own number (retCode or HTTP status), 0 where it gave none.

    `retry_after_s` is how long the exchange asked to wait, where it said so. `words` is what it wrote, for the log.
    """

    def __init__(
        self,
        kind: FailureKind,
        sentence: str,
        code: int = 0,
        retry_after_s: float | None = None,
        words: str = "",
    ) -> None:
        super().__init__(sentence)
        self.kind = kind
        self.code = code
        self.retry_after_s = retry_after_s
        self.words = words[:300]


class MalformedError(ExchangeError):
    """An answer or message lacks a field, or a field holds what it must not; the sentence names it."""

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(
            FailureKind.MALFORMED,
            f"The exchange's {where} cannot be understood: {problem}.",
        )


def unreachable(url: str) -> ExchangeError:
    """No connection to `url`."""
    return ExchangeError(
        FailureKind.UNREACHABLE,
        f"The exchange cannot be reached at {url}: check the network and the address (setting exchange.url or "
        "--url), or work offline with `tradebot demo` and `tradebot data import`.",
    )


def timed_out(url: str, path: str) -> ExchangeError:
    """Connected, but no whole answer came."""
    return ExchangeError(
        FailureKind.TIMEOUT, f"The exchange at {url} did not answer {path} in time: try again in a minute."
    )


def not_json(url: str, path: str, body: str) -> ExchangeError:
    """HTTP 200 with something else than a JSON object."""
    return ExchangeError(
        FailureKind.NOT_JSON,
        f"The exchange at {url} answered {path} with something that is not data: check that the address is the "
        "base of a Bybit interface, or try again in a minute.",
        words=body,
    )


def error_for_status(status: int, body: str, url: str, path: str) -> ExchangeError:
    """The failure that an HTTP status other than 200 means; a 403 is told apart by its body."""
    text = body.lower()
    if status == 403 and any(word in text for word in _LIMIT_WORDS):
        return banned(url, status, body)
    if status == 403 and any(word in text for word in _BLOCK_WORDS):
        return blocked(url, status, body)
    if status == 403:
        return banned(url, status, body)
    if status == 429:
        return ExchangeError(
            FailureKind.OVERLOADED,
            f"The exchange at {url} is overloaded: try again in a minute.",
            status,
            words=body,
        )
    if status == 404:
        return ExchangeError(
            FailureKind.NOT_FOUND,
            f"There is no {path} at {url}: check the address (setting exchange.url or --url); it is the base "
            "without a path, such as https://api.bybit.com.",
            status,
            words=body,
        )
    if status >= 500:
        return ExchangeError(
            FailureKind.SERVER_ERROR,
            f"The exchange at {url} has a fault of its own (HTTP {status}): try again in a minute.",
            status,
            words=body,
        )
    return ExchangeError(
        FailureKind.REFUSED, f"The exchange at {url} refused {path} (HTTP {status}).", status, words=body
    )


def banned(url: str, code: int, words: str = "") -> ExchangeError:
    """The request limit of this address is used up."""
    return ExchangeError(
        FailureKind.BANNED,
        f"The exchange at {url} refuses requests from this address because too many came: wait ten minutes, stop "
        "other programs that use it, or lower the setting exchange.budget_percent.",
        code,
        words=words,
    )


def blocked(url: str, code: int, words: str = "") -> ExchangeError:
    """This country or network is not served."""
    return ExchangeError(
        FailureKind.BLOCKED,
        f"The exchange at {url} does not serve this country or network (HTTP 403): use the address of your "
        "region (setting exchange.url or --url) or work offline with `tradebot demo`.",
        code,
        words=words,
    )


def error_for_code(
    code: int, words: str, url: str, path: str, retry_after_s: float | None = None
) -> ExchangeError:
    """The failure that a retCode other than 0 means; a code we do not know is a definite refusal."""
    kind = _KIND_BY_CODE.get(code, FailureKind.REFUSED)
    if kind is FailureKind.BANNED:
        return banned(url, code, words)
    if kind is FailureKind.BLOCKED:
        return blocked(url, code, words)
    sentences = {
        FailureKind.OVERLOADED: f"The exchange at {url} is overloaded: try again in a minute.",
        FailureKind.TOO_MANY_VISITS: f"The exchange at {url} limits {path}: lower the setting exchange.budget_percent.",
        FailureKind.CLOCK: "This computer's clock differs from the exchange's: set it to the right time.",
        FailureKind.SERVER_TIMEOUT: f"The exchange at {url} timed out inside while answering {path}: try again later.",
        FailureKind.SERVER_FAULT: f"The exchange at {url} has a fault of its own ({code}): try again in a minute.",
        FailureKind.NOT_FOUND: f"There is no {path} at {url}: check the address (setting exchange.url or --url).",
        FailureKind.REFUSED: f"The exchange at {url} refused {path} (code {code}): check symbol and time range.",
    }
    return ExchangeError(kind, sentences[kind], code, retry_after_s, words)
