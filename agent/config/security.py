"""The table [security]."""

from __future__ import annotations

from agent.config.kinds import OptionalFile, Table


class Security(Table):
    """How what is kept of faces is protected: `deploy/SECURITY.md`."""

    key_file: OptionalFile = None  # the site's key; none: site.key in data_dir
    keep_crops: bool = False  # the pictures that templates were made from, sealed, so that a new encoder can see them
