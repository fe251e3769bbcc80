"""The console on a terminal: the live message redraws above the input line.

prompt_toolkit's prompt is a function, so the message that still changes is
drawn as the upper part of the prompt; once it is final it is printed above,
into the terminal's own scrollback. Ctrl-C stops the running answer, twice in
a row leaves; Ctrl-D leaves.
"""

import asyncio
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from prompt_toolkit import PromptSession, print_formatted_text
from prompt_toolkit.completion import WordCompleter
from prompt_toolkit.formatted_text import FormattedText
from prompt_toolkit.history import FileHistory
from prompt_toolkit.input import Input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.output import Output
from prompt_toolkit.patch_stdout import patch_stdout

from adapters.console.account import ACCOUNT, PLATFORM, ConsoleCalls, said
from adapters.console.markup import ConsoleSurface, Fragments, fragments
from navi_bot.messages import Address, Page, Said
from navi_bot.ports.platform import Accept
from navi_bot.texts import console as texts

LEAVE_WITHIN = 2.0
"""Seconds in which a second Ctrl-C leaves."""

ROWS_KEPT = 6
"""Rows of the terminal that the live message leaves free."""

PROMPT = ("bold fg:ansigreen", "> ")


class TerminalOutbound(ConsoleCalls):
    """Holds what is live and prints what is final, oldest first."""

    def __init__(self, printer: Callable[[Fragments], None]) -> None:
        self.surface = ConsoleSurface()
        self._print = printer
        self._live: dict[str, Page] = {}
        self._sent = 0
        self.changed: Callable[[], None] = lambda: None

    async def send(
        self,
        address: Address,
        page: Page,
        *,
        transaction: str,
        reply_to: str = "",
        silent: bool = False,
        plain: bool = False,
        final: bool = True,
    ) -> str:
        self._sent += 1
        message_id = str(self._sent)
        self.show(message_id, page, final)
        return message_id

    async def edit(
        self,
        address: Address,
        message_id: str,
        page: Page,
        *,
        transaction: str,
        final: bool,
        plain: bool = False,
    ) -> None:
        self.show(message_id, page, final)

    def show(self, message_id: str, page: Page, final: bool) -> None:
        """Draw a message that still changes, or print it for good."""
        if final:
            self._live.pop(message_id, None)
            self._print([*fragments(page), ("", "\n")])
        else:
            self._live[message_id] = page
        self.changed()

    def drawn(self, rows: int) -> Fragments:
        """Return what is live, cut to its newest rows."""
        shown = [part for page in self._live.values() for part in fragments(page)]
        return newest_rows(shown, rows)


def newest_rows(shown: Fragments, rows: int) -> Fragments:
    """Keep the last so many lines of styled text."""
    kept: Fragments = []
    for style, text in reversed(shown):
        lines = text.splitlines(keepends=True)
        taken = lines[-rows:] if rows > 0 else []
        rows -= len(taken)
        kept.insert(0, (style, "".join(taken)))
        if rows <= 0:
            break
    return kept


class TerminalAdapter:
    """Implements the Adapter port on a terminal; `receive` ends when left."""

    platform = PLATFORM
    name = ""
    private_interval = 0.1
    group_interval = 0.1
    late_interval = 0.0
    one_limit = False
    trouble = ""

    def __init__(
        self,
        history: Path,
        commands: Mapping[str, str],
        *,
        account: str = ACCOUNT,
        terminal_input: Input | None = None,
        terminal_output: Output | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.account = account
        self._clock = clock
        self._output = terminal_output
        self.outbound = TerminalOutbound(self._print)
        self._interrupted = -LEAVE_WITHIN
        self._greeted = False
        self._typed: Said | None = None
        self._session: PromptSession[str] = PromptSession(
            message=self._prompt,
            history=FileHistory(str(history)),
            completer=WordCompleter(
                [f"/{name}" for name in commands],
                meta_dict={f"/{name}": text for name, text in commands.items()},
                sentence=True,
            ),
            complete_while_typing=False,
            key_bindings=self._keys(),
            input=terminal_input,
            output=terminal_output,
        )
        self.outbound.changed = self._session.app.invalidate

    @property
    def last_contact(self) -> float:
        return self._clock()

    @property
    def last_try(self) -> float:
        return self._clock()

    async def connect(self) -> None:
        """Have nothing to connect to."""

    async def receive(self, accept: Accept, cursor: str) -> None:
        """Hand over what is typed until the person leaves.

        Begun again, it starts with what could not be handed over.
        """
        with patch_stdout(raw=True):
            self._greet()
            while True:
                self._typed = self._typed or await self._read()
                if self._typed is None:
                    return
                await accept((self._typed,), "")
                self._typed = None

    def _greet(self) -> None:
        if not self._greeted:
            self._print([("fg:ansibrightblack", f"{texts.GREETING()}\n\n")])
            self._greeted = True

    async def _read(self) -> Said | None:
        """Return the next line that says something, None when the person leaves."""
        while True:
            try:
                text = await self._session.prompt_async()
            except EOFError:
                return None
            except KeyboardInterrupt:
                now = self._clock()
                if now - self._interrupted < LEAVE_WITHIN:
                    return None
                self._interrupted = now
                text = "/stop"
            if text.strip():
                return said(text, self.account)

    def _keys(self) -> KeyBindings:
        keys = KeyBindings()

        @keys.add("c-c")
        def _interrupt(event: KeyPressEvent) -> None:
            event.app.exit(exception=KeyboardInterrupt())

        return keys

    def _prompt(self) -> FormattedText:
        rows = shutil.get_terminal_size().lines - ROWS_KEPT
        return FormattedText([*self.outbound.drawn(max(rows, 3)), PROMPT])

    def _print(self, shown: Fragments) -> None:
        print_formatted_text(FormattedText(shown), output=self._output, end="")

    async def close(self) -> None:
        """Give the event loop a moment to restore the terminal."""
        await asyncio.sleep(0)
