-- What an owner chose in a chat for the whole daemon; it goes before the settings.

CREATE TABLE choices (
    name        text PRIMARY KEY,
    value       text NOT NULL,
    changed_at  timestamptz NOT NULL DEFAULT now()
);
