"""One example told in every way that is switched on, so that a person knows before it matters."""

from __future__ import annotations

from tradebot.engine.alert_messages import ToldWay
from tradebot.engine.alerts.delivery import Post, document_of, post_json
from tradebot.engine.alerts.system_notice import SystemNotifier
from tradebot.engine.alerts.watch import Firing

__all__ = ["EXAMPLE", "tell_example"]

EXAMPLE = "This is an example: BTCUSDT is above 60,000."


def tell_example(
    notifier: SystemNotifier, webhook: str, time_ms: int, post: Post = post_json
) -> tuple[ToldWay, ...]:
    """Tell the example by the system's notification and the web-hook, on the calling thread; what came of each."""
    return _by_system(notifier), _by_webhook(webhook, time_ms, post)


def _by_system(notifier: SystemNotifier) -> ToldWay:
    way = "system notification"
    if notifier.mode == "off":
        return ToldWay(way, "off", "Switched off: alerts.system_notification in the settings.")
    reason = notifier.show(EXAMPLE)
    if reason:
        return ToldWay(way, "failed", f"Not shown: {reason}.")
    when = "when the terminal is not looked at" if notifier.mode == "when away" else "always"
    return ToldWay(way, "told", f"Shown; alerts are shown so {when}.")


def _by_webhook(webhook: str, time_ms: int, post: Post) -> ToldWay:
    if not webhook:
        return ToldWay("web-hook", "off", "Switched off: alerts.webhook in the settings names no address.")
    body = document_of(Firing("example", "example", EXAMPLE, time_ms))
    try:
        status = post(webhook, body)
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        return ToldWay("web-hook", "failed", f"The address cannot be reached ({reason}).")
    if 200 <= status < 300:
        return ToldWay("web-hook", "told", f"The address took it ({status}).")
    return ToldWay("web-hook", "failed", f"The address answers {status}.")
