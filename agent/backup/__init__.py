"""Backups: everything that makes a device, in one file that only its owner opens; and the way back.

    keys ──► stream (encrypts)     content (what, in which order)     making ──► file
    file ──► staging (opens, checks, lays beside) ──► restoring (puts in place, all or nothing)

`deploy/UPGRADES.md` documents the format.
"""
