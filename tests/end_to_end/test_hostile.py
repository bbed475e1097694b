"""Whatever arrives on the command topics: answered with a code or ignored, and the door goes on as before."""

import json
import random
import struct
import zlib
from pathlib import Path

import pytest

from agent.mqtt.message import Code
from tests.end_to_end.patience import wait_for
from tests.end_to_end.pictures import visit

VERBS = ("enrol", "remove", "list", "identify", "ping")
TEN_MEGABYTES = 10 * 2**20
MOST_GROWTH_BYTES = 200 * 2**20  # 32 MiB may wait in the inbox, and a message of 10 MB is there more than once
NOISE = random.Random(9)
GARBAGE = {
    "nothing": b"",
    "zeros": bytes(1000),
    "noise": NOISE.randbytes(5000),
    "no UTF-8": b'{"id": "\xff\xfe", "person": "\xc3\x28"}',
    "half an object": b'{"id": "half"',
    "null": b"null",
    "a list": b"[]",
    "a number for an id": b'{"id": 7}',
    "an id that is a path": b'{"id": "../../events", "person": "a/b", "photo": ""}',
    "an id without end": b'{"id": "' + b"x" * 300_000 + b'"}',
    "a name that is a topic": b'{"id": "topic", "person": "#", "parts": 20}',
    "no base64": b'{"id": "base64", "person": "eve", "photo": "%%%", "photos": ["%%%"]}',
    "numbers that are none": b'{"id": "nan", "parts": NaN, "person": 1e999}',
    "deep": b"[" * 200_000,
    "many keys": json.dumps({f"key{n}": n for n in range(20_000)}).encode(),
    "10 MB of zeros": bytes(TEN_MEGABYTES),
    "10 MB of an object": b'{"id": "large", "person": "' + b"x" * TEN_MEGABYTES + b'"}',
}
NO_PICTURES = {
    "nothing": b"",
    "a text": b"not a picture at all",
    "a GIF": b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + bytes(3) + b"\xff" * 3 + b"\x3b",
    "a PDF": b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n",
    "noise": NOISE.randbytes(100_000),
    "noise that begins as a JPEG": b"\xff\xd8\xff\xe0" + NOISE.randbytes(50_000),
}


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_bomb(side=40_000, *, whole):
    """A PNG of side x side pixels, black and white: whole it has 200 MB of pixels in 200 kB, else all but none."""
    row, packer = bytes(1 + side // 8), zlib.compressobj(1)
    packed = b"".join(packer.compress(row * 100) for _ in range(side // 100 if whole else 1)) + packer.flush()
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def most_memory(pid):
    """The most bytes that a process ever held."""
    (line,) = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024


@pytest.fixture
def protocol():
    return 5


@pytest.fixture
def terminal(make_terminal, mosquitto, pictures, protocol):
    made = make_terminal(mqtt__enabled=True, mqtt__port=mosquitto.port, mqtt__protocol=protocol)
    made.seed(ada=pictures.ada)
    made.show(visit(pictures, "ada"))
    return made


@pytest.fixture
def running(terminal, witness):
    """The agent; at the end of the test it is as well as ever, and has not grown."""
    process = terminal.start()
    assert witness.request("identify", photo=terminal.play.joinpath("00000.png").read_bytes()).ok
    before = most_memory(process.pid)
    yield process
    assert witness.request("ping").ok
    decided = len(terminal.decisions())
    wait_for(lambda: len(terminal.decisions()) > decided, what="decisions afterwards")
    assert most_memory(process.pid) - before < MOST_GROWTH_BYTES
    assert process.stop() == 0
    assert "Traceback" not in process.said()
    assert {(outcome, person) for outcome, _, person in terminal.decisions()} == {("granted", "ada")}
    audited = [event.body for event in terminal.check() if event.kind == "audit"]
    assert {body["action"] for body in audited if body["by"] != "start"} <= {"command_refused"}


def answers(witness):
    """All results so far that are refusals: (verb, code)."""
    return [(body["verb"], body["code"]) for topic, body in witness.heard if "/result" in topic and not body["ok"]]


@pytest.mark.parametrize("protocol", [5, 311])
def test_garbage_on_every_command_topic(terminal, running, witness):
    topics = witness.remote.topics
    for verb in (*VERBS, "dance"):
        before = len(answers(witness))
        for payload in GARBAGE.values():
            witness.remote.send(topics.command(verb), payload)
        wait_for(lambda then=before: len(answers(witness)) >= then + len(GARBAGE), what=f"answers to {verb}")
        codes = [code for _, code in answers(witness)[before:]]
        assert set(codes) <= set(Code)
        assert witness.request("ping").ok
        if verb in VERBS:
            assert codes.count("too_large") == 3
            assert codes.count("bad_request") + codes.count("unsigned") == len(GARBAGE) - 3
        else:
            assert set(codes) == {"unknown_verb"}


def test_garbage_in_the_place_of_photos(terminal, running, witness):
    topics = witness.remote.topics
    strange = [topics.part("enrol", "one", *numbers) for numbers in ((0, 1), (2, 1), (1, 1025), (1, 0), (9999, 9999))]
    for topic in (*strange, f"{topics.prefix}/cmd/enrol/one/part/x/y", f"{topics.prefix}/cmd/enrol/%00/part/1/1"):
        before = len(answers(witness))
        witness.remote.send(topic, b"x")
        wait_for(lambda then=before: len(answers(witness)) > then, what=f"an answer to {topic}")
        assert answers(witness)[-1] == ("enrol", "bad_request")
    for n in range(1, 21):
        witness.remote.send(topics.part("enrol", "flood", n, 20), NOISE.randbytes(4 * 2**20))
        assert witness.request("ping").ok  # else some find no place in the queue, and are not there to be too many
    witness.remote.send(topics.part("enrol", "large", 1, 1), bytes(TEN_MEGABYTES))
    wait_for(lambda: [code for _, code in answers(witness)].count("too_large") >= 2, what="no room")
    wait_for(lambda: witness.request("ping").ok, what="room")
    missing = witness.request("enrol", person="eve", id="flood", photos=())
    assert missing.code == "no_photos"


def test_pictures_that_are_none(terminal, running, witness, pictures):
    spoiled = {"cut short": pictures.ada[:2000], "damaged": pictures.ada[:2000] + NOISE.randbytes(20_000)}
    for name, picture in (NO_PICTURES | spoiled).items():
        assert witness.request("identify", photo=picture).code == "not_a_picture", name
        refused = witness.request("enrol", person="eve", photos=[pictures.bruno, picture])
        assert (refused.code, refused.photo) == ("not_a_picture", 1), name


@pytest.mark.parametrize("whole", [True, False], ids=["200 MB of pixels", "no pixels"])
def test_a_bomb(terminal, running, witness, pictures, whole):
    bomb = png_bomb(whole=whole)
    assert len(bomb) < 2**20
    refused = witness.request("identify", photo=bomb)
    assert refused.code == "not_a_picture"
    assert "40000 x 40000" in refused.message
    refused = witness.request("enrol", person="eve", photos=[pictures.bruno, bomb])
    assert (refused.code, refused.photo) == ("not_a_picture", 1)
    (terminal.folder / "bomb.png").write_bytes(bomb)
    told = terminal.fork("enrol", "eve", terminal.folder / "bomb.png")
    assert told.ended() == 1
    assert "40000 x 40000" in told.said()
