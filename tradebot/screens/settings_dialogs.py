"""Windows of the Settings area: a value, a theme as it looks, API keys."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.timer import Timer
from textual.widgets import Input, Static

from tradebot.engine.control.errors import TradebotError
from tradebot.engine.messages import KeysView, SettingField, SettingsCheck, StoreKeys, TrySettings
from tradebot.screens.desk import desk_of, errand
from tradebot.screens.dialogs import Dialog
from tradebot.screens.pickers import Choice, PickDialog
from tradebot.screens.widgets.virtual_table import VirtualTable

__all__ = ["KeysDialog", "ThemeDialog", "ValueDialog"]

_PREVIEW_SECONDS = 0.1


class ValueDialog(Dialog[str]):
    """Asks for a value, which is checked while it is typed; the answer is the text."""

    keys_text = "Enter takes it · Esc closes"

    def __init__(self, field: SettingField, value: str) -> None:
        super().__init__()
        self.title_text = field.path
        self._field = field
        self._value = value
        self._checked: str | None = None
        self._wrong = False

    def compose_body(self) -> ComposeResult:
        """What it is for, the value, what is wrong with it."""
        takes = f" Takes {self._field.takes}." if self._field.takes else ""
        help_text = self._field.help[:1].upper() + self._field.help[1:]
        yield Static(f"{help_text}.{takes} Default: {self._field.default or 'none'}.", markup=False)
        yield Input(self._value, compact=True, id="value")
        yield Static("", classes="problem", markup=False)

    @on(Input.Changed, "#value")
    def _typed(self, event: Input.Changed) -> None:
        self._check(event.value, accept=False)

    @on(Input.Submitted, "#value")
    def _entered(self, event: Input.Submitted) -> None:
        self._check(event.value, accept=True)

    @errand("check-value", exclusive=True)
    async def _check(self, text: str, accept: bool) -> None:
        check: SettingsCheck = await desk_of(self).ask(TrySettings(((self._field.path, text),)))
        problem = check.problems[0][1] if check.problems else ""
        if not self.is_attached:
            return
        self.query_one(".problem", Static).update(problem)
        if accept and not problem:
            self.dismiss(text.strip())


class ThemeDialog(PickDialog):
    """Themes, each tried on the whole app while the cursor is on it; the answer is its name, Esc changes nothing."""

    def __init__(self, names: tuple[str, ...], present: str) -> None:
        super().__init__("Theme", tuple(Choice(name, name) for name in names), present)
        self._before = present
        self._pending: Timer | None = None

    @on(VirtualTable.Moved)
    def _preview(self) -> None:
        if self._pending is not None:
            self._pending.stop()
        # Drawing everything anew takes a while: only where the cursor rests.
        self._pending = self.set_timer(_PREVIEW_SECONDS, self._try_on)

    def _try_on(self) -> None:
        choice = self.query_one(VirtualTable).current
        if isinstance(choice, Choice) and choice.value != self.app.theme:
            self.app.theme = choice.value

    def action_close(self) -> None:
        """Put the theme back that was there before."""
        if self._pending is not None:
            self._pending.stop()
        if self.app.theme != self._before and self._before in self.app.available_themes:
            self.app.theme = self._before
        super().action_close()


class KeysDialog(Dialog[KeysView]):
    """Asks for an API key and its secret, never showing a letter of them; the answer is where they are now."""

    title_text = "API keys"
    keys_text = "Enter goes on, then stores · Esc closes"

    def compose_body(self) -> ComposeResult:
        """What becomes of them, two masked fields, what is wrong."""
        yield Static(
            "They go into the system's key ring and are never shown again: not here, in no file and in no log. "
            "Market data needs none. Make them without the permission to withdraw.",
            markup=False,
        )
        yield Static("")
        yield Input(placeholder="API key", password=True, compact=True, id="api-key")
        yield Input(placeholder="API secret", password=True, compact=True, id="api-secret")
        yield Static("", classes="problem", markup=False)

    @on(Input.Submitted, "#api-key")
    def _key_entered(self) -> None:
        self.query_one("#api-secret", Input).focus()

    @on(Input.Submitted, "#api-secret")
    def _secret_entered(self) -> None:
        self._store()

    @errand("store-keys", exclusive=True)
    async def _store(self) -> None:
        key, secret = (self.query_one(name, Input) for name in ("#api-key", "#api-secret"))
        try:
            view = await desk_of(self).ask(StoreKeys(key.value, secret.value))
        except TradebotError as error:
            self.query_one(".problem", Static).update(error.sentence)
            return
        key.value = secret.value = ""
        self.dismiss(view)
