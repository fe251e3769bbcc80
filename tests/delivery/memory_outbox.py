"""The outbox in memory: the rows of the table, without a database."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from navi_bot.errors import StoreUnavailable
from navi_bot.messages import Head, Page, Post, RoomId
from navi_bot.pagehash import page_hash
from navi_bot.ports.delivery import PageNote, StoredPage, StoredPost


@dataclass
class Rows:
    """The rows of one post."""

    head: Head
    final: bool = False
    pages: dict[int, StoredPage] = field(default_factory=dict)
    abandoned: str = ""

    @property
    def is_unfinished(self) -> bool:
        return (
            self.final
            and not self.abandoned
            and any(page.desired_hash != page.acknowledged_hash for page in self.pages.values())
        )

    def stored(self) -> StoredPost:
        pages = tuple(self.pages[number] for number in sorted(self.pages))
        return StoredPost(self.head, self.final, pages)


def _empty(number: int) -> StoredPage:
    return StoredPage(number, None, "", "", "", "", uncertain=False)


class MemoryOutbox:
    """Implements the Outbox port. While `down` every call raises StoreUnavailable."""

    def __init__(self) -> None:
        self.posts: dict[str, Rows] = {}
        self.down = False
        self.writes = 0

    def want(self, post: Post) -> None:
        """Settle a post, as the transaction of the one who decided it does."""
        rows = self.posts.setdefault(post.head.key, Rows(post.head))
        rows.final = True
        for number in set(rows.pages) | set(range(len(post.pages))):
            page = post.pages[number] if number < len(post.pages) else None
            self._put(
                rows, number, desired=page, desired_hash=page_hash(page) if page is not None else ""
            )

    async def load(self, key: str) -> StoredPost | None:
        self._check()
        rows = self.posts.get(key)
        return rows.stored() if rows is not None else None

    async def unfinished(self, platform: str, account: str) -> tuple[StoredPost, ...]:
        self._check()
        return tuple(self.open_posts(platform, account))

    def open_posts(self, platform: str, account: str) -> Iterator[StoredPost]:
        for rows in self.posts.values():
            address = rows.head.address
            if (address.platform, address.account) == (platform, account) and rows.is_unfinished:
                yield rows.stored()

    async def begin(self, head: Head, number: int, transaction: str, page: Page) -> None:
        self._write()
        rows = self.posts.setdefault(head.key, Rows(head))
        self._put(rows, number, transaction=transaction, uncertain=True)
        if not rows.final:
            self._put(rows, number, desired=page)

    def claim(self, head: Head, transaction: str) -> None:
        """Take a turn: the intent of its first send is stored with the claim."""
        self._put(self.posts.setdefault(head.key, Rows(head)), 0, uncertain=True)
        self._put(self.posts[head.key], 0, transaction=transaction)

    async def note(self, notes: Sequence[PageNote]) -> None:
        self._write()
        assert len({(note.key, note.number) for note in notes}) == len(notes), "one note a page"
        for note in notes:
            names = ("message_id", "acknowledged_hash", "uncertain")
            changes = {name: getattr(note, name) for name in names}
            known = {name: value for name, value in changes.items() if value is not None}
            if note.key in self.posts and note.number in self.posts[note.key].pages:
                self._put(self.posts[note.key], note.number, **known)

    async def abandon(self, room: RoomId, reason: str) -> None:
        self._write()
        for rows in self.posts.values():
            if rows.head.room == room and not rows.abandoned:
                rows.abandoned = reason

    def _put(self, rows: Rows, number: int, **changes: object) -> None:
        known = rows.pages.get(number, _empty(number))
        rows.pages[number] = replace(known, **changes)  # type: ignore[arg-type]  # names of fields

    def _write(self) -> None:
        self._check()
        self.writes += 1

    def _check(self) -> None:
        if self.down:
            raise StoreUnavailable("The database is away.")
