"""Words about how an answer goes, and why it ended early."""

from navi_bot.texts import Text

CONTEXT_TOO_LARGE = Text(
    "agent.context_too_large",
    "This does not fit: the new content is about {new:,} tokens, but only about {left:,} are left "
    "(window {window:,}, already used about {used:,}, {reserve:,} kept for the answer). "
    "Split the file into smaller parts, condense the conversation with /compact, "
    "or start afresh with /new.",
)
ITERATIONS = Text(
    "agent.iterations",
    "I stopped after {steps} steps, which is the limit, before I was done. "
    "What I found so far is kept; say “continue” and I go on from here.",
)
SAME_CALL = Text(
    "agent.same_call",
    "I stopped because I was about to call {tool} a third time in a row with the same arguments, "
    "which leads nowhere. What I found so far is kept; say “continue” and I try another way.",
)
UNUSABLE_CALLS = Text(
    "agent.unusable_calls",
    "I stopped because the model made tool calls that cannot be used, {count} times in a row. "
    "What I found so far is kept; say “continue” and I try again.",
)
TIME_LIMIT = Text(
    "agent.time_limit",
    "I stopped after {minutes} minutes of work, which is the limit, before I was done. "
    "What I found so far is kept; say “continue” and I go on from here.",
)
REPEATING = Text("agent.repeating", "(I was repeating myself, so I stopped.)")
NO_ANSWER = Text("agent.no_answer", "The model gave no answer, twice. Try again.")
RETRYING = Text("agent.retrying", "— interrupted, retrying once: {reason}")
MODEL_MISSING = Text("agent.model_missing", "The model {model} is not installed on the model host.")
MODEL_MISSING_ELSE = Text(
    "agent.model_missing_else",
    "The model {model} is not installed on the model host. Available: {installed}.",
)
MODEL_SLOW = Text(
    "agent.model_slow", "{reason} Try /compact, a smaller file, or a profile with a smaller model."
)
BACKEND_MISSING = Text(
    "agent.backend_missing",
    "The profile {profile} wants the backend “{backend}”, which is not set up.",
)
PROFILE_GONE = Text("agent.profile_gone", "The profile {gone} is not there any more; I use {now}.")
NO_PICTURES = Text(
    "agent.no_pictures", "{model} cannot look at pictures, so I answer without them."
)
OUT_OF_TIME = Text(
    "agent.out_of_time", "I ran out of time after {seconds:.0f} s without an answer."
)
