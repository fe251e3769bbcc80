-- The core: people, rooms, sessions, turns and what they leave behind.

CREATE TABLE people (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name        text NOT NULL,
    language    text NOT NULL DEFAULT '',
    timezone    text NOT NULL DEFAULT '',
    created_at  timestamptz NOT NULL DEFAULT now()
);

-- A platform's immutable id stands for one person. Roles live here.
CREATE TABLE identities (
    platform     text NOT NULL,
    platform_id  text NOT NULL,
    person_id    bigint NOT NULL REFERENCES people,
    role         text NOT NULL CHECK (role IN ('owner', 'member', 'guest', 'blocked')),
    name         text NOT NULL DEFAULT '',
    created_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (platform, platform_id)
);
CREATE INDEX identities_person ON identities (person_id);

CREATE TABLE pairings (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code         text NOT NULL UNIQUE,
    role         text NOT NULL,
    platform     text NOT NULL,
    platform_id  text NOT NULL DEFAULT '',
    name         text NOT NULL DEFAULT '',
    created_at   timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz NOT NULL,
    used_at      timestamptz
);

-- Wrong codes per identity: five in an hour lock it out for an hour.
CREATE TABLE pairing_failures (
    platform     text NOT NULL,
    platform_id  text NOT NULL,
    failed_at    timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX pairing_failures_who ON pairing_failures (platform, platform_id, failed_at);

CREATE TABLE accounts (
    platform  text NOT NULL,
    account   text NOT NULL,
    cursor    text NOT NULL DEFAULT '',
    PRIMARY KEY (platform, account)
);

CREATE TABLE rooms (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    platform    text NOT NULL,
    account     text NOT NULL,
    chat        text NOT NULL,
    thread      text NOT NULL DEFAULT '',
    kind        text NOT NULL CHECK (kind IN ('private', 'group')),
    title       text NOT NULL DEFAULT '',
    state       text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'gone')),
    session_id  bigint,
    settings    jsonb NOT NULL DEFAULT '{}',
    created_at  timestamptz NOT NULL DEFAULT now(),
    UNIQUE (platform, account, chat, thread)
);

CREATE TABLE sessions (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    room_id         bigint NOT NULL REFERENCES rooms,
    owner_id        bigint NOT NULL REFERENCES people,
    profile_id      text NOT NULL,
    title           text NOT NULL DEFAULT '',
    context_tokens  integer NOT NULL DEFAULT 0,
    message_count   integer NOT NULL DEFAULT 0,
    created_at      timestamptz NOT NULL DEFAULT now(),
    last_active     timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX sessions_room ON sessions (room_id, last_active DESC);
ALTER TABLE rooms ADD FOREIGN KEY (session_id) REFERENCES sessions;

-- One row per platform event, unique for ever: a redelivery finds its own row.
CREATE TABLE inbox (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    platform     text NOT NULL,
    account      text NOT NULL,
    key          text NOT NULL,
    room_id      bigint REFERENCES rooms,
    person_id    bigint REFERENCES people,
    payload      jsonb NOT NULL,
    state        text NOT NULL CHECK (state IN ('new', 'done', 'parked')),
    attempts     integer NOT NULL DEFAULT 0,
    received_at  timestamptz NOT NULL DEFAULT now(),
    handled_at   timestamptz,
    UNIQUE (platform, account, key)
);
CREATE INDEX inbox_new ON inbox (platform, account, id) WHERE state = 'new';

CREATE TABLE turns (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    room_id     bigint NOT NULL REFERENCES rooms,
    session_id  bigint NOT NULL REFERENCES sessions,
    asker_id    bigint NOT NULL REFERENCES people,
    inbox_id    bigint REFERENCES inbox,
    request     jsonb NOT NULL,
    message_id  text NOT NULL DEFAULT '',
    album       text NOT NULL DEFAULT '',
    steer       boolean NOT NULL DEFAULT false,
    state       text NOT NULL DEFAULT 'queued' CHECK (state IN
        ('queued', 'running', 'awaiting_input', 'done', 'stopped', 'failed', 'interrupted')),
    attempts    integer NOT NULL DEFAULT 0,
    asked       boolean NOT NULL DEFAULT false,
    pending     jsonb,
    error       text NOT NULL DEFAULT '',
    model       text NOT NULL DEFAULT '',
    tokens      integer NOT NULL DEFAULT 0,
    tool_calls  integer NOT NULL DEFAULT 0,
    seconds     double precision NOT NULL DEFAULT 0,
    sent_at     timestamptz NOT NULL DEFAULT now(),
    created_at  timestamptz NOT NULL DEFAULT now(),
    started_at  timestamptz,
    ended_at    timestamptz
);
CREATE INDEX turns_open ON turns (room_id, id)
    WHERE state IN ('queued', 'running', 'awaiting_input');
CREATE UNIQUE INDEX turns_one_running ON turns (room_id)
    WHERE state IN ('running', 'awaiting_input');
CREATE INDEX turns_ended ON turns (room_id, ended_at);

-- The history: append-only, never compressed.
CREATE TABLE messages (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    session_id       bigint NOT NULL REFERENCES sessions,
    turn_id          bigint REFERENCES turns,
    author_id        bigint REFERENCES people,
    role             text NOT NULL,
    content          text NOT NULL,
    images           text[] NOT NULL DEFAULT '{}',
    thinking         text NOT NULL DEFAULT '',
    tool_calls       jsonb,
    tool_call_id     text NOT NULL DEFAULT '',
    name             text NOT NULL DEFAULT '',
    is_plan          boolean NOT NULL DEFAULT false,
    elapsed_seconds  double precision,
    tool_call_count  integer,
    token_count      integer,
    created_at       timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX messages_session ON messages (session_id, id);

-- What the model sees: append-only. A row points at its message, or holds a
-- body of its own when the history does not have it. A span that was folded
-- into a summary, or taken back by a retry, points at what replaced it.
CREATE TABLE context (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    session_id  bigint NOT NULL REFERENCES sessions,
    turn_id     bigint REFERENCES turns,
    message_id  bigint REFERENCES messages,
    body        jsonb,
    folded_by   bigint,
    CHECK ((message_id IS NULL) <> (body IS NULL))
);
CREATE INDEX context_live ON context (session_id, id) WHERE folded_by IS NULL;

-- Intent before, result after.
CREATE TABLE tool_journal (
    turn_id     bigint NOT NULL REFERENCES turns,
    step        integer NOT NULL,
    call_id     text NOT NULL,
    position    integer NOT NULL,
    tool        text NOT NULL,
    arguments   jsonb NOT NULL,
    effect      text NOT NULL,
    started_at  timestamptz NOT NULL DEFAULT now(),
    ended_at    timestamptz,
    ok          boolean,
    result      text,
    PRIMARY KEY (turn_id, step, call_id)
);

-- One row per page of a post: what shall be shown, what the platform accepted.
CREATE TABLE outbox (
    id                 bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    room_id            bigint NOT NULL REFERENCES rooms,
    post               text NOT NULL,
    page               integer NOT NULL,
    head               jsonb NOT NULL,
    final              boolean NOT NULL DEFAULT false,
    desired            jsonb,
    desired_hash       text NOT NULL DEFAULT '',
    acknowledged_hash  text NOT NULL DEFAULT '',
    message_id         text NOT NULL DEFAULT '',
    transaction        text NOT NULL DEFAULT '',
    uncertain          boolean NOT NULL DEFAULT false,
    abandoned          text NOT NULL DEFAULT '',
    created_at         timestamptz NOT NULL DEFAULT now(),
    UNIQUE (post, page)
);
CREATE INDEX outbox_unfinished ON outbox (room_id, id)
    WHERE final AND desired_hash <> acknowledged_hash AND abandoned = '';
CREATE INDEX outbox_message ON outbox (room_id, message_id) WHERE message_id <> '';

CREATE TABLE todos (
    session_id  bigint NOT NULL REFERENCES sessions,
    position    integer NOT NULL,
    text        text NOT NULL,
    state       text NOT NULL CHECK (state IN ('open', 'active', 'done', 'failed')),
    PRIMARY KEY (session_id, position)
);

CREATE TABLE notes (
    session_id  bigint NOT NULL REFERENCES sessions,
    section     text NOT NULL,
    content     text NOT NULL,
    updated_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (session_id, section)
);

CREATE TABLE files (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    session_id  bigint NOT NULL REFERENCES sessions,
    name        text NOT NULL,
    path        text NOT NULL UNIQUE,
    mime        text NOT NULL,
    size        bigint NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX files_session ON files (session_id, id);

CREATE TABLE calibration (
    model                 text PRIMARY KEY,
    characters_per_token  double precision NOT NULL,
    updated_at            timestamptz NOT NULL DEFAULT now()
);
