-- A terminal in another process talks to the running daemon through these:
-- what it typed, and what it shall draw. Neither outlives a crash of the server,
-- and neither needs to: the inbox and the outbox hold the truth.

CREATE UNLOGGED TABLE relay_inputs (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    payload     jsonb NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now()
);

CREATE UNLOGGED TABLE relay_pages (
    message_id  text PRIMARY KEY,
    page        jsonb NOT NULL,
    final       boolean NOT NULL,
    updated_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX relay_pages_age ON relay_pages (updated_at);
