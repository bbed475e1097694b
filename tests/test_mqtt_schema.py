"""The schemas in deploy/ are those of the models, and `--check` says so."""

import json
from datetime import datetime, timedelta

import pytest

from agent.attendance.punch import Clock
from agent.mqtt import contract, schema
from agent.mqtt.admission import Admission
from agent.mqtt.envelope import Envelope
from agent.mqtt.message import Command
from agent.mqtt.wire import COMMANDS
from agent.trust.keys import Admin
from agent.trust.roles import Role


def test_the_files_in_deploy_are_up_to_date():
    assert schema.differing(schema.FOLDER) == []
    assert schema.main(["--check"]) == 0


def test_write_then_nothing_differs_and_strangers_are_removed(tmp_path):
    (tmp_path / "old.json").write_text("{}")
    schema.write(tmp_path)
    assert schema.differing(tmp_path) == []
    assert {path.stem for path in tmp_path.iterdir()} == set(schema.MODELS)


def test_a_changed_file_is_named(tmp_path, monkeypatch, capsys):
    schema.write(tmp_path)
    (tmp_path / "result.json").write_text("{}")
    monkeypatch.setattr(schema, "FOLDER", tmp_path)
    assert schema.main(["--check"]) == 1
    assert "result.json" in capsys.readouterr().err
    assert schema.main([]) == 0


def test_unknown_arguments_are_explained(capsys):
    assert schema.main(["--help-me"]) == 2
    assert "usage" in capsys.readouterr().err


BETWEEN_DOORS = {"passage", "state-zone"}  # the other one may be newer


@pytest.mark.parametrize("name", schema.MODELS)
def test_no_schema_allows_unknown_fields_but_those_between_doors(name):
    found = json.loads(schema.render(name)).get("additionalProperties", True)
    assert found is (name in BETWEEN_DOORS)


EXAMPLES = contract.examples(contract.page())


@pytest.mark.parametrize("name", schema.MODELS)
def test_a_schema_is_versioned_and_has_the_examples_of_the_page(name):
    found = json.loads(schema.render(name))
    assert found["$id"] == f"urn:latchkey:v1:{name}"
    assert found["examples"] == EXAMPLES[name] != []


@pytest.mark.parametrize(
    ("name", "verb", "role"),
    [
        *((f"cmd-{verb}", verb, Role.OWNER) for verb in COMMANDS),
        ("in-credential", "credential", Role.READER),
        ("event-ack", "event_ack", Role.COLLECTOR),
    ],
)
def test_the_schema_of_what_is_signed_is_of_what_is_on_the_wire_and_its_examples_are_admitted(name, verb, role):
    found = json.loads(schema.render(name))
    assert set(Envelope.model_fields) <= set(found["properties"])
    assert set(found["required"]) >= {"id", "target", "issued", "not_after", "key", "signature"}
    admin = Admin(contract.EXAMPLE_KEY.public, "example", role)
    door = Admission(lambda: [contract.EXAMPLE_TARGET], {admin.key.id: admin}.get, lambda: Clock.SYNCHRONISED)
    for example in found["examples"]:
        at = datetime.fromisoformat(example["issued"]) + timedelta(seconds=1)
        admitted = door.admit(verb, json.dumps(example).encode(), at)
        assert issubclass(schema.MODELS[name], Command)
        schema.MODELS[name].model_validate_json(admitted.arguments)


def test_the_key_of_the_examples_is_that_of_rfc_8032():
    public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    assert contract.EXAMPLE_KEY.public.raw.hex() == public
