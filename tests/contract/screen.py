"""What a person sees on a terminal, out of what was written to it.

As much of a terminal as prompt_toolkit uses: the cursor moves, rows are
erased, colours are not looked at. It never scrolls.
"""

import io
import re

_PART = re.compile(r"\x1b\[(\??[\d;]*)([A-Za-z])|\x1b\][^\x07]*\x07|([\r\n\b])|([^\x1b\r\n\b]+)")


class Screen(io.StringIO):
    """Written to by the program; `rows` is what stands there now."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[str] = [""]
        self._row = self._column = 0

    @property
    def rows(self) -> list[str]:
        return [row.rstrip() for row in self._rows]

    def write(self, text: str) -> int:
        for numbers, command, control, words in _PART.findall(text):
            if command:
                self._command(command, int(numbers) if numbers.isdigit() else 0)
            elif control:
                self._control(control)
            else:
                self._put(words)
        return len(text)

    def _put(self, words: str) -> None:
        row = self._rows[self._row].ljust(self._column)
        end = self._column + len(words)
        self._rows[self._row] = row[: self._column] + words + row[end:]
        self._column = end

    def _control(self, sign: str) -> None:
        match sign:
            case "\r":
                self._column = 0
            case "\b":
                self._column = max(0, self._column - 1)
            case "\n":
                self._move(self._row + 1)

    def _command(self, command: str, number: int) -> None:
        match command:
            case "A":
                self._move(max(0, self._row - (number or 1)))
            case "B":
                self._move(self._row + (number or 1))
            case "C":
                self._column += number or 1
            case "D":
                self._column = max(0, self._column - (number or 1))
            case "J":
                del self._rows[self._row + 1 :]
                self._rows[self._row] = self._rows[self._row][: self._column]
            case "K":
                self._rows[self._row] = self._rows[self._row][: self._column]

    def _move(self, row: int) -> None:
        self._rows += [""] * (row + 1 - len(self._rows))
        self._row = row
