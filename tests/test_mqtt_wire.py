"""Bodies of commands: what is taken, what is refused, and how that is explained."""

import base64
import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from agent.errors import EnrolmentRefused
from agent.mqtt.message import MAX_PARTS, MAX_PHOTOS, Code
from agent.mqtt.verbs.faces import EnrolCommand, RemoveCommand
from agent.mqtt.wire import COMMANDS, Result, explain, recover_id
from agent.person_id import check_person_id

ENROL = {"id": "7", "person": "anna"}


def parse(model, **body):
    return model.model_validate_json(json.dumps(body))


def test_photos_are_bytes_after_parsing_and_base64_in_json():
    photo = bytes(range(256))
    command = parse(EnrolCommand, **ENROL, photos=[base64.b64encode(photo).decode()])
    assert command.photos == (photo,)
    assert EnrolCommand.model_validate_json(command.to_json()) == command


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"id": "7"}, "person: Field required"),
        ({**ENROL, "surname": "x"}, "surname: Extra inputs are not permitted"),
        ({**ENROL, "id": "a/b"}, "id: "),
        ({**ENROL, "id": 7}, "id: "),
        ({**ENROL, "person": " anna"}, "person: "),
        ({**ENROL, "person": "a/b"}, "person: "),
        ({**ENROL, "person": "a\n"}, "person: "),
        ({**ENROL, "person": "Jürgen"}, "person: "),
        ({**ENROL, "person": ""}, "person: "),
        ({**ENROL, "person": "x" * 65}, "person: "),
        ({**ENROL, "name": "a\n"}, "name: "),
        ({**ENROL, "photos": ["not base64!"]}, "photos.0: Value error, not base64"),
        ({**ENROL, "photos": [5]}, "photos.0: "),
        ({**ENROL, "photos": "aGk="}, "photos: "),
        ({**ENROL, "photos": [""] * (MAX_PHOTOS + 1)}, "photos: "),
        ({**ENROL, "photos": ["aGk="], "parts": ["0" * 64]}, "exclude each other"),
        ({**ENROL, "parts": 2}, "parts: "),
        ({**ENROL, "parts": []}, "parts: "),
        ({**ENROL, "parts": ["0" * 63]}, "parts.0: "),
        ({**ENROL, "parts": ["0" * 64] * (MAX_PHOTOS + 1)}, "at most 20 photos"),
        ({**ENROL, "parts": ["0" * 64] * (MAX_PARTS + 1), "split": [MAX_PARTS + 1]}, "parts: "),
        ({**ENROL, "parts": ["0" * 64] * 3, "split": [1, 1]}, "want 3 parts in all, got 2"),
        ({**ENROL, "split": [1]}, "want 0 parts in all, got 1"),
        ({**ENROL, "replace": "yes"}, "replace: "),
        ({**ENROL, "not_after": "2026-11-22T06:00:00"}, "not_after: "),
        ({**ENROL, "not_after": 5}, "not_after: "),
        ({**ENROL, "not_after": "9999-12-31T23:59:59-12:00"}, "not_after: Value error, want a time in the years 1970"),
        ([], "body: "),
    ],
)
def test_what_is_not_a_proper_command_is_refused_and_explained(body, told):
    with pytest.raises(ValidationError) as refused:
        EnrolCommand.model_validate_json(json.dumps(body))
    assert told in explain(refused.value)


@pytest.mark.parametrize("name", ["Jürgen Müller", "日本", "Tim O'Neill"])
def test_names_in_any_script_are_taken(name):
    assert parse(EnrolCommand, **ENROL, name=name).name == name


@pytest.mark.parametrize("person", ["anna", "a.b-c_1", "7"])
def test_ids_of_people_are_those_of_the_rest_of_the_house(person):
    assert parse(RemoveCommand, id="7", person=check_person_id(person)).person == person


@pytest.mark.parametrize(("verb", "field"), [("rules", "version"), ("rules_apply", "expect"), ("audit", "after")])
def test_a_number_that_no_database_holds_is_refused(verb, field):
    with pytest.raises(ValidationError) as refused:
        COMMANDS[verb].model_validate_json(json.dumps({"id": "7", "text": "", field: 10**30}))
    assert f"{field}: Input should be less than or equal to" in explain(refused.value)


def test_an_explanation_never_repeats_what_was_sent():
    with pytest.raises(ValidationError) as refused:
        parse(EnrolCommand, **ENROL, photos=["secret!"])
    assert "secret" not in explain(refused.value)


@pytest.mark.parametrize(
    ("payload", "found"),
    [
        (b'{"id":"abc","person":5,"zz":1}', "abc"),
        (b'{"person":5}', None),
        (b'{"id":"a b"}', None),
        (b'{"id":5}', None),
        (b"[" * 100_000, None),
        (b'{"id":' * 50_000, None),
        (b"\xff\xfe", None),
        (b"", None),
    ],
)
def test_the_id_is_recovered_where_there_is_one(payload, found):
    assert recover_id(payload) == found


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode), st.sampled_from(sorted(COMMANDS)))
def test_any_bytes_are_either_a_command_or_a_validation_error(payload, verb):
    recover_id(payload)
    with contextlib.suppress(ValidationError):
        COMMANDS[verb].model_validate_json(payload)


def test_results_leave_out_what_is_not_there():
    assert json.loads(Result(id="7", verb="ping", ok=True).to_json()) == {"id": "7", "verb": "ping", "ok": True}


def test_every_reason_to_refuse_an_enrolment_is_a_code():
    text = EnrolmentRefused.__doc__ or ""
    named = {word for word in text.split("`") if word.replace("_", "").isalpha() and " " not in word}
    assert named
    assert named <= {str(code) for code in Code}


@pytest.mark.parametrize(
    ("verb", "arguments", "words"),
    [
        ("person", {"person": "Ada Byron"}, "person: want 1 to 64 of A-Z"),
        ("key_revoke", {"id_of": "ben"}, "id_of: want 16 digits of 0-9 and a-f"),
        ("report", {"month": "november"}, "month: want a month, as in 2026-11"),
    ],
)
def test_what_was_typed_wrong_is_said_in_words_not_as_a_pattern(verb, arguments, words):
    with pytest.raises(ValidationError) as refused:
        COMMANDS[verb].model_validate({"id": "1", **arguments})
    assert explain(refused.value).startswith(words)
    assert "pattern" not in explain(refused.value)
