"""What many devices say, written down once: from any broker cluster to PostgreSQL, by as many collectors as wanted.

    devices ──► broker cluster ──► collectors (one shared subscription) ──► PostgreSQL ──► reports, Grafana
       ▲                                │ commit, then
       └────────── event/ack ◄──────────┘

A collector keeps nothing of its own. What it has taken and not committed the broker gives to another one; what it has
committed and not acknowledged the device sends again, and it is there already.
"""
