"""A person from one device to others: what each takes, and what one that is older or has no encoder leaves."""

import pytest

from agent.client.answers import Result
from agent.client.bulk import Manner
from agent.client.handover import copy
from agent.errors import CommandError

FACES = {"person": "anna", "name": "Anna", "model": "m1", "site_key": "0" * 8, "templates": [{"vector": "AQ3p"}]}
SIGNED = {"person": "anna", "model": "s1", "site_key": "0" * 8, "vectors": ["AQ3p", "AQ3q"]}


class Line:
    """Devices that answer a verb with data, or refuse it with a code; remembers what they were asked."""

    def __init__(self, **answers):
        self.answers, self.asked = answers, []

    def ask(self, device, verb, *, wait_seconds, **arguments):
        self.asked.append((device, verb, arguments))
        said = self.answers[device].get(verb, "unknown_verb")
        if isinstance(said, str):
            return Result(device, verb, "c1", ok=False, code=said, message="no")
        return Result(device, verb, "c1", ok=True, data=said)

    def ask_all(self, devices, verb, *, wait_seconds, **arguments):
        return {device: self.ask(device, verb, wait_seconds=wait_seconds, **arguments) for device in devices}


SOURCE = {"templates": FACES, "signature_templates": SIGNED}
TAKES = {"enrol_templates": {"person": "anna", "templates": 1}, "enrol_signature_templates": {"signatures": 2}}


def copied(target, source=SOURCE, **options):
    line = Line(front=source, side=target)
    return copy(line, "anna", "front", ["side"], Manner(consent="notice 3", replace=True), **options)["side"], line


def test_face_and_signatures_arrive():
    result, line = copied(TAKES, name="Anna B.")
    assert (result.ok, result.data) == (True, {"person": "anna", "templates": 1, "signatures": 2})
    (_, _, faces), (_, _, signed) = line.asked[-2:]
    assert faces == FACES | {"name": "Anna B.", "consent": "notice 3", "replace": True}
    assert signed == SIGNED | {"consent": "notice 3"}


@pytest.mark.parametrize("code", ["unknown_verb", "no_encoder"])
def test_a_device_that_compares_none_takes_the_rest(code):
    result, _ = copied(TAKES | {"enrol_signature_templates": code})
    assert (result.ok, "signatures" in result.data) == (True, False)
    result, line = copied(TAKES, source={"templates": FACES, "signature_templates": code})
    assert (result.ok, line.asked[-1][1]) == (True, "enrol_templates")


def test_who_never_signed_is_not_asked_about_again():
    _, line = copied(TAKES, source=SOURCE | {"signature_templates": SIGNED | {"vectors": []}})
    assert line.asked[-1][1] == "enrol_templates"


def test_what_is_refused_is_told():
    assert copied(TAKES | {"enrol_signature_templates": "other_model"})[0].code == "other_model"
    result, line = copied(TAKES | {"enrol_templates": "no_consent"})
    assert (result.code, line.asked[-1][1]) == ("no_consent", "enrol_templates")  # nobody signs who is not there
    with pytest.raises(CommandError):
        copied(TAKES, source=SOURCE | {"signature_templates": "not_permitted"})
