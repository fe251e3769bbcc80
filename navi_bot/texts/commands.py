"""Words of the commands: their one-line helps and their replies."""

from navi_bot.texts import Text

HELP_START = Text("help.start", "say hello and see what I can do")
HELP_HELP = Text("help.help", "list the commands")
HELP_STOP = Text("help.stop", "stop the running answer and drop waiting messages")
HELP_RETRY = Text("help.retry", "ask the last question again")
HELP_CONTINUE = Text("help.continue", "let an answer that was cut off go on")
HELP_USE = Text("help.use", "use another model in this chat and ask again")
HELP_FRESH = Text("help.fresh", "answer messages that arrived late")
HELP_STALE = Text("help.stale", "leave messages that arrived late")
HELP_NEW = Text("help.new", "begin a new conversation; the old one is kept")
HELP_PROFILE = Text("help.profile", "show or change the profile: /profile developer")
HELP_MODEL = Text("help.model", "show or change the model of this chat; /model default undoes it")
HELP_THINK = Text("help.think", "thinking: on, off, hide, auto")
HELP_TOOLS = Text("help.tools", "list the tools, or show the manual of one: /tools clock")
HELP_RELOAD = Text("help.reload", "read the profiles again")
HELP_PERSONA = Text("help.persona", "show who speaks here, or set it: /persona You are …")
HELP_NOTES = Text("help.notes", "show the scratchpad")
HELP_DETAIL = Text("help.detail", "what the tools of the last answer gave back: /detail 2")
HELP_USAGE = Text("help.usage", "tokens used today and in the last 30 days")
HELP_STATUS = Text("help.status", "how this chat and I are doing")
HELP_WHOAMI = Text("help.whoami", "your id and role")

GREETING = Text(
    "commands.greeting",
    "Hello {name}! I am navi, your own assistant. Just write what you need.",
)
HELP_INTRO = Text("commands.help_intro", "Write what you need, or use a command:")

STOPPED = Text("stop.stopped", "⏹ Stopped.")
NOTHING_TO_STOP = Text("stop.nothing", "Nothing is running here.")
STOP_NOT_YOURS = Text(
    "stop.not_yours", "Only the one who asked, or the owner, can stop this answer."
)
STOP_CANCELLED = Text("stop.cancelled", "Cancelled: {names}.")
STOP_THE_ANSWER = Text("stop.the_answer", "the answer")
STOP_FINISHED = Text("stop.finished", "Had finished: {names}.")
STOP_LASTING = Text("stop.lasting", "Cannot be undone: {names}.")
STOP_DROPPED = Text("stop.dropped", "Waiting messages dropped: {count}.")
STOP_KEPT = Text("stop.kept", "Waiting messages of others kept: {count}.")
BUSY = Text("commands.busy", "An answer is running. Wait for it, or send /stop first.")
NOTHING_TO_RETRY = Text("retry.nothing", "There is nothing to do again here.")
RETRYING = Text("retry.retrying", "Once more…")
CONTINUING = Text("retry.continuing", "Going on…")
STALE_ANSWERING = Text("stale.answering", "I answer it now.")
STALE_DROPPED = Text("stale.dropped", "All right, I leave it.")

NEW_SESSION = Text(
    "new.done", "New conversation. The old one ({count} messages) is kept in the history."
)
PROFILES = Text("profile.list", "Profiles")
NO_SUCH_PROFILE = Text("profile.unknown", "There is no profile {wanted}; choose one of: {known}.")
PROFILE_SET = Text("profile.set", "🎭 Profile: {name}")
MODELS = Text("model.list", "Installed models")
NO_SUCH_MODEL = Text(
    "model.unknown", "The model {wanted} is not installed; choose one of: {known}."
)
MODEL_SET = Text("model.set", "This chat uses {model} now.")
MODEL_DEFAULT = Text("model.default", "This chat uses its profile's model again.")
THINK_USAGE = Text("think.usage", "Say /think on, /think off, /think hide or /think auto.")
THINK_SET = Text("think.set", "Thinking: {state}")
THINK_STATE = Text(
    "think.state",
    "Thinking: {state}.\n"
    "on: think and show it folded; off: answer at once; "
    "hide: think unseen; auto: as the model likes.",
)
TOOLS = Text("tools.list", "Tools")
NO_SUCH_TOOL = Text("tools.unknown", "There is no tool {wanted}. There are: {known}.")
RELOADED = Text("reload.done", "Profiles read again: {names}.")
PERSONA_HOW = Text(
    "persona.how",
    "/persona followed by a text sets it for every room; /persona reset goes back to the settings "
    "(NAVI_PERSONA, NAVI_PERSONA_FILE).",
)
PERSONA_UNDO = Text("persona.undo", "↩ Back to the settings")
PERSONA_SET = Text("persona.set", "From the next message on I speak so, in every room.")
PERSONA_RESET = Text("persona.reset", "From the next message on I speak as the settings say.")
PERSONA_TOO_LONG = Text(
    "persona.too_long", "A persona has at most {most} characters; shorten it and send it again."
)
NO_TOOLS = Text("tools.none", "There are none.")
NO_NOTES = Text("notes.none", "The scratchpad is empty.")
USAGE = Text(
    "usage.report",
    "Today ({zone}): {today_turns} answers, {today_tokens} tokens.\n"
    "Last 30 days: {month_turns} answers, {month_tokens} tokens.",
)
USAGE_YOURS = Text(
    "usage.yours",
    "Of these yours: {today_turns} answers, {today_tokens} tokens today; "
    "{month_turns} answers, {month_tokens} tokens in the last 30 days.",
)
NO_CALLS = Text("detail.none", "No answer here has used a tool yet.")
CALLS_HOW = Text("detail.how", "Tools of the last answer that used any; /detail NUMBER shows one:")
NO_SUCH_CALL = Text("detail.unknown", "Say a number from 1 to {count}: /detail 1")
NO_RESULT = Text("detail.no_result", "It was cut off before it gave anything back.")
STATUS_PROFILE = Text("status.profile", "Profile: {profile}")
STATUS_MODEL = Text("status.model", "Model: {model}")
STATUS_CONTEXT = Text("status.context", "Context: {used} of {window} tokens ({share} %)")
STATUS_SESSION = Text("status.session", "Messages in this conversation: {count}")
STATUS_RUNNING = Text("status.running", "Now: {what}.")
STATUS_STARTING = Text("status.starting", "an answer begins")
STATUS_WAITING = Text("status.waiting", "Waiting: {count}.")
STATUS_PLACES = Text("status.places", "Yours in that line: {places}.")
STATUS_IDLE = Text("status.idle", "Now: nothing runs here.")
STATUS_ADAPTER = Text("status.adapter", "{platform}: connected, last contact {seconds} s ago")
STATUS_TROUBLE = Text("status.trouble", "{platform}: {trouble}")
STATUS_DELIVERY = Text(
    "status.delivery",
    "Delivery: {sends} sent, {edits} edits, {throttled} throttled, "
    "{doubted} uncertain, {refused} refused",
)
STATUS_PREFIX = Text("status.prefix", "Prompt kept from the previous call: {share} %")
STATUS_DATABASE = Text("status.database", "Database: {database}")
WHOAMI = Text("whoami.report", "You are {who}, my {role}.")
