"""Words that only Matrix needs: it has no buttons, and devices that are verified."""

from navi_bot.texts import Text

SIGNS = Text("matrix.signs", "React with: {signs}")

VERIFY_EMOJI = Text(
    "matrix.verify_emoji",
    "{emoji}\n\nDoes your client show these seven, in this order? Confirm there, and write "
    "/verify yes here; if they differ, /verify no.",
)
VERIFY_DONE = Text(
    "matrix.verify_done", "✅ Verified. I know this device now, and your client knows me."
)
VERIFY_HALF = Text(
    "matrix.verify_half",
    "✅ Your client knows me now. I do not trust this device by that alone: verify it in your "
    "client from a session that I know, or compare again and write /verify yes from there.",
)
VERIFY_HOW = Text(
    "matrix.verify_how",
    "To verify me, open my profile in your client, in an encrypted chat with me, and choose "
    "Verify; I say the emoji here, and you compare. To verify a device of yours, use its list of "
    "sessions.",
)
VERIFY_PLAIN = Text(
    "matrix.verify_plain",
    "I compare emoji only in an encrypted chat: in this one the homeserver could show you any.",
)
VERIFY_CANCELLED = Text("matrix.verify_cancelled", "The verification was cancelled.")
VERIFY_TIMEOUT = Text(
    "matrix.verify_timeout", "The verification took longer than ten minutes; begin again."
)
VERIFY_COMMITMENT = Text(
    "matrix.verify_commitment",
    "⚠️ Your client received another key than I promised: somebody may be listening in. "
    "Nothing is verified.",
)
VERIFY_MISMATCH = Text(
    "matrix.verify_mismatch",
    "⚠️ The emoji differ, so somebody may be between us. Nothing is verified.",
)
VERIFY_KEYS = Text(
    "matrix.verify_keys",
    "⚠️ The keys are not those that the homeserver shows. Nothing is verified.",
)
VERIFY_METHOD = Text(
    "matrix.verify_method", "Your client offers no comparison of emoji that I know."
)
VERIFY_BROKEN = Text(
    "matrix.verify_broken", "The verification broke off; begin again in your client."
)
