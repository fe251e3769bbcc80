"""Who may do what; pure.

Roles belong to identities (a platform's immutable id). A sender without
rights of their own (anonymous admin, channel) is a guest whatever the list
says. In groups some commands are the owner's alone, because they change the
room for everybody.
"""

from enum import StrEnum

from navi_bot.messages import ChatKind, Role, Sender


class Who(StrEnum):
    """Who may use a command."""

    ANYONE = "anyone"
    """Whoever has rights here: owners and members."""
    OWNER_IN_GROUPS = "owner in groups"
    OWNER = "owner"


def role_of(sender: Sender, listed: Role) -> Role:
    """Return the role in which a sender acts."""
    return Role.GUEST if sender.rightless and listed is not Role.BLOCKED else listed


def has_rights(role: Role) -> bool:
    return role in (Role.OWNER, Role.MEMBER)


def may_use(who: Who, role: Role, chat_kind: ChatKind) -> bool:
    """Answer whether a role may use a command in a kind of chat."""
    if not has_rights(role):
        return False
    if role is Role.OWNER:
        return True
    return who is Who.ANYONE or (who is Who.OWNER_IN_GROUPS and chat_kind is ChatKind.PRIVATE)


def may_stop(role: Role, *, is_asker: bool) -> bool:
    """A turn is stopped by the one who asked, or by an owner."""
    return role is Role.OWNER or (is_asker and has_rights(role))
