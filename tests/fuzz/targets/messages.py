"""What comes over MQTT: commands, photos in parts, cards and PINs, other doors, results, Home Assistant."""

import json
import re
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

from pydantic import ValidationError

from agent.config.homeassistant import HomeAssistant
from agent.errors import CommandError
from agent.homeassistant.discovery import Discovery
from agent.mqtt.commands import Commander
from agent.mqtt.inbox import Incoming
from agent.mqtt.pair import PairAnswer
from agent.mqtt.parts import Spool
from agent.mqtt.telemetry import Status
from agent.mqtt.topics import Topics
from agent.mqtt.wire import COMMANDS, Result
from agent.peers import Peers
from agent.seal.keys import SiteKey
from agent.seal.sealing import Seal
from agent.trust.keys import PublicKey, unpacked
from agent.trust.statement import canonical, command_text, read_json, signed_news
from tests.fakes.trust import OWNER, READER, admission, signed
from tests.fuzz.target import Target, split

TOPICS = Topics("hq", "front", ("doors",), ("homeassistant/status",))
NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
VERBS = [*COMMANDS, "nothing"]
PAGE = (Path(__file__).parents[3] / "deploy" / "MQTT.md").read_text(encoding="utf-8")
EXAMPLES = [
    (name, body.encode()) for name, body in re.findall(r"<!-- ([\w-]+)\.json -->\n```json\n(.*?)```", PAGE, re.DOTALL)
]
COMMAND_SEEDS = [
    bytes([VERBS.index(name.removeprefix("cmd-"))]) + body for name, body in EXAMPLES if name.startswith("cmd-")
]


class Wire:
    """Stands in for the link: one message at a time; what is answered has to be a result."""

    def __init__(self):
        self.topics, self.inbox, self.message, self.answers = TOPICS, self, None, 0

    def get(self, _seconds):
        message, self.message = self.message, None
        return message

    def send(self, message):
        if message.topic.startswith(f"{TOPICS.pair}/"):
            PairAnswer.model_validate_json(message.payload)
        else:
            Result.model_validate_json(message.payload)
            assert TOPICS.may_answer_on(message.topic), message.topic
        self.answers += 1


def commander(stack: ExitStack):
    """Carries out nothing; but everything up to that is real."""
    wire, kept = Wire(), {}
    folder = Path(stack.enter_context(TemporaryDirectory()))
    made = Commander(
        wire,
        {verb: lambda _: {} for verb in COMMANDS},
        admission=admission(TOPICS),
        spool=Spool(folder / "parts", Seal(SiteKey(bytes(32)))),
        recall=kept.get,
        remember=lambda *_: None,
        now=lambda: NOW,
        clock=count().__next__,  # each refusal is answered
    )
    return wire, made


def commands(stack: ExitStack):
    """The whole payload as it comes, on the topic of a verb."""
    wire, made = commander(stack)

    def feed(data):
        verb, payload = split(data, VERBS)
        wire.message, wire.answers = Incoming(TOPICS.command(verb), payload, len(payload)), 0
        made.step()
        assert wire.answers == 1

    return feed


def bodies(stack: ExitStack):
    """What can be signed is: the bodies of verbs are behind the signature."""
    wire, made = commander(stack)

    def feed(data):
        verb, payload = split(data, VERBS)
        with suppress(ValueError):
            payload = signed(TOPICS, verb, read_json(payload), NOW)
        wire.message, wire.answers = Incoming(TOPICS.command(verb), payload, len(payload)), 0
        made.step()
        assert wire.answers == 1

    return feed


def statements(_stack: ExitStack):
    """What is signed means the same to every parser, and no two messages share a signature by chance."""

    def feed(data):
        with suppress(ValueError):
            body = read_json(data)
            written = canonical(body)
            assert canonical(read_json(written)) == written
            assert json.loads(written) == body
            assert command_text("a", body) != command_text("b", body)
        with suppress(ValueError):
            PublicKey.parse(data.decode("latin-1"))
        with suppress(ValueError):
            unpacked(data.decode("latin-1"), 64)

    return feed


def topics(stack: ExitStack):
    """Topics of any text, with a payload: parts, credentials, births, and what is none of ours."""
    wire, made = commander(stack)

    def feed(data):
        topic, _, payload = data.partition(b"\0")
        said = topic.decode("utf-8", errors="replace").replace("^", TOPICS.prefix)
        TOPICS.peer(said)
        TOPICS.may_answer_on(said)
        wire.message, wire.answers = Incoming(said, payload, len(payload)), 0
        made.step()
        assert wire.answers <= 1

    return feed


def credentials(stack: ExitStack):
    """What can be signed is, by a reader: the card or PIN is behind the signature."""
    wire, made = commander(stack)

    def feed(data):
        with suppress(ValueError):
            data = signed(TOPICS, "credential", read_json(data), NOW, READER)
        wire.message, wire.answers = Incoming(TOPICS.credential, data, len(data)), 0
        made.step()
        assert wire.answers == 0

    return feed


def peers(_stack: ExitStack):
    ear = SimpleNamespace(connected=True, listen=lambda _devices, heard: setattr(ear, "heard", heard))
    made = Peers(TOPICS)
    made.hear_by(ear, lambda _: None)
    made.listen_to({"side"})
    made.know({"side": OWNER.public})
    levels = ["status", "state/door", "state/zone", "passage"]

    def feed(data):
        level, payload = split(data, levels)
        with suppress(ValueError):
            payload = canonical(signed_news(f"latchkey/v1/hq/side/{level}", read_json(payload), OWNER))
        ear.heard(Incoming(f"latchkey/v1/hq/side/{level}", payload, len(payload)))
        assert made.silent() <= {"side"}
        assert made.open() <= {"side"}

    return feed


def answers(_stack: ExitStack):
    """What a client hears of devices: results and status."""

    def feed(data):
        model, payload = split(data, [Result, Status])
        with suppress(ValidationError, CommandError):
            model.model_validate_json(payload)

    return feed


def births(stack: ExitStack):
    """What Home Assistant says of itself."""
    folder = Path("/nonexistent")
    config = SimpleNamespace(homeassistant=HomeAssistant(enabled=True), device=SimpleNamespace(data_dir=folder))
    said = []
    made = Discovery(config, TOPICS, said.append, clock=lambda: 1e9)

    def feed(data):
        made._told = 0.0
        made.born(data)
        assert len(said) == (data == b"online")
        said.clear()

    return feed


def _told(name):
    return [body for found, body in EXAMPLES if found == name]


LEVELS = ("status", "state-door", "state-zone", "passage")
TOPIC_SEEDS = [
    b"^/cmd/enrol/c1/part/1/2\0x", b"^/cmd/ping\0{}", b"^/in/credential\0{}", b"homeassistant/status\0online",
    b"latchkey/v1/hq/@all/cmd/lock\0{}", b"latchkey/v1/hq/@doors/cmd/lock\0{}", b"^/cmd/x/y/result\0",
    b"latchkey/v1/hq/side/state/zone\0{}", b"^/pair\0{}", b'^/event/ack\0{"through":1}',
]  # fmt: skip
TARGETS = (
    Target("commands", commands, COMMAND_SEEDS, share=60),
    Target("bodies", bodies, COMMAND_SEEDS, share=40),
    Target("statements", statements, [body for _, body in EXAMPLES], share=60),
    Target("topics", topics, TOPIC_SEEDS, share=120, longest=512),
    Target("credentials", credentials, _told("in-credential"), share=120, longest=512),
    Target("peers", peers, [bytes([n]) + each for n, name in enumerate(LEVELS) for each in _told(name)], share=120),
    Target("answers", answers, [b"\0" + each for each in _told("result")] + [b"\1" + _told("status")[0]], share=120),
    Target("births", births, [b"online", b"offline"], share=5, longest=64),
)
