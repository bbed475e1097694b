"""How people sign, from one device of a site to another: sealed all the way, and of no use to any other."""

import base64

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.clerks import Office
from agent.clerks.signatures import handlers
from agent.config import Config, load_config
from agent.errors import CommandError
from agent.mqtt.verbs.signatures import COMMANDS
from agent.signing import open_signing
from agent.store.db import open_db
from agent.store.sealing import Whose
from agent.store.signatures import TABLE, load_signatures, put_signatures
from agent.types import Embedding
from tests.fakes.keys import KEY, OTHER
from tests.fakes.registers import NOW, add, audited

ENCODER = "latchkey-signature-online-1-ff05e4fc"


class Device:
    """A database, and the clerk who answers for it."""

    def __init__(self, folder, key=KEY, **configured):
        self.config = load_config(None, {"device.data_dir": folder} | configured, {})
        self.db = open_db(self.config.database_path, key=key)
        add(self.db, "anna")
        self.work = None
        office = Office(self.config, self.db, lambda change: change(self.db), "boot", lambda: None, lambda: NOW)
        self.handlers = handlers(office, open_signing(Config(), key), jobs=self, live=self)

    def handler(self, *_, **__):
        """No job is asked for here."""

    def ask(self, verb, **fields):
        return self.handlers[verb](COMMANDS[verb].model_validate({"id": "c1", "person": "anna"} | fields, strict=False))

    def take(self, told, **more):
        return self.ask("enrol_signature_templates", **told | {"consent": "notice 3"} | more)

    def refused(self, told, **more):
        with pytest.raises(CommandError) as refused:
            self.take(told, **more)
        return refused.value.code


def unit(seed, dimension=64):
    vector = np.random.default_rng(seed).normal(size=dimension)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


@pytest.fixture
def device(tmp_path):
    made = []

    def device(name, **options):
        made.append(Device(tmp_path / name, **options))
        return made[-1]

    yield device
    for each in made:
        each.db.close()


@pytest.fixture
def front(device):
    front = device("front")
    model = KEY.model(ENCODER)
    put_signatures(front.db, "anna", [Embedding(unit(seed), model) for seed in (1, 2, 3)], NOW)
    return front


def signs(device, key=KEY):
    return load_signatures(device.db, key.model(ENCODER))


def test_they_are_the_same_at_the_other_door_and_both_say_so(front, device):
    told, back = front.ask("signature_templates"), device("back")
    assert back.take(told) == {"person": "anna", "signatures": 3, "replaced": 0}
    assert (signs(back)["anna"].vectors == signs(front)["anna"].vectors).all()
    assert audited(front.db)[-1] == ("signatures_exported", "anna")
    assert audited(back.db)[-1] == ("signature_enrolled", "anna")
    assert unit(1).tobytes() not in b"".join(base64.b64decode(each) for each in told["vectors"])


def test_who_never_signed_has_none_to_give(front):
    front.ask("signature_remove")
    assert front.ask("signature_templates")["vectors"] == []


def test_of_another_encoder_key_or_person_they_are_refused(front, device):
    told, back = front.ask("signature_templates"), device("back")
    add(back.db, "ben")
    assert back.refused(told | {"model": "s9"}) == "other_model"
    assert back.refused(told, person="ben") == "damaged"
    assert device("elsewhere", key=OTHER).refused(told) == "other_site_key"
    assert device("elsewhere2", key=OTHER).refused(told | {"site_key": OTHER.id}) == "damaged"
    assert signs(back) == {}


def test_nothing_is_kept_of_who_is_not_there_or_does_not_agree(front, device):
    told, back = front.ask("signature_templates"), device("back")
    assert back.refused(told, consent=None) == "no_consent"
    back.db.rows("DELETE FROM people")
    assert back.refused(told) == "unknown_person"


@pytest.mark.parametrize(
    "raw",
    [b"", b"123", np.full(64, np.nan, "<f4").tobytes(), np.ones(64, "<f4").tobytes(), unit(1, 65).tobytes()],
    ids=["nothing", "no numbers", "NaN", "not of unit length", "of another length"],
)
def test_what_is_no_signature_is_never_compared(front, raw):
    vector, _ = Whose("anna", ENCODER, TABLE).close(front.db.seal, raw)
    told = front.ask("signature_templates") | {"vectors": [base64.b64encode(vector).decode()]}
    assert front.refused(told) == "damaged"
    assert len(signs(front)["anna"].vectors) == 3


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_is_changed_on_the_way_does_not_open(front, data):
    told = front.ask("signature_templates")
    vector = bytearray(base64.b64decode(told["vectors"][1]))
    vector[data.draw(st.integers(0, len(vector) - 1))] ^= data.draw(st.integers(1, 255))
    told["vectors"][1] = base64.b64encode(bytes(vector)).decode()
    assert front.refused(told) == "damaged"
