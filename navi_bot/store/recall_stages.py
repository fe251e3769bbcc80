"""What is at which stage, in SQL: taken with its rows locked, others' left out."""

from navi_bot.ports.recall import Stage
from navi_bot.store.recall_rows import COLUMNS

_OF_THE_ACCOUNT = """
FROM occurrences o
JOIN recalls c ON c.id = o.recall_id
JOIN rooms r ON r.id = c.room_id
WHERE r.platform = $1 AND r.account = $2
"""

_MAY_FIRE = """
  AND o.state = 'due' AND c.state = 'active' AND r.state = 'active' AND r.session_id IS NOT NULL
  AND EXISTS (SELECT FROM identities i
              WHERE i.person_id = c.person_id AND i.role IN ('owner', 'member'))
"""
"""Whoever lost their rights is not written to any more."""

_CONDITIONS: dict[Stage, str] = {
    "due": _MAY_FIRE + " AND o.fire_at <= $4::timestamptz",
    "waiting": """
  AND o.state = 'claimed' AND o.touched_at <= $4::timestamptz - interval '10 minutes'
  AND EXISTS (SELECT FROM turns t WHERE t.id = o.turn_id AND t.state = 'queued' AND NOT t.asked)
""",
    "failed": """
  AND o.state = 'claimed' AND $4::timestamptz IS NOT NULL
  AND EXISTS (SELECT FROM turns t
              WHERE t.id = o.turn_id AND t.state = 'failed' AND t.error <> 'poison')
""",
    "undelivered": """
  AND o.state = 'claimed' AND $4::timestamptz IS NOT NULL
  AND EXISTS (SELECT FROM outbox b JOIN rooms s ON s.id = b.room_id
              WHERE b.post = o.post AND b.page = 0 AND b.final AND b.message_id = ''
                AND (b.abandoned <> '' OR s.state = 'gone'
                     OR (b.acknowledged_hash <> '' AND b.acknowledged_hash = b.desired_hash)))
""",
    "unheard": """
  AND o.state = 'sent' AND c.important AND c.kind = 'reminder' AND c.state <> 'cancelled'
  AND o.nagged < 5 AND o.touched_at <= $4::timestamptz - interval '10 minutes'
  AND r.state = 'active'
""",
}

_CLOCK = "clock_timestamp() + $3::interval"
_NEXT = "SELECT o.fire_at" + _OF_THE_ACCOUNT + _MAY_FIRE + " ORDER BY o.fire_at, o.id LIMIT 1"
_CLAIMED = "SELECT" + _OF_THE_ACCOUNT + " AND o.state = 'claimed'"
_UNHEARD = "SELECT" + _OF_THE_ACCOUNT + _CONDITIONS["unheard"].replace("$4::timestamptz", _CLOCK)
_MOVED = """
SELECT FROM recalls c JOIN rooms r ON r.id = c.room_id
WHERE r.platform = $1 AND r.account = $2 AND c.state = 'active'
  AND (r.state = 'gone' AND NOT c.held OR r.state = 'active' AND c.held)
"""

GLANCE = (
    "SELECT extract(epoch FROM ("
    + _NEXT
    + ") - ("
    + _CLOCK
    + "))::float8 AS seconds, EXISTS ("
    + ") OR EXISTS (".join((_CLAIMED, _UNHEARD, _MOVED))
    + ") AS unsettled"
)
"""Whether there is anything to do; $3 is added to the clock."""

_TAKE = (
    "WITH taken AS (UPDATE occurrences SET touched_at = $4::timestamptz WHERE id IN (SELECT o.id"
)
_TAKEN = (
    """
  ORDER BY o.fire_at, o.id LIMIT $3 FOR UPDATE OF o SKIP LOCKED
) RETURNING id, recall_id, due_at, fire_at, tries, nagged, meant, post, turn_id)
SELECT taken.*, NULL::timestamptz AS next_due,
    (SELECT t.error FROM turns t WHERE t.id = taken.turn_id) AS error,
"""
    + COLUMNS
    + """
FROM taken
JOIN recalls c ON c.id = taken.recall_id
JOIN people p ON p.id = c.person_id
JOIN rooms r ON r.id = c.room_id
ORDER BY taken.fire_at, taken.id
"""
)

STAGES: dict[Stage, str] = {
    stage: _TAKE + _OF_THE_ACCOUNT + condition + _TAKEN for stage, condition in _CONDITIONS.items()
}

_ANSWER = """
, learnt AS (
    UPDATE recalls c SET last_result = left(coalesce((
        SELECT m.content FROM messages m WHERE m.turn_id = noted.turn_id AND m.role = 'assistant'
        ORDER BY m.id DESC LIMIT 1), ''), 2000)
    FROM noted WHERE c.id = noted.recall_id AND noted.turn_id IS NOT NULL
)
SELECT id FROM noted
"""

SENT = (
    """
WITH noted AS (
    UPDATE occurrences o SET state = 'sent', message_id = b.message_id, sent_at = $3,
        touched_at = $3
    FROM outbox b, recalls c, rooms r
    WHERE o.state = 'claimed' AND c.id = o.recall_id AND r.id = c.room_id
      AND r.platform = $1 AND r.account = $2
      AND b.post = o.post AND b.page = 0 AND b.message_id <> ''
      AND (o.turn_id IS NULL OR EXISTS (
          SELECT FROM turns t WHERE t.id = o.turn_id
          AND (t.state IN ('done', 'stopped') OR t.error = 'poison')))
    RETURNING o.id, o.recall_id, o.turn_id
)
"""
    + _ANSWER
)
"""The platform has given a message its id."""

QUIET = (
    """
WITH noted AS (
    UPDATE occurrences o SET state = 'quiet', touched_at = $3
    FROM turns t, recalls c, rooms r
    WHERE o.state = 'claimed' AND c.id = o.recall_id AND r.id = c.room_id
      AND r.platform = $1 AND r.account = $2
      AND t.id = o.turn_id AND t.state IN ('done', 'stopped')
      AND NOT EXISTS (SELECT FROM outbox b WHERE b.post = o.post)
    RETURNING o.id, o.recall_id, o.turn_id
)
"""
    + _ANSWER
)
"""The turn ended and had nothing to tell."""

HOLD = """
UPDATE recalls c SET held = true FROM rooms r
WHERE r.id = c.room_id AND r.platform = $1 AND r.account = $2
  AND r.state = 'gone' AND c.state = 'active' AND NOT c.held
"""

RETURNED = """
WITH back AS (
    UPDATE recalls c SET held = false FROM rooms r
    WHERE r.id = c.room_id AND r.platform = $1 AND r.account = $2
      AND r.state = 'active' AND c.state = 'active' AND c.held
    RETURNING c.room_id
)
SELECT r.id AS room_id, r.platform, r.account, r.chat, r.thread, r.kind, count(*) AS count
FROM back JOIN rooms r ON r.id = back.room_id
GROUP BY r.id
"""

OTHER_ROOMS = """
SELECT CASE WHEN i.person_id = $1 THEN 'own' ELSE 'owner' END AS which,
    r.id AS room_id, r.platform, r.account, r.chat, r.thread, r.kind
FROM rooms r
JOIN sessions s ON s.id = r.session_id
JOIN identities i ON i.person_id = s.owner_id AND i.platform = r.platform
WHERE r.state = 'active' AND r.kind = 'private' AND r.id <> $2 AND r.platform <> 'console'
  AND ((i.person_id = $1 AND i.role IN ('owner', 'member')) OR i.role = 'owner')
ORDER BY s.last_active DESC
"""
"""Private rooms, the one used last first: the person's own, and owners'."""
