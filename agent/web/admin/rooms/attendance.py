"""What the view of attendance asks beyond the verbs."""

from __future__ import annotations

from starlette.routing import Route

from agent.web.admin.front import Front


def routes(front: Front) -> list[Route]:  # noqa: ARG001 - there is none yet
    """Returns what the view asks beyond the verbs."""
    return []
