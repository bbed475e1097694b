"""A device that says what a test wants it to: for what the client has to bear."""

import json
from contextlib import contextmanager

from agent.mqtt.line import Line
from agent.mqtt.settings import LinkSettings
from agent.mqtt.telemetry import Status
from agent.mqtt.topics import Topics
from agent.trust.statement import canonical, signed_news


class Device:
    """Answers commands by `answers[verb](body)`, a dictionary or None; signs what it says where it has a key."""

    def __init__(self, port, name, *, site="hq", groups=(), key=None, **answers):
        self.topics, self.key, self.answers = Topics(site, name, tuple(groups)), key, answers
        self.told, self.parts = [], {}  # bodies of commands by verb; parts by topic
        self.line = Line(LinkSettings("127.0.0.1", port), self.topics.subscriptions, self._hear)

    def say(self, level, body, *, key=None, retain=False):
        topic = f"{self.topics.prefix}/{level}"
        key = key or self.key
        body = signed_news(topic, body | {"device_key": key.public.id}, key) if key else body
        self.line.send(topic, canonical(body), retain=retain)

    def status(self, state, **more):
        told = Status(state=state, boot_id="b", version="1.0", model="m", groups=self.topics.groups)
        self.say("status", json.loads(told.to_json()) | more, retain=True)

    def result(self, verb, id_, *, key=None, **said):
        self.say(f"cmd/{verb}/{id_}/result", {"id": id_, "verb": verb} | said, key=key)

    def progress(self, verb, id_, **said):
        self.say(f"cmd/{verb}/{id_}/progress", {"id": id_, "verb": verb} | said)

    def _hear(self, message):
        levels = message.topic.split("/")
        if "part" in levels:
            self.parts[message.topic] = message.payload
            return
        verb, body = levels[-1], json.loads(message.payload)
        self.told.append((verb, body))
        answer = self.answers.get(verb, lambda _: {"ok": False, "code": "unknown_verb", "message": "no such"})(body)
        if answer is not None:
            self.result(verb, body["id"], **answer)


@contextmanager
def device(port, name, **more):
    """One that is online while the context lasts."""
    made = Device(port, name, **more)
    with made.line:
        made.line.wait_ready()
        made.status("online")
        made.line.wait_taken()
        yield made
