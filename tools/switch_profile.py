"""Changing the session's profile, from the next model call on."""

from pydantic import BaseModel, Field

from navi_bot.ports.tools import Call, Effect, Result

name = "switch_profile"
description = (
    "Change to another profile when the subject of the conversation has clearly changed. "
    "Once a turn; tell the person which one and why. Not for a single odd question."
)
effect = Effect.READ_OWN
timeout = 10.0

SWITCHED = "switch_profile.done"
"""Marks the turn in which the model has changed the profile already."""


class Arguments(BaseModel):
    profile_id: str = Field(description="the id of the profile, as list_profiles gives it")


async def run(arguments: Arguments, call: Call) -> Result:
    wanted = arguments.profile_id.strip()
    known = {profile.id: profile for profile in call.catalogue.profiles()}
    if wanted not in known:
        return Result(f"Error: no profile '{wanted}'; there are: {', '.join(known)}.", ok=False)
    if wanted == call.profile_id:
        return Result(f"Error: '{wanted}' is the profile you are in already.", ok=False)
    if SWITCHED in call.turn_data:
        return Result(
            "Error: you have changed the profile in this turn already; stay with it.", ok=False
        )
    await call.state.switch_profile(wanted)
    call.turn_data[SWITCHED] = wanted
    return Result(f"From your next step on you work as '{wanted}' ({known[wanted].name}).")
