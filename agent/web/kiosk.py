"""The kiosk's side of the agent: server, news and intake, made from the configuration."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from agent.bundle import Bundle
from agent.store.db import open_db
from agent.types import Credential
from agent.web.assets import check_language, languages
from agent.web.audience import Audience
from agent.web.consent import load_texts
from agent.web.herald import Herald, Sources
from agent.web.identity import kiosk_identity
from agent.web.intake import Intake, Signed
from agent.web.mirror import Mirror
from agent.web.screens import Screens
from agent.web.server import WebServer
from agent.web.site import Site

if TYPE_CHECKING:
    from datetime import datetime

    from agent.app import Agent
    from agent.types import Floats


class Kiosk:
    """Two workers' steps and a server. A context: entering serves, leaving stops.

    Raises:
        ConfigError: the address is in use or another's to see without encryption, or the language is not there.
    """

    def __init__(self, agent: Agent, bundle: Bundle) -> None:
        told, identity = agent.config.web, kiosk_identity(agent.config)
        check_language(told.language)
        texts = load_texts(told.consent_file, languages(), told.language)
        about: dict[str, Any] = {
            "boot": agent.boot_id,
            "language": told.language,
            "languages": languages(),
            "scramble": told.scramble,
            "theme": told.theme,
            "picture": told.picture,
            "sound": told.sound,
            "reach": told.reach,
            "consent": {"name": agent.config.privacy.consent_text, "languages": [*texts]},
        }
        self._stack = ExitStack()
        self._audience, self._mirror, self._studio = Audience(), Mirror(), agent.studio
        self._intake = Intake(agent.porch.entrance.showed, _signed(agent))
        sources = Sources(
            entrance=agent.porch.entrance,
            door=agent.porch.doorman.report,
            online=lambda: agent.desk is None or agent.desk.link.connected,
            face=self._mirror.told,
        )
        with ExitStack() as stack:
            db = stack.enter_context(open_db(agent.config.database_path, key=bundle.key))
            site = Site(
                self._audience,
                self._intake,
                self._mirror if told.picture == "live" else None,
                answer=lambda number, agreed: agent.studio.answer(number, agreed=agreed),
                consents=texts,
                screens=self._screens(agent, stack) if identity else None,
            )
            app = site.app(told.host, *agent.config.admin.names)
            self._server = WebServer(app, told.host, told.port, agent.crashed, identity=identity)
            self._stack = stack.pop_all()
        self._herald = Herald(agent.config, sources, db, self._audience, about)
        agent.onlookers.saw.append(self._mirror.saw)
        agent.onlookers.decided.append(self._herald.decided)
        agent.onlookers.recorded.append(self._herald.recorded)

    def _screens(self, agent: Agent, stack: ExitStack) -> Screens:
        db = stack.enter_context(open_db(agent.config.database_path))
        return Screens(db, agent.recorder.write, agent.boot_id, agent.porch.entrance.clock)

    def __enter__(self) -> Self:
        self._studio.guide = self._herald.guided
        self._herald.tell_state()
        self._stack.enter_context(self._server)
        self._stack.callback(self._audience.close)  # first: open streams would keep the server
        self._stack.callback(self._mirror.close)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stack.close()

    def work(self) -> list[tuple[str, Callable[[], None]]]:
        """Returns workers to be: name and step."""
        return [("herald", self._herald.step), ("intake", self._intake.step)]


def _signed(agent: Agent) -> Signed | None:
    """Returns what hands a signature to who is being enrolled, or to the door; None where no encoder is installed."""
    signing = agent.knowledge.signing
    if signing is None:
        return None

    def hand_on(trace: Floats, session: int | None, at: datetime) -> None:
        signature = signing.encode(trace)  # what the pen did ends here
        if session is None:
            agent.porch.entrance.showed(Credential(at, signature=signature))
        else:
            agent.studio.sign(session, signature)

    return hand_on
