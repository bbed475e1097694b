"""Step 2: views of what the reports of a device say, with its columns, and of the fleet itself.

What takes the rules of a site, planned hours and what follows from them, is not here: a device reports that. Those
columns are there and empty, so that one query reads both.
"""

from __future__ import annotations

from typing import Final

STEP: Final = """
CREATE VIEW corrections AS  -- what admins said about punches, but for what was withdrawn
WITH said AS (
    SELECT site, device, body ->> 'subject' AS person, body ->> 'action' AS action, at AS made_at,
           body #>> '{details,correction}' AS id, body #>> '{details,punch}' AS punch,
           (body #>> '{details,to}')::timestamptz AS at, body #>> '{details,type}' AS type,
           body #>> '{details,job}' AS job
    FROM events
    WHERE kind = 'audit' AND body ->> 'action' IN ('punch_added', 'punch_corrected', 'punch_retimed', 'punch_voided')
)
SELECT * FROM said WHERE NOT EXISTS (
    SELECT FROM said v WHERE v.site = said.site AND v.punch = said.id AND v.action = 'punch_voided');

CREATE VIEW punches AS  -- as they count: with what was said about them later
WITH made AS (
    SELECT site, id, device, person, at, body ->> 'type' AS type, body ->> 'key' AS key, body ->> 'job' AS job,
           body ->> 'name' AS name, body ->> 'clock' AS clock
    FROM events WHERE kind = 'attendance' AND person IS NOT NULL AND NOT coalesce((body ->> 'repeat')::boolean, false)
    UNION ALL
    SELECT site, id, device, person, at, type, NULL, job, NULL, NULL FROM corrections
    WHERE action = 'punch_added' AND person IS NOT NULL AND at IS NOT NULL
), latest AS (
    SELECT DISTINCT ON (site, punch) site, punch, at, type, job FROM corrections
    WHERE action IN ('punch_corrected', 'punch_retimed') ORDER BY site, punch, made_at DESC
)
SELECT counts.*,
       (counts.at AT TIME ZONE coalesce(s.zone, 'UTC') - coalesce(s.day_starts, '00:00')::interval)::date AS day
FROM (
    SELECT m.site, m.id, m.device, m.person, coalesce(l.at, m.at) AS at, coalesce(l.type, m.type) AS type, m.key,
           coalesce(l.job, m.job) AS job, m.name, CASE WHEN l.at IS NULL THEN m.clock END AS clock,
           l.punch IS NOT NULL AS corrected
    FROM made m LEFT JOIN latest l ON (l.site, l.punch) = (m.site, m.id)
    WHERE NOT EXISTS (
        SELECT FROM corrections v WHERE v.site = m.site AND v.punch = m.id AND v.action = 'punch_voided')
) AS counts LEFT JOIN sites s ON s.site = counts.site;

CREATE VIEW attendance_days AS
WITH paired AS (  -- each punch and what comes next on the day
    SELECT *, lead(at) OVER later AS until, lead(type) OVER later AS next_type, lag(type) OVER later AS last_type
    FROM punches WINDOW later AS (PARTITION BY site, person, day ORDER BY at, id)
)
SELECT site, person, max(name) AS name, day, NULL::text AS kind,
       min(at) FILTER (WHERE type = 'in') AS "in",
       max(at) FILTER (WHERE type = 'out') AS "out",
       NULL::bigint AS planned_seconds,
       coalesce(sum(extract(epoch FROM until - at)) FILTER (WHERE type IN ('in', 'break_end')
           AND next_type IN ('out', 'break_start')), 0)::bigint AS worked_seconds,
       coalesce(sum(extract(epoch FROM until - at)) FILTER (WHERE type = 'break_start'
           AND next_type = 'break_end'), 0)::bigint AS break_seconds,
       NULL::bigint AS deducted_seconds, NULL::bigint AS overtime_seconds, NULL::bigint AS balance_seconds,
       NULL::bigint AS late_seconds, NULL::bigint AS early_seconds,
       concat_ws(' ',
           CASE WHEN bool_or(type IN ('in', 'break_end') AND (next_type IS NULL OR next_type = 'in'))
                THEN 'missing_out' END,
           CASE WHEN bool_or(type = 'out' AND (last_type IS NULL OR last_type = 'out')) THEN 'missing_in' END,
           CASE WHEN bool_or(clock = 'unsynchronised') THEN 'unsynchronised' END,
           CASE WHEN bool_or(corrected) THEN 'corrected' END) AS flags,
       string_agg(DISTINCT job, ' ') AS jobs
FROM paired GROUP BY site, person, day;

CREATE VIEW who_is_in AS  -- whose last punch, at most a day old, was not to leave
SELECT site, person, name, at AS since, device, type = 'break_start' AS on_break
FROM (SELECT DISTINCT ON (site, person) * FROM punches WHERE at > now() - interval '24 hours'
      ORDER BY site, person, at DESC, id DESC) AS last
WHERE type <> 'out';

CREATE VIEW exceptions AS
SELECT site, day, person, flag AS what, '' AS detail
FROM attendance_days, unnest(string_to_array(flags, ' ')) AS flag
WHERE flag NOT IN ('', 'corrected') AND NOT (flag = 'missing_out' AND day >= (now() AT TIME ZONE 'UTC')::date)
UNION ALL
SELECT e.site, (e.at AT TIME ZONE coalesce(s.zone, 'UTC') - coalesce(s.day_starts, '00:00')::interval)::date,
       NULL, 'unknown',
       to_char(e.at AT TIME ZONE coalesce(s.zone, 'UTC'), 'HH24:MI') || ' turned away: ' ||
       replace(e.body ->> 'reason', '_', ' ')
FROM events e LEFT JOIN sites s ON s.site = e.site
WHERE e.kind = 'access' AND e.body ->> 'outcome' = 'denied' AND e.person IS NULL;

CREATE VIEW devices AS  -- one line for each door of the fleet
SELECT d.site, d.device, status.body ->> 'state' AS state, status.body ->> 'version' AS version,
       status.body ->> 'model' AS model, status.received_at AS state_since,
       health.at AS health_at, (health.body ->> 'outbox_depth')::bigint AS outbox_depth,
       (health.body ->> 'oldest_unsent_seconds')::float AS oldest_unsent_seconds,
       (health.body ->> 'fps')::float AS fps, (health.body ->> 'temperature_celsius')::float AS temperature_celsius,
       (health.body ->> 'disk_free_bytes')::bigint AS disk_free_bytes, health.body ->> 'clock' AS clock,
       numbers.changed_at AS last_event_at, numbers.missing
FROM (SELECT site, device FROM device_keys UNION SELECT site, device FROM device_states) AS d
LEFT JOIN device_states status ON (status.site, status.device, status.what) = (d.site, d.device, 'status')
LEFT JOIN device_states health ON (health.site, health.device, health.what) = (d.site, d.device, 'health')
LEFT JOIN LATERAL (
    SELECT max(n.changed_at) AS changed_at,
           (SELECT coalesce(sum(g.missing), 0)::bigint FROM gaps g
            WHERE (g.site, g.device) = (d.site, d.device)) AS missing
    FROM device_seqs n WHERE (n.site, n.device) = (d.site, d.device)
) AS numbers ON true;
"""
