"""A single post's machine, ready to be driven by hand."""

from itertools import count

from navi_bot.delivery.actions import Call, Delete, Edit, Send
from navi_bot.delivery.post import PostMachine
from navi_bot.delivery.terms import Pace, Terms
from navi_bot.messages import Button, Page, Prose

STOP = ((Button("Stop", "stop"),),)


def page(text: str, *, stop: bool = False) -> Page:
    return Page((Prose(text),), STOP if stop else ())


def machine(*, idempotent: bool = False, limit: int = 5, steady: int = 100) -> PostMachine:
    ids = count()
    pace = Pace(1.0, late=1.0, steady=steady, limit=limit)
    return PostMachine(Terms(pace, idempotent, lambda: f"t{next(ids)}"))


def call_of(post: PostMachine, now: float = 1000.0) -> Call:
    call = post.next_action(now)
    assert isinstance(call, Send | Edit | Delete), call
    post.begin(call)
    return call


def shown(*texts: str, **kind: bool) -> PostMachine:
    """Return a machine whose pages are all in the room."""
    post = machine(**kind)
    post.want([page(text) for text in texts], final=False)
    for number, _ in enumerate(texts):
        call_of(post)
        post.accepted(1000.0, f"m{number}")
    post.take_records()
    return post
