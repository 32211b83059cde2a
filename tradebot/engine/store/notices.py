"""Sentences that the data layer has to say to the person, collected until somebody shows them."""

from __future__ import annotations

import threading


class Notices:
    """Sentences since the last look; thread-safe. A sentence that still waits is not repeated."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sentences: list[str] = []

    def add(self, sentence: str) -> None:
        """Keep a sentence."""
        with self._lock:
            if sentence not in self._sentences:
                self._sentences.append(sentence)

    def take(self) -> list[str]:
        """All sentences since the last call, oldest first."""
        with self._lock:
            taken, self._sentences = self._sentences, []
            return taken
