"""Commands for the owner alone: what the daemon is made of."""

from navi_bot.access import Who
from navi_bot.commands.table import Ask, Command, Desk, Reply, refuse, say
from navi_bot.messages import Button, Line, Prose
from navi_bot.texts import commands as texts
from navi_bot.texts import safe_mode as safe_texts

RESET = "reset"
LONGEST_PERSONA = 20_000
"""Characters; it is read by the model before every conversation."""


async def reload(_ask: Ask, desk: Desk) -> Reply:
    """Read the profiles again; running turns keep what they have until their next batch."""
    problems = desk.profiles.reload()
    names = ", ".join(summary.id for summary in desk.profiles.summaries())
    return say("\n".join([texts.RELOADED(names=names), *(f"⚠ {one}" for one in problems)]))


async def persona(ask: Ask, desk: Desk) -> Reply:
    """Show the persona and how it is set; or set it."""
    wanted, known = ask.arguments.strip(), desk.persona
    if not wanted:
        undo = ((Button(texts.PERSONA_UNDO(), f"persona:{RESET}", person=ask.person),),)
        how = Line(texts.PERSONA_HOW(), "dim")
        return Reply((Prose(known.text), how), undo if known.is_chosen else ())
    if len(wanted) > LONGEST_PERSONA:
        return refuse(ask, texts.PERSONA_TOO_LONG(most=LONGEST_PERSONA))
    reset = wanted.lower() == RESET
    await known.choose("" if reset else wanted)
    done = texts.PERSONA_RESET() if reset else texts.PERSONA_SET()
    return Reply((Line(done),), replace=ask.pressed)


async def resume(_ask: Ask, desk: Desk) -> Reply:
    """End safe mode."""
    return say(safe_texts.RESUMED() if desk.resume() else safe_texts.NOT_ON())


COMMANDS = (
    Command("reload", Who.OWNER, texts.HELP_RELOAD, reload),
    Command("persona", Who.OWNER, texts.HELP_PERSONA, persona),
    Command("resume", Who.OWNER, safe_texts.HELP_RESUME, resume),
)
