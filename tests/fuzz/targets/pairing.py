"""What is said while a first owner pairs: to the device, to the admin, and what somebody types or a QR code says."""

from contextlib import ExitStack, suppress

from agent.errors import CommandError
from agent.mqtt import pair
from agent.mqtt.message import Code
from agent.trust import pairing
from agent.trust.statement import read_json
from tests.fakes.trust import OWNER
from tests.fuzz.target import Target, text

NONCE, PROOF = "A" * 22 + "==", "A" * 43 + "="
WHOLE = b'{"id":"p1","nonce":"%s","public":"%s","name":"anna","proof":"%s"}' % (
    NONCE.encode(), OWNER.public.text.encode(), PROOF.encode(),
)  # fmt: skip


def messages(_stack: ExitStack):
    """On the device; nobody's code is right."""

    def refuse(_message):
        raise CommandError(Code.FAILED, "no")

    def feed(data):
        answer = pair.answered(data, refuse)
        assert not answer.ok
        answer.to_json()

    return feed


def answers(stack: ExitStack):
    """At the admin's, where scrypt is left out: it takes a tenth of a second."""
    real, pairing.stretched = pairing.stretched, lambda _code, nonce: nonce.ljust(32, b"\0")
    stack.callback(setattr, pairing, "stretched", real)

    def feed(data):
        suitor = pairing.Suitor("7K3M9PXA2C", "hq", "front", public=OWNER.public, name="anna")
        with suppress(ValueError):
            said = read_json(data)
            suitor.claim(said)
            suitor.device_key(said)

    return feed


def codes(_stack: ExitStack):
    def feed(data):
        for read in (pairing.read_code, pairing.read_offer):
            with suppress(ValueError):
                read(text(data))

    return feed


TARGETS = (
    Target("pair", messages, [b'{"id": "p1"}', WHOLE], share=60, longest=1024),
    Target("pair_answers", answers, [WHOLE], share=20, longest=1024),
    Target("pair_codes", codes, [b"7K3M9-PXA2C", b"latchkey:pair:hq/front:7K3M9PXA2C"], share=60, longest=256),
)
