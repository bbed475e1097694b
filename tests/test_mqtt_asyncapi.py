"""The AsyncAPI document is that of the models, whole in itself, and what AsyncAPI's own schema takes."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from agent.mqtt import asyncapi, contract, schema
from agent.mqtt.topics import Topics
from agent.mqtt.wire import COMMANDS

ROOT = Path(__file__).parents[1]
PYTHON = ROOT / ".contract" / "bin" / "python"
OFFICIAL = ROOT / ".contract" / "node_modules" / "@asyncapi" / "specs" / "schemas" / "3.0.0-without-$id.json"
DOCUMENT = asyncapi.document()


def references(value):
    if isinstance(value, dict):
        yield from ([value["$ref"]] if isinstance(value.get("$ref"), str) else [])
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def found(reference):
    """What a reference leads to; a file's schema where it is one."""
    file, _, path = reference.partition("#")
    here = json.loads((asyncapi.FILE.parent / file).read_text(encoding="utf-8")) if file else DOCUMENT
    for name in path.strip("/").split("/") if path else ():
        here = here[name]
    return here


def test_the_file_in_deploy_is_up_to_date(tmp_path, monkeypatch, capsys):
    assert asyncapi.main(["--check"]) == 0, "python -m agent.mqtt.asyncapi"
    monkeypatch.setattr(asyncapi, "FILE", tmp_path / "asyncapi.json")
    assert asyncapi.main(["--check"]) == 1
    assert "python -m agent.mqtt.asyncapi" in capsys.readouterr().err
    assert asyncapi.main([]) == 0
    assert asyncapi.main(["--what"]) == 2


def test_every_message_is_there_once_under_the_schema_of_its_name():
    payloads = [message["payload"].get("$ref") for message in DOCUMENT["components"]["messages"].values()]
    payloads += [part["$ref"] for part in DOCUMENT["components"]["schemas"].values()]
    assert sorted(filter(None, payloads)) == sorted(f"schema/{name}.json" for name in schema.MODELS)
    for name, message in DOCUMENT["components"]["messages"].items():
        if name in schema.MODELS:
            assert [example["payload"] for example in message["examples"]] == found(f"schema/{name}.json")["examples"]


def test_every_reference_leads_somewhere():
    assert all(found(reference) for reference in references(DOCUMENT))


def test_addresses_are_those_of_the_code_and_what_is_in_braces_is_explained():
    topics = Topics("{site}", "{device}")
    addresses = {channel["address"] for channel in DOCUMENT["channels"].values()}
    said = {topics.status, topics.health, topics.door, topics.passage, topics.event("access"), topics.credential}
    assert said | {topics.result("{verb}", "{id}")} <= addresses
    assert {f"latchkey/v1/{{site}}/{{target}}/cmd/{verb}" for verb in COMMANDS} <= addresses
    for channel in DOCUMENT["channels"].values():
        assert set(channel["parameters"]) == set(re.findall(r"{(\w+)}", channel["address"]))


def test_a_device_receives_commands_and_sends_the_rest_and_no_command_is_retained():
    for name, operation in DOCUMENT["operations"].items():
        incoming = name.startswith(("cmd-", "in-"))
        if name.startswith(("cmd-", "in-", "event-a", "status", "health", "state-")) and "ack" not in name:
            assert operation["action"] == ("receive" if incoming else "send"), name
        assert not (incoming and operation["bindings"]["mqtt"]["retain"]), name
        (message,) = operation["messages"]
        channel = found(operation["channel"]["$ref"])
        assert message["$ref"].rpartition("/")[2] in channel["messages"]
    assert DOCUMENT["operations"]["status"]["bindings"]["mqtt"]["retain"]


ROSTER = """
| roster topic | direction, as the service sees it | retained | body | schema |
|---|---|---|---|---|
| `head` | out | yes | how much there is | `status.json` |
| `put/<who>` | in | **never** | documents to keep | |

"""


def test_the_topics_of_a_service_have_their_own_table():
    page = contract.page()
    head, put = contract.rows(page + ROSTER)[len(contract.rows(page)) :]
    assert (head.topic, head.incoming, head.retained, head.service) == (
        "latchkey/v1/<site>/@roster/head", False, True, "roster",
    )  # fmt: skip
    assert (put.topic, put.incoming, put.schema) == ("latchkey/v1/<site>/@roster/put/<who>", True, None)


def wrong(*pairs):
    """What `jsonschema` has against documents, as [schema, documents]: lines that begin with the number of the pair."""
    command = [PYTHON, ROOT / "tests" / "homeassistant" / "check_documents.py"]
    told = json.dumps(pairs)
    done = subprocess.run(command, input=told, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def inlined(value):
    """The document with the schemas of files in the place of references to them."""
    if isinstance(value, dict):
        reference = value.get("$ref")
        if isinstance(reference, str) and not reference.startswith("#"):
            return {key: part for key, part in found(reference).items() if key not in ("$schema", "$id")}
        return {key: inlined(inner) for key, inner in value.items()}
    return [inlined(inner) for inner in value] if isinstance(value, list) else value


@pytest.mark.skipif(not OFFICIAL.exists(), reason=f"the official schema is not here: make contract ({OFFICIAL})")
def test_the_official_schema_takes_it_and_the_schemas_it_names():
    official = json.loads(OFFICIAL.read_text(encoding="utf-8"))
    assert wrong([official, [DOCUMENT, inlined(DOCUMENT)]]) == []
    assert wrong([official, [{**DOCUMENT, "channels": []}, {"asyncapi": "3.0.0"}]]) != []


@pytest.mark.skipif(not PYTHON.exists(), reason="jsonschema is not here: make contract")
def test_every_example_is_what_its_schema_file_says_and_a_command_with_a_strange_field_is_not():
    told = [json.loads(schema.render(name)) for name in schema.MODELS]
    assert wrong(*([each, each["examples"]] for each in told)) == []
    commands = [each for each in told if ":cmd-" in each["$id"]]
    strange = wrong(*([each, [{**each["examples"][0], "strange": 1}]] for each in commands))
    assert {int(line.split(":")[0]) for line in strange} == set(range(len(commands)))
