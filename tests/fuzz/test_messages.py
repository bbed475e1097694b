"""Nothing that comes from outside ends the agent: every message is answered, or passed over with a word in the log.

An exception that no code foresees ends the agent, so that nobody works on with half a state. Here none may be left.
"""

import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import pins
from agent.mqtt.credential import CredentialMessage
from agent.mqtt.message import MAX_PAYLOAD
from agent.mqtt.telemetry import DoorState, Status
from agent.mqtt.wire import COMMANDS
from agent.mqtt.zone import Passage, ZoneState
from tests.fakes.agents import Terminals
from tests.fuzz import bodies
from tests.fuzz.effort import SECONDS, examples
from tests.fuzz.house import SIDES, TOPICS, House, ask

pytestmark = pytest.mark.timeout(SECONDS)
SAID = {"status": Status, "state/door": DoorState, "state/zone": ZoneState, "passage": Passage}
RULES = """
time_zone = "Europe/Berlin"
[schedules.office]
mon-fri = ["07:00-19:00"]
[zones.building]
anti_passback = "soft"
[doors.front]
factors = "face, card+pin, card"
enters = "building"
interlock = ["canteen"]
modes_by = ["staff"]
unlocked = "office"
[doors.side]
leaves = "building"
[doors.canteen]
[[grants]]
groups = ["staff", "visitors"]
doors = ["*"]
[attendance]
type_by = "toggle"
[attendance.keys.workshop]
type = "in"
[shifts.day]
schedule = "office"
[[work]]
groups = ["staff"]
shift = "day"
"""


@pytest.fixture(scope="module")
def terminals(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pins, "COST_LOG2", 4)  # a thousandth of the time
        folder = tmp_path_factory.mktemp("house")
        (folder / "s").touch()
        yield Terminals(folder, patch), folder


@pytest.fixture(scope="module")
def house(terminals):
    """Opens a house in which people live, the same each time."""
    make, folder = terminals
    first = House(make)
    settle_in(first)
    first.close()
    shutil.copytree(first.config.device.data_dir, folder / "like")

    def opened():
        return House(make, like=folder / "like")

    return opened


def settle_in(house):
    red, green, blue = (bodies.PICTURES[number] for number in (0, 2, 4))
    assert ask(house, "rules_apply", text=RULES).ok
    house.all_online()
    for person, photo, badge in (("anna", red, "1042"), ("ben", green, None), ("carl", blue, None)):
        assert ask(house, "enrol", person=person, photos=[photo], consent=True).ok
        assert ask(house, "person_set", person=person, groups=["staff"], badge=badge).ok
    assert ask(house, "person_set", person="vera", create=True, visitor=True, valid_to="2199-01-01T00:00:00Z").ok
    assert ask(house, "pin_set", person="anna", pin="4729", duress="2806").ok
    assert ask(house, "card_add", person="anna", card=bodies.CARDS[0]).ok
    assert ask(house, "card_add", person="ben", card=bodies.CARDS[1]).ok
    for card in bodies.CARDS[:2]:
        house.types(card)
        house.settle()
    house.face("carl")
    house.settle()
    assert len(house.numbered()) > 4


BODIES = {verb: bodies.bodies(model) for verb, model in COMMANDS.items()}
# What is left out or goes together more often than chance would have it
BODIES["correct"] |= st.fixed_dictionaries(
    {name: bodies.KNOWN[name] for name in ("id", "punch", "why", "by", "at")}, optional={"type": bodies.KNOWN["type"]}
) | st.fixed_dictionaries({name: bodies.KNOWN[name] for name in ("id", "person", "why", "by", "at", "type")})
BODIES["enrol"] |= st.fixed_dictionaries({name: bodies.KNOWN[name] for name in ("id", "person", "photos", "consent")})
BODIES["undo"] |= st.fixed_dictionaries({name: bodies.KNOWN[name] for name in ("id", "person", "event")})
BODIES["merge"] |= st.fixed_dictionaries({name: bodies.KNOWN[name] for name in ("id", "person", "into")})
TOPIC_TEXTS = [
    *(TOPICS.command(verb) for verb in COMMANDS), TOPICS.command("nothing"), TOPICS.command("\0"), TOPICS.command(""),
    TOPICS.part("enrol", "1", 1, 1), TOPICS.part("enrol", "1", 2, 20), TOPICS.part("enrol", "1", 0, 0),
    TOPICS.part("enrol", "x" * 65, 1, 21), TOPICS.part("enrol_live", "2", 1, 1), TOPICS.part("x" * 40, "1", 1, 1),
    TOPICS.prefix + "/cmd/enrol/1/part/9999999/\u0661", TOPICS.credential, TOPICS.result("ping", "1"), TOPICS.zone, "",
    "/",
]  # fmt: skip
REPLIES = st.sampled_from([None, None, None, "a/b", "", "$SYS/x", "#", "\0", "\ufffe", "x" * 300, TOPICS.credential])


@st.composite
def payloads(draw, good):
    """A body; or one that was cut, or changed in a place; or any bytes."""
    kind = draw(st.integers(0, 3))
    if kind == 0:
        return draw(st.binary(max_size=40))
    body = bodies.written(draw(good))
    if kind == 1:
        at, few = draw(st.integers(0, len(body))), draw(st.binary(max_size=3))
        return body[:at] + few + body[at + draw(st.integers(0, 5)) :]
    return body


commands = st.sampled_from(sorted(COMMANDS)).flatmap(
    lambda verb: st.tuples(st.just("says"), st.just(TOPICS.command(verb)), BODIES[verb].map(bodies.written), REPLIES)
)
raw = st.tuples(
    st.just("says"), st.sampled_from(TOPIC_TEXTS),
    payloads(st.one_of(*BODIES.values())) | st.sampled_from([b"", b"[" * 10_000, b"\xff", b"{}", b"0", b'{"id":"1"}']),
    REPLIES,
)  # fmt: skip
shown = bodies.bodies(CredentialMessage)
fresh = shown.map(lambda body: body | {"at": bodies.SOON % -1})
credentials = st.tuples(
    st.just("says"), st.just(TOPICS.credential), payloads(bodies.mostly(fresh, shown, times=5)), st.none()
)
peers = st.sampled_from(sorted(SAID)).flatmap(
    lambda level: st.tuples(
        st.just("peer"),
        st.sampled_from(SIDES).map(lambda side: f"{side.prefix}/{level}"),
        payloads(bodies.bodies(SAID[level])),
    )
)
LATER = (0.5, 20, 3600, 86_400, 40 * 86_400, 1000 * 86_400, 30_000 * 86_400, -3600, -20_000 * 86_400)  # seconds
others = st.one_of(
    st.tuples(st.just("peer"), st.sampled_from(["", TOPICS.zone, f"{SIDES[0].prefix}/x"]), st.binary(max_size=9)),
    st.tuples(st.just("types"), bodies.texts | st.sampled_from([*bodies.CARDS, "1042*4729#", "4729#", "*2806", "1*#"])),
    st.tuples(st.just("face"), st.sampled_from([None, "anna", "ben", "carl", "eve"])),
    st.tuples(st.just("later"), st.sampled_from(LATER)),
    st.tuples(st.just("forget_commands")),
    st.tuples(st.just("says"), st.just(TOPICS.command("ping")), st.just(b""), st.none(), st.just(MAX_PAYLOAD + 1)),
)


def carry_out(house, acts):
    house = house()
    house.all_online()
    try:
        for what, *values in acts:
            answers = getattr(house, what)(*values)
            if what == "says" and values[0].startswith(TOPICS.command("")) and values[0].count("/") == 5:
                assert answers, values
            house.settle()
    finally:
        house.close()


@examples(35)
@given(st.lists(commands, min_size=6, max_size=20))
def test_commands(house, acts):
    carry_out(house, acts)


@examples(25)
@given(st.lists(bodies.mostly(commands, raw | credentials | peers | others, times=1), min_size=6, max_size=20))
def test_everything_mixed(house, acts):
    carry_out(house, acts)


@examples(15)
@given(st.lists(bodies.mostly(credentials | peers, others, times=2), min_size=6, max_size=20))
def test_what_readers_and_other_doors_say(house, acts):
    carry_out(house, acts)


@examples(15)
@given(st.lists(raw, min_size=6, max_size=20))
def test_bytes_on_every_topic(house, acts):
    carry_out(house, acts)
