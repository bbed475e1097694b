"""`latchkey demo`: the real agent, a broker, a subscriber outside, and people who do not exist."""

from __future__ import annotations

import logging
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from rich.console import Console

from agent.app import Agent
from agent.cli.settings import camera_overrides
from agent.config import Config, load_config
from agent.demo.broker import Broker, embedded_broker
from agent.demo.outside import Outside, outside
from agent.demo.story import mistakes, read_story
from agent.demo.summary import summarise
from agent.demo.yourself import take_pictures
from agent.errors import EnrolmentRefused
from agent.mqtt.remote import Remote
from agent.mqtt.settings import LinkSettings
from agent.mqtt.topics import Topics
from agent.store import events
from agent.store.db import open_db
from agent.trust.keys import PublicKey, SigningKey
from agent.types import Decision, Outcome

YOURSELF = "you"
CONSENT = "demo"  # of people who do not exist, or who stand before the camera to try this
CAMERA_SECONDS = 30.0
MOST_EVENTS = 10_000
_SPOKEN = {5: "5", 311: "3.1.1"}
ARRIVAL_SECONDS = 10.0


def run_demo(camera: str | None, console: Console | None = None) -> int:
    """Runs the demo; returns 0 if the right people were let in and every event arrived, else 1.

    Args:
        camera: shows the bundled clip if None; else takes this camera, and enrols whoever stands before it.
        console: where to.

    Raises:
        LatchkeyError: something does not start.
    """
    logging.getLogger("agent").setLevel(logging.WARNING)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="latchkey-demo-")))
        broker = stack.enter_context(embedded_broker())
        key = SigningKey.new()  # the demo's owner, for as long as it lasts
        config = _config(folder, broker, camera, key.public)
        show = Show(config, broker, key, console or Console(highlight=False))
        return show.run(camera is None)


def _config(folder: Path, broker: Broker, camera: str | None, owner: PublicKey) -> Config:
    overrides: dict[str, object] = {
        "device.site": "demo",
        "device.name": "door",
        "device.data_dir": folder,
        "mqtt.host": broker.host,
        "mqtt.port": broker.port,
        "mqtt.protocol": broker.protocol,
        "door.pulse_seconds": 2.0,
        "trust.owner": owner.text,
    }
    overrides |= {"camera.backend": "demo"} if camera is None else camera_overrides(camera, None)
    return load_config(None, overrides, environ={"LATCHKEY_CONFIG": ""})


class Show:
    """One performance."""

    def __init__(self, config: Config, broker: Broker, key: SigningKey, console: Console) -> None:
        self.decisions: list[Decision] = []
        self._config, self._broker, self._key, self._console = config, broker, key, console
        self._topics = Topics(config.device.site, config.device.name)
        self._began = time.monotonic()

    def run(self, from_clip: bool) -> int:  # noqa: FBT001 - the only question there is
        """Returns the exit status."""
        broker = self._broker
        self._say(f"broker: {broker.name} on {broker.host}:{broker.port}, MQTT {_SPOKEN[broker.protocol]}")
        staff = self._staff() if from_clip else {YOURSELF: take_pictures(self._config, self._say)}
        with outside(broker, self._topics, self._heard) as subscriber:
            subscriber.wait_ready()
            agent = Agent(self._config, told=self._decided)
            with agent:
                self._perform(agent, staff, from_clip=from_clip)
            with open_db(self._config.database_path) as db:
                published = {event.seq for event in events.since(db, 0, MOST_EVENTS)}
            subscriber.wait_for(published, ARRIVAL_SECONDS)
            began = agent.visits.began
            wrong = mistakes(read_story(), self.decisions, began) if from_clip and began else []
            return self._conclude(agent, subscriber, published, wrong)

    def _staff(self) -> dict[str, list[bytes]]:
        return {p.id: [file.read_bytes() for file in p.pictures] for p in read_story() if p.role == "staff"}

    def _perform(self, agent: Agent, staff: dict[str, list[bytes]], *, from_clip: bool) -> None:
        settings = LinkSettings(host=self._broker.host, port=self._broker.port, protocol=self._broker.protocol)
        with Remote(settings, self._topics, self._key) as remote:
            remote.wait_ready()
            for person, photos in staff.items():
                result = remote.request("enrol", seconds=30.0, person=person, photos=photos, consent=CONSENT)
                if not result.ok:
                    raise EnrolmentRefused(str(result.code), f"{person} was not enrolled: {result.message}")
        agent.look()
        if from_clip:
            agent.wait()
        else:
            self._say(f"walk up to the camera; this ends in {CAMERA_SECONDS:g} s")
            time.sleep(CAMERA_SECONDS)

    def _conclude(self, agent: Agent, subscriber: Outside, published: set[int], wrong: list[str]) -> int:
        received = subscriber.seqs
        if received != published:
            wrong.append(f"{len(published)} events were recorded and {len(received)} arrived")
        if agent.recorder.lost:
            wrong.append(f"{agent.recorder.lost} events were lost")
        self._console.print(summarise(agent, self.decisions, published=len(published), received=len(received)))
        for problem in wrong:
            self._console.print(f"[bold red]wrong:[/] {problem}")
        if not wrong:
            self._console.print("[bold green]As it should be.[/]")
        return 1 if wrong else 0

    # Told by other threads

    def _decided(self, decision: Decision) -> None:
        self.decisions.append(decision)
        sighting = decision.sighting
        granted = decision.outcome is Outcome.GRANTED
        word = f"[bold green]door opens for {decision.person}[/]" if granted else "[bold yellow]door stays shut[/]"
        seen = f"; {sighting.shots} shots, {sighting.latency_ms:.0f} ms after the frame" if sighting else ""
        self._say(f"{word}: {decision.reason.value}, {decision.detail}{seen}")

    def _heard(self, topic: str, body: dict[str, Any]) -> None:
        name = topic.removeprefix(self._topics.prefix + "/")
        told = ("outcome", "reason", "action", "person", "state", "locked", "ok")
        words = ", ".join(f"{key}={body[key]}" for key in told if body.get(key) is not None)
        if name != "health":
            number = f" #{body['seq']}" if "seq" in body else ""
            self._say(f"  [dim]subscriber: {name}{number} {words}[/]")

    def _say(self, text: str) -> None:
        self._console.print(f"[dim]{time.monotonic() - self._began:5.1f} s[/]  {text}")
