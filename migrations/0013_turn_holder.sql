-- Which daemon runs a turn. One that was cut off from the database, and whose account another has
-- taken over meanwhile, must not end, give back or go on with what is not its own any more.

ALTER TABLE turns ADD COLUMN holder text;
