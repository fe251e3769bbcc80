"""Commands for the owner alone: what the daemon is made of."""

from navi_bot.access import Who
from navi_bot.commands.table import Ask, Command, Desk, Reply, say
from navi_bot.messages import Line, Prose
from navi_bot.texts import commands as texts


async def reload(_ask: Ask, desk: Desk) -> Reply:
    """Read the profiles again; running turns keep what they have until their next batch."""
    problems = desk.profiles.reload()
    names = ", ".join(summary.id for summary in desk.profiles.summaries())
    return say("\n".join([texts.RELOADED(names=names), *(f"⚠ {one}" for one in problems)]))


async def persona(_ask: Ask, desk: Desk) -> Reply:
    """Show the persona, and where it comes from."""
    return Reply((Prose(desk.persona), Line(texts.PERSONA_HOW(), "dim")))


COMMANDS = (
    Command("reload", Who.OWNER, texts.HELP_RELOAD, reload),
    Command("persona", Who.OWNER, texts.HELP_PERSONA, persona),
)
