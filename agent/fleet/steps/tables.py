"""Step 1: devices and their keys, events by month, what is not believed, who was forgotten."""

from __future__ import annotations

from typing import Final

STEP: Final = """
CREATE TABLE sites (  -- what the reports go by; a site that is not here has days of UTC
    site text PRIMARY KEY,
    zone text NOT NULL DEFAULT 'UTC',  -- IANA name
    day_starts time NOT NULL DEFAULT '00:00'  -- a night shift belongs to the day on which it began
);

CREATE TABLE device_keys (
    site text NOT NULL,
    device text NOT NULL,
    key_id text NOT NULL,
    public bytea NOT NULL CHECK (length(public) = 32),  -- Ed25519
    added_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz,  -- NULL: in force
    PRIMARY KEY (site, device, key_id)
);

CREATE TABLE events (
    site text NOT NULL,
    device text NOT NULL,
    id text NOT NULL,
    seq bigint NOT NULL,
    kind text NOT NULL,
    at timestamptz NOT NULL,  -- by the device's clock
    boot_id text NOT NULL,
    historical boolean NOT NULL,
    person text,
    people text[] NOT NULL,  -- all who are named in it
    body jsonb NOT NULL,  -- without what the columns hold
    stored_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (site, device, id, at)  -- the same event always has the same time
) PARTITION BY RANGE (at);

-- What a clock that was never set says: before 2020 or after 2099. All other months get a partition of their own before
-- the first event goes in, so that this one is never in the way of a new one.
CREATE TABLE events_undated PARTITION OF events DEFAULT;

CREATE INDEX events_of_site ON events (site, at);
CREATE INDEX events_of_kind ON events (kind, at);
CREATE INDEX events_of_person ON events (site, person, at) WHERE person IS NOT NULL;
CREATE INDEX events_of_people ON events USING gin (people);

CREATE FUNCTION ensure_month(day date) RETURNS boolean LANGUAGE plpgsql AS $$
-- Makes the partition of the month that a day is in; whether it was not there yet.
DECLARE
    first date := date_trunc('month', day);
    name text := 'events_' || to_char(first, 'YYYY_MM');
BEGIN
    IF to_regclass(name) IS NOT NULL OR extract(year FROM first) NOT BETWEEN 2020 AND 2099 THEN
        RETURN false;
    END IF;
    LOCK TABLE events IN SHARE UPDATE EXCLUSIVE MODE;  -- one after the other; inserts go on
    IF to_regclass(name) IS NOT NULL THEN
        RETURN false;
    END IF;
    EXECUTE format(
        'CREATE TABLE %I PARTITION OF events FOR VALUES FROM (%L) TO (%L)',
        name, first::timestamp AT TIME ZONE 'UTC', (first + interval '1 month') AT TIME ZONE 'UTC');
    RETURN true;
END $$;

CREATE FUNCTION drop_months_before(day date) RETURNS integer LANGUAGE plpgsql AS $$
-- Forgets all months that ended before a day, at once and without a trace; how many they were.
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
    RETURN dropped;
END $$;

CREATE TABLE device_seqs (  -- which numbers of a device there are; a new key is a device that was set up anew
    site text NOT NULL,
    device text NOT NULL,
    key_id text NOT NULL,
    seqs int8multirange NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (site, device, key_id)
) WITH (fillfactor = 50);

CREATE VIEW gaps AS  -- numbers that are missing between others: on their way, or lost
SELECT site, device, key_id, lower(missing) AS first, upper(missing) - 1 AS last,
       upper(missing) - lower(missing) AS missing, changed_at
FROM device_seqs, unnest(int8multirange(int8range(lower(seqs), upper(seqs))) - seqs) AS missing;

CREATE TABLE device_states (  -- the latest of each
    site text NOT NULL,
    device text NOT NULL,
    what text NOT NULL,  -- status, health, state/door, ...
    at timestamptz,  -- where it says
    body jsonb NOT NULL,
    received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (site, device, what)
) WITH (fillfactor = 50);

CREATE TABLE quarantine (  -- what was not believed, as it came; the same once
    digest bytea PRIMARY KEY,  -- SHA-256 of topic and payload
    site text NOT NULL,
    device text NOT NULL,
    topic text NOT NULL,
    payload bytea NOT NULL,
    size integer NOT NULL,
    reason text NOT NULL,
    detail text NOT NULL,
    first_at timestamptz NOT NULL DEFAULT now(),
    last_at timestamptz NOT NULL DEFAULT now(),
    times bigint NOT NULL DEFAULT 1
);
CREATE INDEX quarantine_of_device ON quarantine (site, device, first_at);

CREATE TABLE quarantine_counts (  -- of all that ever came, kept or not
    site text NOT NULL,
    device text NOT NULL,
    reason text NOT NULL,
    messages bigint NOT NULL,
    not_kept bigint NOT NULL DEFAULT 0,  -- there were too many of the device's already
    last_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (site, device, reason)
);

CREATE TABLE pepper (value bytea NOT NULL);
INSERT INTO pepper SELECT decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex');

CREATE TABLE forgettings (  -- the proof, and what makes an event that comes late lose the person as well
    event_id text NOT NULL,
    site text NOT NULL,
    digest bytea NOT NULL,  -- SHA-256 of pepper, site and id
    pseudonym text NOT NULL,
    receipt text,  -- of the device
    at timestamptz NOT NULL,
    done_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    events integer NOT NULL,  -- that lost the person then
    late integer NOT NULL DEFAULT 0,  -- and later
    PRIMARY KEY (site, digest, event_id)
);
"""
