"""How far what takes long is: asked again and again, so it is read here, and no answer is kept as with the verbs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from agent.jobs.job import JobTold
from agent.jobs.told import found
from agent.store import jobs as store
from agent.web.admin.front import Front
from agent.web.admin.operations import Operation
from agent.web.admin.sessions import Session

SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Recent:
    """The jobs that were accepted last, as the verb `job` tells each."""

    jobs: list[JobTold]


RECENT: Final = Operation("GET", "jobs", "The jobs that were accepted last.", verb="jobs", result=Recent)
ONE: Final = Operation("GET", "jobs/{id}", "How far a job is.", verb="job", result=JobTold)
OPERATIONS: Final = (RECENT, ONE)


def routes(front: Front) -> list[Route]:
    """Returns what tells of jobs."""

    async def recent(_: Request, __: Session) -> Response:
        jobs = await front.read(lambda db: store.recent(db, SHOWN))
        return RECENT.answered(Recent([job.as_json() for job in jobs]))

    async def one(request: Request, _: Session) -> Response:
        job = await front.read(lambda db: found(db, request.path_params["id"]))
        return ONE.answered(job.as_json())

    return [RECENT.route(front, recent), ONE.route(front, one)]
