"""Step 3: months that come back after they were dropped, and what wrong clocks and strangers leave behind.

A device that was away for longer than the fleet keeps events tells of a month that is gone. If a collector wrote such
an event while the month was not there, it lies in `events_undated`, where PostgreSQL would not let the month be made.
"""

from __future__ import annotations

from typing import Final

STEP: Final = """
CREATE OR REPLACE FUNCTION ensure_month(day date) RETURNS boolean LANGUAGE plpgsql AS $$
-- Makes the partition of the month that a day is in; whether it was not there yet.
DECLARE
    first date := date_trunc('month', day);
    begins timestamptz := first::timestamp AT TIME ZONE 'UTC';
    ends timestamptz := (first + interval '1 month') AT TIME ZONE 'UTC';
    name text := 'events_' || to_char(first, 'YYYY_MM');
BEGIN
    IF to_regclass(name) IS NOT NULL OR extract(year FROM first) NOT BETWEEN 2020 AND 2099 THEN
        RETURN false;
    END IF;
    LOCK TABLE events IN SHARE UPDATE EXCLUSIVE MODE;  -- one after the other; inserts go on
    IF to_regclass(name) IS NOT NULL THEN
        RETURN false;
    END IF;
    LOCK TABLE events_undated IN ACCESS EXCLUSIVE MODE;  -- but there
    EXECUTE format('CREATE TABLE %I (LIKE events INCLUDING DEFAULTS)', name);
    EXECUTE format(
        'WITH moved AS (DELETE FROM events_undated WHERE at >= %L AND at < %L RETURNING *)'
        ' INSERT INTO %I SELECT * FROM moved', begins, ends, name);
    EXECUTE format('ALTER TABLE events ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', name, begins, ends);
    RETURN true;
END $$;

CREATE OR REPLACE FUNCTION drop_months_before(day date) RETURNS integer LANGUAGE plpgsql AS $$
-- Forgets all months that ended before a day, at once and without a trace; how many they were. What is dated wrongly,
-- by a clock that was not set or far ahead, goes by when it was written down; so does what was not believed.
DECLARE
    name text;
    dropped integer := 0;
BEGIN
    FOR name IN
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'events'::regclass AND c.relname ~ '^events_[0-9]{4}_[0-9]{2}$'
          AND to_date(right(c.relname, 7), 'YYYY_MM') + interval '1 month' <= day
    LOOP
        EXECUTE format('DROP TABLE %I', name);
        dropped := dropped + 1;
    END LOOP;
    DELETE FROM events_undated WHERE stored_at < day;
    DELETE FROM events WHERE at > now() + interval '1 month' AND stored_at < day;
    DELETE FROM quarantine WHERE last_at < day;
    RETURN dropped;
END $$;
"""
