"""What the loop writes into the conversation in nobody's name, for the model to read.

The marks are stored, so they are not translated: every model reads English.
"""

STOPPED = "[stopped by the user]"
STOPPED_BEFORE = "[stopped by the user before it ran]"
STOPPED_DURING = "[stopped by the user while it ran]"
STOPPED_DURING_EFFECT = (
    "[stopped by the user while it ran; it may have taken effect. Do not repeat it without asking.]"
)
BROKEN_OFF = "[the model host broke off here]"
INTERRUPTED = (
    "[interrupted by a restart of the program; it may have taken effect. "
    "Do not repeat it without asking.]"
)
BROKE = "[the program broke off here; it may have taken effect. Do not repeat it without asking.]"
SAME_CALL = "[not run: the same call was made twice in a row just before]"
GO_ON = "Please go on from where you stopped."


def not_found(tool: str) -> str:
    return f"Error: tool '{tool}' not found."


def image(tool: str, *, visible: bool) -> str:
    """Return the line that brings in a picture which a tool has loaded."""
    if not visible:
        return f"[{tool} loaded a picture, but this model cannot look at pictures.]"
    return (
        f"[The picture that {tool} loaded is attached. It is in front of you: "
        "look at it, and do not load it again or make up a path for it.]"
    )


def marked(text: str, mark: str) -> str:
    """Return a text with a mark below it, or the mark alone."""
    return f"{text}\n\n{mark}" if text.strip() else mark
