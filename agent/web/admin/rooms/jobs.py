"""How far what takes long is: asked again and again, so it is read here, and no answer is kept as with the verbs."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from agent.jobs.told import found
from agent.store import jobs as store
from agent.web.admin.front import Front
from agent.web.admin.sessions import Session

SHOWN: Final = 20


def routes(front: Front) -> list[Route]:
    """Returns what tells of jobs."""

    async def recent(_: Request, __: Session) -> Response:
        jobs = await front.read(lambda db: store.recent(db, SHOWN))
        return JSONResponse({"jobs": [job.as_json() for job in jobs]})

    async def one(request: Request, _: Session) -> Response:
        job = await front.read(lambda db: found(db, request.path_params["id"]))
        return JSONResponse(job.as_json())

    return [
        Route("/admin/api/jobs", front.signed("jobs", recent), methods=["GET"]),
        Route("/admin/api/jobs/{id}", front.signed("job", one), methods=["GET"]),
    ]
