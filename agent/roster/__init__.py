"""The roster: what a fleet is to hold. People, rules, keys and devices as objects, each version signed by an admin.

    admin ── put (a signed document, one version above the present) ──► service ── head (retained, signed) ──► devices
    admin ◄── `roster_changed`, with the present document: merged field by field, or told ──┘   pull ◄── pages ──┘

The service numbers and keeps documents; it can change none. A device takes what an admin has signed and what is newer
than what it holds, never what is older, and sees by the head whether something was kept from it: `deploy/ROSTER.md`.
"""
