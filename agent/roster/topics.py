"""The topics of the roster of a site: `latchkey/v1/<site>/@roster/...`. No device is called so: see `TopicLevel`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from agent.mqtt.topics import ROOT

WHO_ASKS: Final = ("put", "pull", "ask")


@dataclass(frozen=True, slots=True)
class RosterTopics:
    """Where the service, its clients and the devices of a site meet. `who` is a device's name, or a client's."""

    site: str

    @property
    def prefix(self) -> str:
        """What all begin with, without a slash at the end."""
        return f"{ROOT}/{self.site}/@roster"

    @property
    def head(self) -> str:
        """How much there is; retained."""
        return f"{self.prefix}/head"

    def put(self, who: str) -> str:
        """Where documents are sent to be kept."""
        return f"{self.prefix}/put/{who}"

    def ask(self, who: str) -> str:
        """Where an admin asks what there is."""
        return f"{self.prefix}/ask/{who}"

    def answer(self, who: str) -> str:
        """Where `put` and `ask` are answered."""
        return f"{self.prefix}/answer/{who}"

    def pull(self, who: str) -> str:
        """Where a device asks for what is new."""
        return f"{self.prefix}/pull/{who}"

    def page(self, who: str) -> str:
        """Where that is answered."""
        return f"{self.prefix}/page/{who}"

    @property
    def of_service(self) -> tuple[str, ...]:
        """What the service listens to."""
        return tuple(f"{self.prefix}/{what}/+" for what in WHO_ASKS)

    def asked(self, topic: str) -> tuple[str, str] | None:
        """Returns what is asked, `put`, `pull` or `ask`, and by whom; None where it is none of these."""
        what, _, who = topic.removeprefix(f"{self.prefix}/").partition("/")
        return (what, who) if topic.startswith(f"{self.prefix}/") and what in WHO_ASKS and who else None
