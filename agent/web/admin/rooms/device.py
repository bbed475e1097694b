"""What the views of the audit and of the device ask beyond the verbs: how it is, its models, a backup as one file."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from agent.backup import outgoing
from agent.config.shown import shown
from agent.health import HealthCheck
from agent.overview import overview
from agent.store.db import Db
from agent.upgrade.cards import cards
from agent.web.admin.front import Front
from agent.web.admin.query import LongAnswers, file_name
from agent.web.admin.rooms import audit, jobs, parts
from agent.web.admin.sessions import Session


def routes(front: Front) -> list[Route]:
    """Returns what the views ask beyond the verbs."""
    agent, bundle = front.agent, front.bundle
    config = agent.config
    checks, began = list[HealthCheck](), time.monotonic()  # one check, of the page's thread

    async def glance(_: Request, __: Session) -> Response:
        def look(db: Db) -> dict[str, object]:
            if not checks:
                checks.append(HealthCheck(config, db, boot_id=agent.boot_id, began=began))
            return overview(agent, bundle, db, checks[0])

        return JSONResponse(await front.read(look))

    async def pulse(_: Request, __: Session) -> Response:
        return JSONResponse({"samples": front.pulse.samples})

    async def models(_: Request, __: Session) -> Response:
        templates = agent.recogniser.known.gallery.templates
        return JSONResponse(await front.read(lambda db: cards(db, config, templates=templates)))

    async def configuration(_: Request, __: Session) -> Response:
        file = None if agent.file is None else str(agent.file)
        return JSONResponse({"file": file, "tables": await front.do(lambda: shown(config))})

    async def backup(request: Request, _: Session) -> Response:
        command_id = request.path_params["id"]
        file = await front.do(lambda: outgoing.waiting(config, command_id))
        name = file_name(config.device.site, config.device.name, f"{datetime.now(UTC):%Y-%m-%d}.backup")
        return FileResponse(file, filename=name, media_type="application/octet-stream")

    return [
        *audit.routes(front, LongAnswers()),
        *jobs.routes(front),
        *parts.routes(front),
        Route("/admin/api/device", front.signed("device", glance), methods=["GET"]),
        Route("/admin/api/device/pulse", front.signed("device", pulse), methods=["GET"]),
        Route("/admin/api/device/models", front.signed("models", models), methods=["GET"]),
        Route("/admin/api/device/configuration", front.signed("backup", configuration), methods=["GET"]),
        Route("/admin/api/device/backup/{id}", front.signed("backup_part", backup), methods=["GET"]),
    ]
