"""A roster without a network: its service's book, admins who sign, and devices with real databases that read it."""

import json
import threading
import uuid
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime

from agent.config import load_config
from agent.config.people import Privacy
from agent.roster.biometrics import Site
from agent.roster.client import RosterClient
from agent.roster.document import sign
from agent.roster.edits import Editor
from agent.roster.messages import Answer, Head, Page, Pull
from agent.roster.registrar import Registrar
from agent.roster.service import RosterService
from agent.roster.taking import Taking
from agent.signing import open_signing
from agent.store.db import open_db
from agent.store.roster import reading
from agent.trust.keys import SigningKey
from tests.fakes.keys import KEY
from tests.fakes.trust import OWNER

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
SERVICE = SigningKey(bytes(range(40, 72)))
ENROLLER = SigningKey(bytes(range(80, 112)))
STRANGER = SigningKey(bytes(range(120, 152)))
ENCODER = "m1"
ALL = "hq/@all"


def document(object_="person/anna", version=1, body=None, *, key=OWNER, target=ALL, gone=False):
    given = None if gone else {"name": "Anna"} if body is None else body
    return sign(object_, version, target, given, key, NOW)


def admin_body(key, name, role, **more):
    return {"public": key.public.text, "name": name, "role": role, **more}


def admin_document(key, name, role, version=1, *, by=OWNER, target=ALL, **more):
    return document(f"admin/{key.public.id}", version, admin_body(key, name, role, **more), key=by, target=target)


class Book:
    """The service of the site "hq", asked by hand."""

    def __init__(self, db, key=SERVICE):
        self.registrar = Registrar(db, "hq", OWNER.public, key, now=lambda: NOW)

    def put(self, *documents):
        body = {"id": uuid.uuid4().hex, "documents": [each.as_json() for each in documents]}
        answer = Answer.model_validate_json(self.registrar.put(json.dumps(body).encode()))
        return answer.done if len(documents) > 1 else answer.done[0]

    def kept(self, *documents):
        for each in documents:
            done = self.put(each)
            assert done.ok, done
        return documents[-1]

    def ask(self, **more):
        return Answer.model_validate_json(self.registrar.ask(json.dumps({"id": "a1", **more}).encode()))

    def page(self, device, after, limit=100, groups=()):
        pull = Pull(id="p1", after=after, limit=limit, groups=groups)
        return Page.model_validate_json(self.registrar.pull(device, pull.to_json()))

    def head(self):
        return Head.model_validate(self.registrar.head())

    def editor(self, key=OWNER):
        return Editor(self.put, key, check=lambda _: None, now=lambda: NOW)


class Device:
    """A device of the site "hq" with a database of its own."""

    def __init__(
        self, folder, name="front", *, encoder=ENCODER, groups=(), consent=False, owner=OWNER, key=KEY, signs=True
    ):
        overrides = {"device.data_dir": folder / name, "device.site": "hq", "device.name": name, "roster.enabled": True}
        overrides |= {"device.groups": tuple(groups), "clock.synchronised_file": folder / "none" / "s"}
        overrides |= {"trust.owner": owner.public.text} if owner else {}
        self.config = load_config(None, overrides, {})
        self.name, self._stack = name, ExitStack()
        self.db = self._stack.enter_context(open_db(self.config.database_path, key=key))
        signing = open_signing(self.config, key) if signs else None
        self.taking = Taking(self.config, Site(encoder, Privacy(require_consent=consent), signing), "boot")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stack.close()

    def take(self, page, head=None):
        return self.taking.take(self.db, head or page.head, page.rows, NOW, more=page.more)

    def read(self, book, limit=100):
        """Reads to the end, as the puller does; returns how many documents came."""
        pages, rows = 0, 0
        while True:
            page = book.page(self.name, self.cursor, limit, self.taking.groups(self.db))
            rows += len(page.rows)
            pages += 1
            assert pages < 1000
            taken = self.take(page)
            if taken.done:
                assert taken.whole
                return rows

    def try_again(self, limit=100):
        after = self.taking.try_again(self.db, "", limit, NOW)
        while after:
            after = self.taking.try_again(self.db, after, limit, NOW)

    @property
    def cursor(self):
        return reading(self.db).cursor


def connected(client: RosterClient, wait_for):
    wait_for(lambda: client._line.connected, what="the client to be connected")


@contextmanager
def serving(settings, site, path):
    """The service of a site that OWNER owns, at a real broker, while it is asked; gives the owner's client."""
    closing = threading.Event()

    def run():
        with open_db(path) as db:
            service = RosterService(settings, Registrar(db, site, OWNER.public, SERVICE))
            while not closing.is_set():
                service.step(0.05)
            service.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        with RosterClient(settings, site, OWNER) as client:
            yield client
    finally:
        closing.set()
        thread.join(10)
