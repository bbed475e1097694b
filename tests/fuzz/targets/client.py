"""What an admin's machine reads: what devices say, the files of its profile."""

from contextlib import ExitStack, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from agent.client import known
from agent.client.hearing import hear
from agent.client.profile import Profile
from agent.errors import ConfigError
from agent.mqtt.inbox import Incoming
from tests.fakes.trust import OWNER
from tests.fuzz.target import Target, split

LEVELS = ["status", "health", "event/access", "cmd/ping/c1/result", "cmd/enrol/c1/progress", "x"]


def heard(_stack: ExitStack):
    def feed(data):
        level, payload = split(data, LEVELS)
        topic = f"latchkey/v1/hq/front/{level}"
        for key_of in (lambda _: OWNER.public, lambda _: None):
            hear(Incoming(topic, payload, len(payload)), "hq", key_of)

    return feed


def profiles(stack: ExitStack):
    folder = Path(stack.enter_context(TemporaryDirectory(dir="/dev/shm")))

    def feed(data):
        (folder / "admin.toml").write_bytes(data)
        (folder / "devices.json").write_bytes(data)
        with suppress(ConfigError):
            Profile.read(folder)
        with suppress(ConfigError):
            known.read(folder / "devices.json")

    return feed


PROFILE = b'site = "hq"\nname = "anna"\n[broker]\nhost = "broker.local"\nport = 8883\n'
KNOWN = b'{"hq/front": "%s"}' % OWNER.public.text.encode()
TARGETS = (
    Target(
        "heard", heard, [b"\3" + b'{"id":"c1","verb":"ping","ok":true,"data":{}}', b'\0{"state":"online"}'], share=60
    ),
    Target("profiles", profiles, [PROFILE, KNOWN], share=10, longest=2048),
)
