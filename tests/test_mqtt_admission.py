"""Whose commands are carried out: every way to be refused, and no change of a signed command that goes unseen."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.attendance.punch import Clock
from agent.errors import CommandError
from agent.mqtt.admission import LONGEST, MOST_VALUES, SKEW, Admission
from agent.mqtt.message import Code
from agent.mqtt.topics import Topics
from agent.trust.keys import Admin, SigningKey, packed
from agent.trust.roles import VERBS, Role, may
from agent.trust.statement import canonical
from tests.fakes.trust import OWNER, admission, signed

NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
TOPICS = Topics("hq", "door", ("entrances",))
ANNA, BEN, GONE, NOBODY = (SigningKey(letter * 32) for letter in (b"a", b"b", b"g", b"n"))
BODY = {"id": "c-1", "person": "anna", "add_groups": ["staff", "ä"], "notes": "1.50", "extended": True}


def admits(payload, verb="person_set", now=NOW, clock=Clock.SYNCHRONISED, **more):
    known = {key.public.id: Admin(key.public, name, role) for key, name, role in KEYS} | {
        GONE.public.id: Admin(GONE.public, "gone", Role.OWNER, NOW - timedelta(days=1))
    }
    return Admission(lambda: TOPICS.targets, known.get, lambda: clock, **more).admit(verb, payload, now)


KEYS = ((OWNER, "owner", Role.OWNER), (ANNA, "anna", Role.ENROLLER), (BEN, "ben", Role.VIEWER))


def command(key=ANNA, **more):
    return signed(TOPICS, "person_set", BODY, NOW, key, **more)


def unsigned(**more):
    body = json.loads(command())
    del body["signature"]
    return canonical(body | more)


IN_HER_NAME = signed(TOPICS, "person_set", BODY | {"key": ANNA.public.id}, NOW, NOBODY)


def test_what_is_carried_out_is_what_was_signed():
    done = admits(command())
    assert json.loads(done.arguments) == BODY | {"not_after": (NOW + timedelta(seconds=20)).isoformat()}
    assert (done.by, done.key, done.until) == ("mqtt:anna", ANNA.public.id, NOW + timedelta(seconds=20))


@pytest.mark.parametrize("target", TOPICS.targets)
def test_a_command_may_be_for_the_device_its_groups_or_all(target):
    assert admits(command(target=target)).by == "mqtt:anna"


@pytest.mark.parametrize(
    ("payload", "code", "by"),
    [
        pytest.param(b"", Code.BAD_REQUEST, None, id="nothing"),
        pytest.param(b"[]", Code.BAD_REQUEST, None, id="a list"),
        pytest.param(command()[:-1] + b',"id":"c-2"}', Code.BAD_REQUEST, None, id="a name twice"),
        pytest.param(b'{"a":NaN}', Code.BAD_REQUEST, None, id="no number"),
        pytest.param(b"[" * 5000, Code.BAD_REQUEST, None, id="too deep"),
        pytest.param(b"[" * 50_000, Code.TOO_LARGE, None, id="too many brackets"),
        pytest.param(b'{"a":[' + b"1," * MOST_VALUES + b"1]}", Code.TOO_LARGE, None, id="too many values"),
        pytest.param(unsigned(), Code.UNSIGNED, None, id="unsigned"),
        pytest.param(b'{"id":"7"}', Code.UNSIGNED, None, id="as it was before there were keys"),
        pytest.param(unsigned(signature="AAAA"), Code.BAD_REQUEST, None, id="no signature"),
        pytest.param(unsigned(signature=packed(bytes(64))), Code.BAD_SIGNATURE, None, id="a signature of nothing"),
        pytest.param(command(issued="yesterday"), Code.BAD_REQUEST, None, id="no time"),
        pytest.param(command(target="hq/side"), Code.NOT_FOR_US, None, id="for another device"),
        pytest.param(command(target="hq/@cellars"), Code.NOT_FOR_US, None, id="for another group"),
        pytest.param(command(target="branch/@all"), Code.NOT_FOR_US, None, id="for another site"),
        pytest.param(command(NOBODY), Code.UNKNOWN_KEY, None, id="by somebody unknown"),
        pytest.param(command(GONE), Code.UNKNOWN_KEY, None, id="by a key that was revoked"),
        pytest.param(IN_HER_NAME, Code.BAD_SIGNATURE, None, id="in another's name"),
        pytest.param(signed(TOPICS, "forget", BODY, NOW), Code.BAD_SIGNATURE, None, id="signed for another verb"),
        pytest.param(command(BEN), Code.NOT_PERMITTED, "mqtt:ben", id="by one who may not"),
        pytest.param(command(not_after=(NOW - timedelta(seconds=1)).isoformat()), Code.EXPIRED, "mqtt:anna", id="late"),
        pytest.param(
            command(issued=(NOW + SKEW + timedelta(seconds=1)).isoformat(),
                    not_after=(NOW + timedelta(minutes=5)).isoformat()),
            Code.NOT_YET, "mqtt:anna", id="early",
        ),
        pytest.param(
            command(not_after=(NOW + LONGEST + timedelta(seconds=1)).isoformat()),
            Code.BAD_REQUEST, "mqtt:anna", id="to live for too long",
        ),
        pytest.param(
            command(issued=(NOW + timedelta(seconds=50)).isoformat(), not_after=NOW.isoformat()),
            Code.BAD_REQUEST, "mqtt:anna", id="over before it begins",
        ),
    ],
)  # fmt: skip
def test_a_command_is_refused(payload, code, by):
    with pytest.raises(CommandError) as refused:
        admits(payload)
    assert (refused.value.code, refused.value.by) == (code, by)
    assert str(refused.value)


def test_a_clock_that_is_not_right_is_told_before_a_time_is():
    for late in (NOW + timedelta(days=1), NOW - timedelta(days=1)):
        with pytest.raises(CommandError, check=lambda error: error.code == Code.CLOCK_UNSURE):
            admits(command(), now=late, clock=Clock.UNSYNCHRONISED)
        with pytest.raises(CommandError, check=lambda error: error.code in {Code.EXPIRED, Code.NOT_YET}):
            admits(command(), now=late, clock=Clock.UNKNOWN)


def test_a_sender_whose_clock_is_a_minute_ahead_is_heard():
    assert admits(command(), now=NOW - SKEW).by == "mqtt:anna"


def test_a_device_without_an_owner_says_what_to_do():
    with pytest.raises(CommandError, match="this device has no owner yet, see `latchkey trust pair`"):
        admits(command(NOBODY), paired=lambda: False)


def test_a_refusal_says_which_key_was_named():
    for key in (NOBODY, BEN):
        with pytest.raises(CommandError) as refused:
            admits(command(key))
        assert refused.value.key == key.public.id


class TestAChange:
    """Of a byte, a field, the order: it is refused, or it means the same."""

    PAYLOAD = command()
    MEANS = admits(PAYLOAD)

    def means_the_same(self, payload, verb="person_set"):
        try:
            done = admits(payload, verb)
        except CommandError:
            return
        assert done == self.MEANS

    @given(st.data())
    def test_of_bytes(self, data):
        place = data.draw(st.integers(0, len(self.PAYLOAD)))
        gone = data.draw(st.integers(0, 3))
        new = data.draw(st.binary(max_size=3))
        self.means_the_same(self.PAYLOAD[:place] + new + self.PAYLOAD[place + gone :])

    @given(st.sampled_from(sorted(json.loads(command()))), st.none() | st.booleans() | st.integers() | st.text())
    def test_of_a_field(self, name, value):
        self.means_the_same(json.dumps(json.loads(self.PAYLOAD) | {name: value}).encode())

    @given(st.text(max_size=12), st.none() | st.integers() | st.text(max_size=5))
    def test_of_a_field_more(self, name, value):
        body = json.loads(self.PAYLOAD)
        if name not in body:
            with pytest.raises(CommandError):
                admits(json.dumps(body | {name: value}).encode())

    @given(st.sampled_from(sorted(json.loads(command()))))
    def test_of_a_field_less(self, name):
        body = json.loads(self.PAYLOAD)
        del body[name]
        with pytest.raises(CommandError):
            admits(json.dumps(body).encode())

    @given(st.permutations(sorted(json.loads(command()))), st.booleans(), st.sampled_from([None, 0, 3]))
    def test_of_order_blanks_and_escapes_means_the_same(self, names, ascii_only, indent):
        body = json.loads(self.PAYLOAD)
        text = json.dumps({name: body[name] for name in names}, ensure_ascii=ascii_only, indent=indent)
        assert admits(text.encode()) == self.MEANS

    @given(st.sampled_from(sorted(VERBS)))
    def test_of_the_verb(self, verb):
        if verb != "person_set":
            with pytest.raises(CommandError):
                admits(self.PAYLOAD, verb)


@given(st.binary(max_size=400))
def test_no_bytes_crash_it(payload):
    with pytest.raises(CommandError):
        admits(payload)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    )
)
def test_no_json_crashes_it(value):  # fmt: skip
    with pytest.raises(CommandError):
        admits(json.dumps(value).encode())


@pytest.mark.parametrize("role", Role)
def test_each_role_may_what_the_table_says_and_no_more(role):
    key = SigningKey(b"r" * 32)
    office = admission(TOPICS, somebody=(key, role))
    for verb in VERBS:
        payload = signed(TOPICS, verb, {"id": "c-1"}, NOW, key)
        if may(role, verb):
            assert office.admit(verb, payload, NOW).by == "mqtt:somebody"
        else:
            with pytest.raises(CommandError, check=lambda error: error.code == Code.NOT_PERMITTED):
                office.admit(verb, payload, NOW)


def test_numbers_are_doubles_as_in_rfc_8785():
    payload = signed(TOPICS, "person_set", BODY, NOW, OWNER, number=1e20, exact=2**53 - 1)
    assert b"100000000000000000000" in payload
    assert admits(payload).by == "mqtt:owner"
    assert admits(payload.replace(b"100000000000000000000", b"100000000000000000001")).by == "mqtt:owner"
    with pytest.raises(CommandError, check=lambda error: error.code == Code.BAD_REQUEST):
        admits(payload.replace(b"100000000000000000000", b"9" * 400))
