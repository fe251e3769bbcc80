"""A chat as its readers see it: the oracle of what is visible.

It carries out sends, edits and deletes and checks what a platform would
refuse, or a reader would find wrong: blank pages, edits with equal content,
edits of pages that were frozen.
"""

from dataclasses import dataclass, field, replace
from itertools import count

from navi_bot.delivery.dress import is_blank
from navi_bot.errors import MessageGone
from navi_bot.messages import Block, Line, Page
from navi_bot.texts.delivery import REPEAT


@dataclass
class Shown:
    """A message in the chat. `page` is what it holds, without the label."""

    id: str
    post: str
    number: int
    page: Page
    labelled: bool
    orphan: bool = False
    """Its sender never learnt that it is there, and cannot."""
    known: bool = True
    """The sender knows what it holds."""
    deleted: bool = False
    editable: bool = True
    progress_edits: int = 0


def without_label(page: Page) -> tuple[Page, bool]:
    """Take the label's line off, if it is there."""
    label: Block = Line(REPEAT(), "dim")
    if page.blocks and page.blocks[0] == label:
        return replace(page, blocks=page.blocks[1:]), True
    return page, False


@dataclass
class ChatModel:
    """All messages ever shown, in order."""

    idempotent: bool
    messages: dict[str, Shown] = field(default_factory=dict)
    transactions: dict[str, str] = field(default_factory=dict)
    ids: "count[int]" = field(default_factory=lambda: count(1))

    def send(self, post: str, number: int, page: Page, transaction: str) -> Shown:
        assert not is_blank(page), "a blank page was sent"
        if self.idempotent and transaction in self.transactions:
            return self.messages[self.transactions[transaction]]
        assert transaction not in self.transactions, "a transaction was used twice"
        content, labelled = without_label(page)
        shown = Shown(str(next(self.ids)), post, number, content, labelled)
        self.messages[shown.id] = shown
        self.transactions[transaction] = shown.id
        return shown

    def edit(self, message_id: str, page: Page, *, progress: bool) -> Shown:
        assert not is_blank(page), "a message was edited to be blank"
        shown = self.messages[message_id]
        if shown.deleted or not shown.editable:
            raise MessageGone("The message to edit was not found.")
        content, labelled = without_label(page)
        assert labelled == shown.labelled, "the label came or went with an edit"
        assert not shown.known or content != shown.page, "an edit had equal content"
        shown.page = content
        shown.progress_edits += progress
        return shown

    def delete(self, message_id: str) -> None:
        shown = self.messages[message_id]
        if shown.deleted:
            raise MessageGone("The message to delete was not found.")
        shown.deleted = True

    def visible(self, post: str) -> list[Shown]:
        return [s for s in self.messages.values() if s.post == post and not s.deleted]
