"""Commands about people, from JSON to what is kept."""

import json

import pytest
from pydantic import ValidationError

from agent.clerks import Office
from agent.clerks.people import handlers
from agent.config import load_config
from agent.errors import CommandError
from agent.members.known import enrolled
from agent.mqtt.verbs.people import COMMANDS
from agent.mqtt.wire import explain
from agent.pins import check_pin
from agent.store import events
from agent.store.db import open_db
from agent.store.holders import load_register
from tests.fakes.keys import KEY
from tests.fakes.registers import NOW, add, audited


class Desk:
    """Takes commands as JSON."""

    def __init__(self, folder, db):
        self.db, self.changes = db, 0
        config = load_config(None, {"device.data_dir": folder, "privacy.consent_text": "notice 3"}, {})
        office = Office(config, db, lambda change: change(db), "boot", self._changed, lambda: NOW)
        self._handlers = handlers(office)

    def _changed(self):
        self.changes += 1

    def __call__(self, verb, **fields):
        body = json.dumps({"id": "c1", **fields})
        done = self._handlers[verb](COMMANDS[verb].model_validate_json(body))
        return json.loads(json.dumps(done))


@pytest.fixture
def desk(tmp_path):
    with open_db(tmp_path / "latchkey.db", key=KEY) as db:
        add(db, "anna", faces=(1, 2), name="Anna")
        yield Desk(tmp_path, db)


def test_every_verb_has_its_clerk(desk):
    assert desk._handlers.keys() == COMMANDS.keys()


def test_a_person_is_told_whole(desk):
    told = desk("person", person="anna")
    assert (told["id"], told["name"], told["templates"], told["cards"]) == ("anna", "Anna", 2, [])
    assert desk.changes == 0


def test_a_visitor_is_added(desk):
    day = {"valid_from": "2026-11-22T08:00:00+01:00", "valid_to": "2026-11-22T18:00:00+01:00"}
    done = desk("person_set", person="vera", create=True, name="Vera", groups=["visitors"], visitor=True, **day)
    assert (done["visitor"], done["groups"], done["valid_to"]) == (True, ["visitors"], "2026-11-22T17:00:00.000Z")
    assert desk.changes == 1


def test_what_is_left_out_stays_and_null_takes_away(desk):
    desk("person_set", person="anna", badge="1", groups=["a"], factors="card", notes="n", state="suspended")
    done = desk("person_set", person="anna", badge=None, name=None, groups=None, notes=None, state=None)
    assert (done["badge"], done["name"], done["groups"], done["notes"]) == (None, "Anna", ["a"], "n")
    assert (done["state"], done["factors"]) == ("suspended", "card")
    assert desk("person_set", person="anna", add_groups=["b"], remove_groups=["a"])["groups"] == ["b"]


def test_the_audit_says_who_asked(desk):
    desk("person_set", person="anna", badge="1")
    (event,) = events.recent(desk.db, 10)
    assert (event.body["by"], event.body["command_id"], event.at, event.boot_id) == ("mqtt", "c1", NOW, "boot")


def test_pins(desk):
    assert desk("pin_set", person="anna", pin="4711", duress="2806")["duress"] is True
    assert check_pin("2806", load_register(desk.db).people["anna"].duress)
    assert desk("pin_set", person="anna")["pin"] is False
    assert load_register(desk.db).people["anna"].pin is None
    with pytest.raises(CommandError, match="counts up or down"):
        desk("pin_set", person="anna", pin="1234")


def test_cards(desk):
    assert desk("card_add", person="anna", card="04:A2:2F:91:5B:80")["hint"] == "B80"
    assert desk("card_add", person="anna", card="1234 5678")["cards"] == 2
    assert desk("card_remove", person="anna", hint="78")["cards"] == 1
    assert desk("card_remove", person="anna", card="04a22f915b80")["cards"] == 0
    desk("card_add", person="anna", card="1234 5678")
    assert desk("card_remove", person="anna")["removed"] == 1


def test_consent(desk):
    assert desk("consent", person="anna", given=True)["text"] == "notice 3"
    done = desk("consent", person="anna", given=True, text="notice 4", by="reception")
    assert (done["text"], done["by"]) == ("notice 4", "reception")
    assert desk("consent", person="anna", given=False) == {"person": "anna", "templates": 2, "signatures": 0}


def test_merging_and_renaming(desk):
    add(desk.db, "anna2", faces=(3,))
    assert desk("merge", person="anna2", into="anna") == {"person": "anna", "was": "anna2", "templates": 3}
    assert desk("rename", person="anna", to="ann") == {"person": "ann", "was": "anna"}
    assert enrolled(desk.db, "ann").templates == 3


def test_undoing(desk):
    event = events.append(desk.db, "access", NOW, "b", {"person": "anna"})
    assert desk("undo", person="anna", event=str(event.seq), by="anna")["event"] == event.id
    assert audited(desk.db)[-1] == ("match_undone", "anna")


@pytest.mark.parametrize("verb", ["person", "person_set", "pin_set", "card_remove"])
def test_of_nobody(desk, verb):
    with pytest.raises(CommandError, match="nobody is enrolled as 'zoe'"):
        desk(verb, person="zoe")


@pytest.mark.parametrize(
    ("verb", "fields", "problem"),
    [
        ("person_set", {"state": "gone"}, "state: Input should be 'active', 'suspended'"),
        ("person_set", {"valid_to": "2026-11-22T08:00:00"}, "valid_to: "),
        ("person_set", {"groups": "staff"}, "groups: "),
        ("person_set", {"left_at": None}, "left_at: Extra inputs"),
        ("pin_set", {"pin": "47a1"}, "pin: want 4 to 12 digits"),
        ("pin_set", {"pin": 4711}, "pin: "),
        ("pin_set", {"duress": "2806"}, "a duress PIN is set together with the PIN"),
        ("card_add", {"card": ""}, "card: "),
        ("card_remove", {"card": "1234", "hint": "1"}, "card and hint exclude each other"),
        ("consent", {}, "given: Field required"),
        ("consent", {"given": True, "text": "a\n"}, "text: "),
        ("rename", {"to": "a b"}, "to: "),
    ],
)
def test_what_is_no_proper_command(desk, verb, fields, problem):
    with pytest.raises(ValidationError) as refused:
        desk(verb, person="anna", **fields)
    told = explain(refused.value)
    assert problem in told
    assert not {"47a1", "2806", "4711"} & set(told.replace(",", " ").split())


def test_secrets_do_not_show_in_a_command():
    for verb, secret in (("pin_set", {"pin": "471193", "duress": "280644"}), ("card_add", {"card": "471193"})):
        command = COMMANDS[verb].model_validate({"id": "c", "person": "anna", **secret})
        assert "471193" not in repr(command) + str(command)
