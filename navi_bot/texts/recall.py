"""Words of reminders and recalls."""

from navi_bot.texts import Text

HELP_REMIND = Text("help.remind", "remind me: /remind tomorrow at 9 call mum")
HELP_RECALLS = Text("help.recalls", "list reminders; skip, change, cancel them; /recalls history")
HELP_TZ = Text("help.tz", "show or set your time zone: /tz Europe/Kyiv")
HELP_BUTTON = Text("help.recall", "a button of a reminder")

REMINDER = Text("recall.reminder", "⏰ {text}")
FOR = Text("recall.for", "for {name}")
DUE = Text("recall.due", "Due {due}.")
LATE = Text("recall.late", "Due {due}; I could not tell you then, so this is {late} late.")
GAP = Text("recall.gap", "{meant} does not exist on this day (the clocks jump), so {due}.")
MISSED = Text("recall.missed", "It fell due {count} more times meanwhile.")
MISSED_ONCE = Text("recall.missed_once", "It fell due once more meanwhile.")
NEXT = Text("recall.next", "Next: {next}.")
AGAIN = Text("recall.again", "⏰ Again ({number} of {most}), nobody has pressed Done: {text}")
DIGEST = Text("recall.digest", "⏰ {count} reminders fell due while I could not tell you:")
DIGEST_LINE = Text("recall.digest_line", "{due}: {text}")
ELSEWHERE = Text(
    "recall.elsewhere",
    "I could not write to {room}, so I tell you here. Reminders of that chat wait until I can.",
)
FOR_OWNER = Text(
    "recall.for_owner", "I could not reach {name} anywhere with a reminder that was due {due}."
)
A_CHAT = Text("recall.a_chat", "the other chat")
RETURNED = Text("recall.returned", "I can write here again; {count} reminders go on.")
RETURNED_ONE = Text("recall.returned_one", "I can write here again; 1 reminder goes on.")

TASK = Text(
    "recall.task",
    "[This is a recall that {name} set up; it was due {due}. Nobody reads along and nobody can "
    "answer: do it with the tools that only look, and give the result. What you answer is pushed "
    "into the chat as a new message.{how}]\n{text}",
)
TASK_CHANGE = Text(
    "recall.task_change",
    " Last time you answered: «{last}». If nothing that matters has changed since, answer "
    "NO CHANGE and nothing else.",
)
TASK_MATCH = Text(
    "recall.task_match", " It is pushed only if it contains «{match}»; write that only if it holds."
)
NO_CHANGE = Text("recall.no_change", "NO CHANGE")
BUSY = Text(
    "recall.busy", "This chat was busy for {minutes} minutes, so I did not do it myself: {text}"
)
NOT_DONE = Text("recall.not_done", "I tried {tries} times and could not do it: {text}")
NOT_DONE_WHY = Text("recall.not_done_why", "The last time: {reason}")

BUTTON_DONE = Text("recall.button_done", "✓ Done")
BUTTON_TEN = Text("recall.button_ten", "💤 10 min")
BUTTON_HOUR = Text("recall.button_hour", "💤 1 h")
BUTTON_TOMORROW = Text("recall.button_tomorrow", "💤 Tomorrow")
BUTTON_SKIP = Text("recall.button_skip", "⏭ Skip next")
BUTTON_CANCEL = Text("recall.button_cancel", "✗ Cancel")
BUTTON_CHANGE = Text("recall.button_change", "✎ Change")

CONFIRMED = Text("recall.confirmed", "⏰ {told}: {text}")
CONFIRMED_TASK = Text("recall.confirmed_task", "⏰ {told} I will do: {text}")
RECURRING = Text("recall.recurring", "{told}, then {rule}")
AT_ONCE = Text("recall.at_once", "At once")
ZONE_ASKED = Text(
    "recall.zone_asked", "I take your time zone to be {zone}. Is it another? Send /tz Europe/Kyiv"
)
NO_TEXT = Text("recall.no_text", "What shall I remind you of? {how}")
FULL = Text(
    "recall.full", "You have {most} reminders waiting, the most that I keep. /recalls shows them."
)
TOO_LONG = Text("recall.too_long", "A reminder has at most {most} characters.")
TOO_OFTEN = Text(
    "recall.too_often", "What I do myself comes at most every {minutes} minutes; a reminder may."
)
NEVER = Text("recall.never", "That time never comes.")
NO_SUCH = Text("recall.no_such", "There is no reminder {number} here; /recalls lists them.")
NOT_YOURS = Text("recall.not_yours", "Only the one who set it up, or the owner, can change it.")
NO_MATCH = Text("recall.no_match", "Notify on match needs the text to look for.")

LISTED = Text("recall.listed", "Reminders:")
NONE = Text("recall.none", "No reminders wait. Set one: /remind tomorrow at 9 call mum")
LINE = Text("recall.line", "{number}. {when}: {text}")
LINE_HELD = Text("recall.line_held", "{line} (waits: I cannot write to {room})")
LIST_HOW = Text(
    "recall.list_how",
    "/recalls skip 3, /recalls cancel 3, /recalls change 3 tomorrow at 10, "
    "/recalls snooze 3 1h, /recalls done 3, /recalls history",
)
CANCELLED = Text("recall.cancelled", "✗ Cancelled: {text}")
SKIPPED = Text("recall.skipped", "⏭ Skipped {due}. Next: {next}.")
SKIPPED_LAST = Text("recall.skipped_last", "⏭ Skipped {due}; there is no next time.")
CHANGED = Text("recall.changed", "✎ Changed. ⏰ {told}: {text}")
CHANGE_HOW = Text("recall.change_how", "Send: /recalls change {number} tomorrow at 10")
SNOOZED = Text("recall.snoozed", "💤 Again {told}: {text}")
DONE = Text("recall.done", "✓ Done: {text}")
OVER = Text("recall.over", "That is over already.")
USAGE = Text("recall.usage", "I did not understand that. {how}")

HISTORY = Text("recall.history", "What became of the last ones:")
NO_HISTORY = Text("recall.no_history", "None has come due yet.")
RECEIPT = Text("recall.receipt", "{mark} {due}: {text}")
RECEIPT_FIRED = Text("recall.receipt_fired", "fired {fired}")
RECEIPT_SENT = Text("recall.receipt_sent", "delivered {sent}")
RECEIPT_LATE = Text("recall.receipt_late", "delivered {sent}, {late} late")
RECEIPT_HEARD = Text("recall.receipt_heard", "done {heard}")
RECEIPT_STATE = Text("recall.receipt_state", "{state}")
RELIABILITY = Text(
    "recall.reliability",
    "This month: {promised} promised, {delivered} delivered, {on_time} of them within a minute; "
    "the latest came {worst} late. Undelivered: {undelivered}.",
)
RELIABILITY_NONE = Text("recall.reliability_none", "This month: none was due yet.")

TZ_IS = Text("tz.is", "Your time zone is {zone}; it is {now} there. Change it: /tz Europe/Kyiv")
TZ_UNSET = Text(
    "tz.unset", "You have not set one, so I take {zone}: it is {now}. Set it: /tz {zone}"
)
TZ_SET = Text("tz.set", "Your time zone is {zone} now; it is {now} there.")
TZ_ASK = Text("tz.ask", "{count} reminders were set in {old}. When shall they come?")
TZ_LOCAL = Text("tz.local", "Same clock time, in {zone}")
TZ_INSTANT = Text("tz.instant", "Same instant as before")
TZ_MOVED = Text("tz.moved", "{count} reminders keep their clock time, now in {zone}.")
TZ_KEPT = Text("tz.kept", "They come at the same instants as before.")
