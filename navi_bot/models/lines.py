"""Lines of a byte stream, ended by a newline byte and nothing else.

Text splitters also break at U+0085, U+2028 and the like, which JSON may hold
unescaped; a line that they break is lost.
"""

LINE_LIMIT = 16 * 1024 * 1024
"""Bytes of one line; a whole tool call with a file in it comes as one."""


class LineTooLong(ValueError):
    """A line is longer than the limit."""


class Lines:
    """Gathers pieces of a stream into lines, each without its newline."""

    def __init__(self, limit: int = LINE_LIMIT) -> None:
        self._limit = limit
        self._begun: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> list[bytes]:
        """Take the next bytes; return the lines that they complete."""
        first, *others = data.split(b"\n")
        self._begin(first)
        if not others:
            return []
        whole = [self.rest(), *others[:-1]]
        self._begin(others[-1])
        return whole

    def rest(self) -> bytes:
        """Return what stands after the last newline, and forget it."""
        rest = b"".join(self._begun)
        self._begun, self._size = [], 0
        return rest

    def _begin(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > self._limit:
            raise LineTooLong(f"a line of more than {self._limit} bytes")
        if data:
            self._begun.append(data)
