"""What the views of the audit and of the device ask beyond the verbs: how it is, its models, a backup as one file."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from agent.backup import outgoing
from agent.config.shown import Setting, shown
from agent.health import HealthCheck
from agent.overview import Overview, overview
from agent.store.db import Db
from agent.upgrade.cards import CardsTold, cards
from agent.web.admin.front import Front
from agent.web.admin.operations import Operation
from agent.web.admin.rooms import audit, jobs, parts
from agent.web.admin.rooms.kept import file_name
from agent.web.admin.sessions import Session

FILE: Final = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Configured:
    """What the configuration says, as it counts now."""

    file: str | None  # that it was read from
    tables: dict[str, list[Setting]]


GLANCE: Final = Operation("GET", "device", "Which device it is, and how it is.", verb="device", result=Overview)
MODELS: Final = Operation(
    "GET",
    "device/models",
    "The models in force with their cards, and those before.",
    verb="models",
    result=CardsTold,
)
CONFIGURATION: Final = Operation(
    "GET", "device/configuration", "The configuration, without secrets.", verb="backup", result=Configured
)
BACKUP: Final = Operation(
    "GET", "device/backup/{id}", "The backup that a command has made, as one file.", verb="backup_part", result=FILE
)
OWN: Final = (GLANCE, MODELS, CONFIGURATION, BACKUP)
OPERATIONS: Final = (*audit.OPERATIONS, *jobs.OPERATIONS, *parts.OPERATIONS, *OWN)


def routes(front: Front) -> list[Route]:
    """Returns what the views ask beyond the verbs."""
    agent, bundle = front.agent, front.bundle
    config = agent.config
    checks, began = list[HealthCheck](), time.monotonic()  # one check, of the page's thread

    async def glance(_: Request, __: Session) -> Response:
        def look(db: Db) -> Overview:
            if not checks:
                checks.append(HealthCheck(config, db, boot_id=agent.boot_id, began=began))
            return overview(agent, bundle, db, checks[0])

        return GLANCE.answered(await front.read(look))

    async def models(_: Request, __: Session) -> Response:
        templates = agent.recogniser.known.gallery.templates
        return MODELS.answered(await front.beside.read(lambda db: cards(db, config, templates=templates)))

    async def configuration(_: Request, __: Session) -> Response:
        file = None if agent.file is None else str(agent.file)
        return CONFIGURATION.answered(Configured(file, shown(config)))

    async def backup(request: Request, _: Session) -> Response:
        command_id = request.path_params["id"]
        file = await front.do(lambda: outgoing.waiting(config, command_id))
        name = file_name(config.device.site, config.device.name, f"{datetime.now(UTC):%Y-%m-%d}.backup")
        return FileResponse(file, filename=name, media_type=FILE)

    return [
        *(route for room in (audit, jobs, parts) for route in room.routes(front)),
        GLANCE.route(front, glance),
        MODELS.route(front, models),
        CONFIGURATION.route(front, configuration),
        BACKUP.route(front, backup),
    ]
