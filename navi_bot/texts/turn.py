"""Words about a turn as a whole: waiting for the model host, restarts, files."""

from navi_bot.texts import Text

MODEL_AWAY = Text(
    "turn.model_away", "{reason} I keep your message and try again every few seconds."
)
STORE_AWAY = Text("turn.store_away", "{reason} I go on as soon as it works again.")
NOT_SAVED = Text("turn.not_saved", "💾 not saved yet")
MODEL_GONE = Text("turn.model_gone", "{reason} I tried for {minutes} minutes.")
BROKEN = Text(
    "turn.broken", "Something in me broke while I answered; it is in the log. Your message is kept."
)
POISON = Text(
    "turn.poison",
    "I crashed {attempts} times over this message, so I set it aside (turn {turn}).",
)
MANY_OF_YOURS = Text(
    "turn.many_of_yours", "You have many answers running; this one begins when one of them ends."
)
RESTARTING = Text("turn.restarting", "I am restarting and will go on with this.")
RESUMED = Text("turn.resumed", "I was restarted and go on with this.")
FILE_TOO_BIG = Text(
    "turn.file_too_big", "{name} is larger than {limit} MB, so I left it out. Send a smaller file."
)
FILE_NOT_FETCHED = Text("turn.file_not_fetched", "I could not fetch {name}: {reason}")
DOING_QUEUED = Text("turn.doing_queued", "waiting for the model, place {place}")
DOING_STEP = Text("turn.doing_step", "step {step} of {steps} with {model}")
DOING_TOOL = Text("turn.doing_tool", "using the tool {tool}")
UNTRUSTED = Text(
    "turn.untrusted",
    "🔒 I did not do that, because I do not know the device that asked. Verify it in your client's "
    "list of sessions, and ask again in an encrypted room.",
)
