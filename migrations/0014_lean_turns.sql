-- What a turn writes costs the disk, and each index of a row is written again with each change of
-- the row, unless no index has what changed. These are the ones that hold more than is looked for,
-- or that another one does the work of.

-- A page is known by its post and number; its id only tells the order.
ALTER TABLE outbox DROP CONSTRAINT outbox_pkey;
ALTER TABLE outbox ADD PRIMARY KEY (post, page);
ALTER TABLE outbox DROP CONSTRAINT outbox_post_page_key;

-- Turns that have not ended are in an index of their own.
DROP INDEX turns_ended;
CREATE INDEX turns_ended ON turns (room_id, ended_at) WHERE ended_at IS NOT NULL;

-- A room has few sessions, and the current one changes with every turn.
DROP INDEX sessions_room;
CREATE INDEX sessions_room ON sessions (room_id);

-- The queue's library journals what happens to its jobs; a job lives for the length of a turn, and
-- nobody reads its journal.
ALTER TABLE procrastinate.procrastinate_jobs
    DISABLE TRIGGER procrastinate_trigger_status_events_insert_v1;
ALTER TABLE procrastinate.procrastinate_jobs
    DISABLE TRIGGER procrastinate_trigger_status_events_update_v1;
ALTER TABLE procrastinate.procrastinate_jobs
    DISABLE TRIGGER procrastinate_trigger_scheduled_events_v1;
