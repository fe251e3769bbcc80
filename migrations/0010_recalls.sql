-- Reminders and recalls. A row per promise, a row per time that it falls due.
-- What was promised is due_at; fire_at moves when it is tried again. Whether a
-- room was told stands in the outbox: an occurrence names its post.

CREATE TABLE recalls (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person_id    bigint NOT NULL REFERENCES people,
    room_id      bigint NOT NULL REFERENCES rooms,
    kind         text NOT NULL CHECK (kind IN ('reminder', 'task')),
    content      text NOT NULL,
    rule         jsonb NOT NULL,
    important    boolean NOT NULL DEFAULT false,
    notify       text NOT NULL DEFAULT 'always' CHECK (notify IN ('always', 'change', 'match')),
    match        text NOT NULL DEFAULT '',
    last_result  text NOT NULL DEFAULT '',
    state        text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'done', 'cancelled')),
    held         boolean NOT NULL DEFAULT false,
    created_at   timestamptz NOT NULL DEFAULT now(),
    changed_at   timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX recalls_person ON recalls (person_id, id) WHERE state = 'active';
CREATE INDEX recalls_room ON recalls (room_id, id) WHERE state = 'active';

CREATE TABLE occurrences (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    recall_id        bigint NOT NULL REFERENCES recalls,
    due_at           timestamptz NOT NULL,
    fire_at          timestamptz NOT NULL,
    meant            text NOT NULL DEFAULT '',
    state            text NOT NULL DEFAULT 'due' CHECK (state IN
        ('due', 'claimed', 'sent', 'acknowledged', 'quiet', 'skipped', 'cancelled', 'failed')),
    tries            integer NOT NULL DEFAULT 0,
    missed           integer NOT NULL DEFAULT 0,
    nagged           integer NOT NULL DEFAULT 0,
    turn_id          bigint REFERENCES turns,
    post             text NOT NULL DEFAULT '',
    message_id       text NOT NULL DEFAULT '',
    touched_at       timestamptz,
    fired_at         timestamptz,
    sent_at          timestamptz,
    acknowledged_at  timestamptz,
    UNIQUE (recall_id, due_at)
);
CREATE INDEX occurrences_due ON occurrences (fire_at, id) WHERE state = 'due';
CREATE INDEX occurrences_claimed ON occurrences (id) WHERE state = 'claimed';
CREATE INDEX occurrences_sent ON occurrences (touched_at, id) WHERE state = 'sent';
CREATE INDEX occurrences_fired ON occurrences (fired_at) WHERE fired_at IS NOT NULL;
