"""Words about taking messages in: rights, the queue, what cannot be read."""

from navi_bot.texts import Text

EMPTY = Text("rooms.empty", "That message is empty. Write a question, or send /help.")
TOO_LONG = Text(
    "rooms.too_long",
    "That message is longer than 100,000 characters. Send it as a file and ask about it.",
)
SEALED = Text(
    "rooms.sealed",
    "🔒 I cannot decrypt what you wrote. I have asked for the key and answer when it comes; "
    "if it does not, write it again.",
)
MISSED = Text(
    "rooms.missed",
    "{count} messages came here while I was away, more than I fetch. I have not read them; "
    "ask again what still matters.",
)
QUEUE_FULL = Text(
    "rooms.queue_full",
    "20 messages are waiting in this chat already. "
    "Wait for an answer, or send /stop to clear them.",
)
UNKNOWN_COMMAND = Text(
    "rooms.unknown_command", "I don't know that command. /help lists those I know."
)
NOT_ALLOWED = Text("rooms.not_allowed", "You may not do that here.")
UNVERIFIED = Text(
    "rooms.unverified",
    "🔒 I do not know this device, so I do not answer it. Verify it in your client's list of "
    "sessions, and write in an encrypted room.",
)
NOT_YOURS = Text("rooms.not_yours", "That button is for somebody else.")
PRESS_EXPIRED = Text("rooms.press_expired", "That button is not valid any more.")
OWNER_ONLY = Text("rooms.owner_only", "Only the owner may use /{command} here.")
WELCOME_OWNER = Text(
    "rooms.welcome_owner",
    "You are my owner now, {name}. Ask me anything; /help shows what I can do.",
)
PAIRING = Text(
    "rooms.pairing",
    "I don't know you. Give the code {code} to my owner, who lets you in with: "
    "navi-bot pair approve {code}",
)
STALE_ONE = Text(
    "rooms.stale_one", "Your message of {time} reached me only now. Do you still want an answer?"
)
STALE_MANY = Text(
    "rooms.stale_many",
    "{count} messages of yours, the last of {time}, reached me only now. "
    "Do you still want an answer?",
)
STALE_YES = Text("rooms.stale_yes", "Answer")
STALE_NO = Text("rooms.stale_no", "Never mind")
CANNOT_TAKE = Text(
    "rooms.cannot_take",
    "{reason} Until then I can take nothing new in; "
    "what you write waits, and is answered after it.",
)
STILL_RUNNING = Text("rooms.still_running", "Now: {what}.")
COMMAND_FAILED = Text(
    "rooms.command_failed", "/{command} failed because of a fault of mine; it is in the log."
)
BROKE = Text(
    "rooms.broke", "Something in me broke over that message; it is in the log. Send it again."
)
POISON = Text(
    "rooms.poison",
    "That message made me crash {attempts} times, so I set it aside (number {number}).",
)
