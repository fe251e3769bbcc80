-- Wake-ups of one room share a lock. The queue looks for work when one is added, and else once a
-- second: one that waited for the lock would wait for that look.

CREATE FUNCTION tell_of_next_wakeup() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM procrastinate.procrastinate_jobs
        WHERE lock = OLD.lock AND status = 'todo' AND queue_name = OLD.queue_name
            AND (scheduled_at IS NULL OR scheduled_at <= now())
    ) THEN
        PERFORM pg_notify(
            'procrastinate_queue_v1#' || OLD.queue_name,
            json_build_object('type', 'job_inserted', 'job_id', OLD.id)::text
        );
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER tell_of_next_wakeup AFTER DELETE ON procrastinate.procrastinate_jobs
    FOR EACH ROW WHEN (OLD.lock IS NOT NULL) EXECUTE FUNCTION tell_of_next_wakeup();
