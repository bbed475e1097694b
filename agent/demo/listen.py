"""A subscriber outside of the agent: a process of its own that prints what arrives, a JSON line each.

python -m agent.demo.listen PORT PROTOCOL SITE DEVICE
"""

from __future__ import annotations

import json
import sys
from queue import Empty
from typing import Literal, cast

from agent.mqtt.remote import Remote
from agent.mqtt.settings import LinkSettings
from agent.mqtt.topics import Topics

HOST = "127.0.0.1"


def main(arguments: list[str]) -> None:
    """Prints until the other end of the pipe is closed."""
    port, protocol, site, device = arguments
    settings = LinkSettings(host=HOST, port=int(port), protocol=cast("Literal[5, 311]", int(protocol)))
    with Remote(settings, Topics(site, device)) as remote:
        remote.wait_ready()
        _say({"ready": True})
        while True:
            try:
                message = remote.heard.get(timeout=0.5)
            except Empty:
                continue
            _say({"topic": message.topic, "body": json.loads(message.payload)})


def _say(line: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (KeyboardInterrupt, BrokenPipeError):
        sys.exit(0)
