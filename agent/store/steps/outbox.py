"""Step 12: what the broker has and no collector has acknowledged yet, with `[mqtt] acknowledged`.

`sent_at` goes on to say that an event has left the outbox; who has to acknowledge it for that is a matter of the
configuration, which may change at any time.
"""

from __future__ import annotations

from typing import Final

STEP: Final[tuple[str, ...]] = (
    "ALTER TABLE events ADD COLUMN published_at TEXT",  # when the broker took it last; NULL: never
    "CREATE INDEX events_unpublished ON events (seq) WHERE sent_at IS NULL AND published_at IS NULL",
    "CREATE INDEX events_unacknowledged ON events (published_at) WHERE sent_at IS NULL AND published_at IS NOT NULL",
)
