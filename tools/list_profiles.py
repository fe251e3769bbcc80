"""The profiles, with what each is for."""

from pydantic import BaseModel

from navi_bot.ports.tools import Call, Effect, ProfileSummary, Result

name = "list_profiles"
description = "List the profiles: what each is for and which tools it has."
effect = Effect.PURE
timeout = 5.0


class Arguments(BaseModel):
    pass


async def run(arguments: Arguments, call: Call) -> Result:
    return Result("\n\n".join(_shown(each, call) for each in call.catalogue.profiles()))


def _shown(profile: ProfileSummary, call: Call) -> str:
    current = " (current)" if profile.id == call.profile_id else ""
    return (
        f"{profile.id}{current}: {profile.name}\n"
        f"{profile.description or profile.short_description}\n"
        f"Tools: {', '.join(profile.tools) or 'none'}"
    )
