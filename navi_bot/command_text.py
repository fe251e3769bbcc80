"""Commands as people type them; the same on every platform. Pure."""

import re

from navi_bot.messages import Said

_COMMAND = re.compile(r"[/!]([A-Za-z][\w-]{0,31})(?:@(\w+))?(?:\s+(.*))?$", re.DOTALL)


def parse_command(text: str) -> tuple[str, str, str] | None:
    """Return (name, addressed bot, arguments) of a command, or None.

    Commands are case-insensitive; "/stop@navi_bot now" is ("stop", "navi_bot", "now").
    """
    match = _COMMAND.match(text.strip())
    if match is None:
        return None
    return match[1].lower(), (match[2] or "").lower(), (match[3] or "").strip()


def command_of(said: Said) -> tuple[str, str, str] | None:
    """Return the command that a message is; what somebody else wrote never is one."""
    return parse_command(said.text) if not said.forwarded_from else None
