-- What asks whether there is anything to do for recalls, every few seconds, reads no more than
-- what may call for it: few recalls are important, and fewer still are held.

CREATE INDEX recalls_important ON recalls (id)
    WHERE important AND kind = 'reminder' AND state <> 'cancelled';
CREATE INDEX recalls_held ON recalls (room_id) WHERE held AND state = 'active';
