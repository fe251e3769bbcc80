"""The limits that a platform may have: what is known of Telegram's, and worse."""

from dataclasses import replace

from strict_telegram.limits import CRUEL, HARSH, MILD, SLIDING, Limits, Rate, Window

KNOWN = {
    "1 s penalties": MILD,
    "30 s penalties that double": HARSH,
    "130 s penalties that double": CRUEL,
    "sliding windows": SLIDING,
    "typing and reactions count": replace(SLIDING, typing=True, reactions=True),
}
"""What is published, each in a strict reading. A client may never overrun them."""

HIDDEN = {
    "no bursts": Limits(chat=Rate(1, 1.0, 1), penalty=5.0, growth=2.0),
    "a third of the rate": Limits(chat=Rate(1, 3.0, 3), group=Rate(1, 9.0, 3), penalty=5.0),
    "a tenth of the rate": Limits(chat=Rate(1, 10.0, 3), penalty=5.0, growth=2.0),
    "a quarter, deep bursts": Limits(chat=Rate(1, 5.0, 10), group=None, penalty=5.0),
    "edits only": Limits(chat=Rate(1, 3.0, 3), counted=("edit*",), penalty=5.0, growth=2.0),
}
"""Chats that take less than is published: learnt from refusals, chat by chat."""

HIDDEN_OVERALL = {
    "a third of all calls": Limits(overall=Rate(10, 1.0, 10), penalty=5.0, growth=2.0),
    "a quarter, in a window": Limits(overall=Window(8, 1.0), penalty=5.0),
}
"""An account that may make fewer calls than is published."""
