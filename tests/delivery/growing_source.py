"""A live message that grows word by word."""

from navi_bot.messages import Button, Page, Prose

STOP = ((Button("Stop", "stop"),),)


class GrowingSource:
    """A live message of words, cut into pages of `per_page` words."""

    def __init__(self, name: str, per_page: int, *, with_button: bool) -> None:
        self._name = name
        self.per_page = per_page
        self._with_button = with_button
        self._words: list[str] = []
        self._frozen: list[Page] = []
        self.final = False

    def add(self, word: str) -> None:
        self._words.append(word)

    def pages(self, now: float) -> tuple[Page, ...]:
        size = self.per_page
        while len(self._words) > size * (len(self._frozen) + 1):
            self._frozen.append(self._page(len(self._frozen), ()))
        if len(self._words) <= size * len(self._frozen):
            return tuple(self._frozen)
        buttons = STOP if self._with_button and not self.final else ()
        return (*self._frozen, self._page(len(self._frozen), buttons))

    def wakes_at(self, now: float) -> float | None:
        return None

    def _page(self, number: int, buttons: tuple[tuple[Button, ...], ...]) -> Page:
        words = self._words[number * self.per_page : (number + 1) * self.per_page]
        return Page((Prose(f"{self._name}.{number}: " + " ".join(words)),), buttons)
