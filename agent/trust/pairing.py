"""How a device and its first owner learn each other's keys, over a broker that neither has a reason to trust. Pure.

The terminal shows a code of 50 random bits, to whoever stands before it. Both sides stretch it (scrypt, RFC 7914) and
prove to each other, by HMAC-SHA256 (RFC 2104) over all that was said, that they know it. Who is in between could
replace a key only with a proof of its own: it would have to guess the code, five times at the device, or 2^50 scrypts
on a machine of its own, within a quarter of an hour.

    admin                                                device
      │  {id}                                              │
      │ ─────────────────────────────────────────────────► │
      │                    {id, nonce, public}             │  nonce: the salt of the code
      │ ◄───────────────────────────────────────────────── │
      │  {id, nonce, public, name, proof}                  │
      │ ─────────────────────────────────────────────────► │  checks, and has an owner
      │                    {id, ok, proof}                 │
      │ ◄───────────────────────────────────────────────── │
    knows the device's key
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from agent.trust.keys import PublicKey, packed, unpacked
from agent.trust.statement import canonical

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base32: no I, L, O, U, https://www.crockford.com/base32.html."""
CODE_LETTERS: Final = 10  # of 5 bits
NONCE_BYTES: Final = 16
LIFETIME: Final = timedelta(minutes=15)
TRIES: Final = 5
SCRYPT: Final = {"n": 2**15, "r": 8, "p": 1, "maxmem": 2**26, "dklen": 32}
"""32 MiB: 0.1 s on the benchmark machine, about a second on the smallest Pi."""

_MISREAD: Final = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None})
_OFFER: Final = re.compile(r"latchkey:pair:([^/]+)/([^/]+):([0-9A-Za-z -]+)")


@dataclass(frozen=True, slots=True)
class Pending:
    """A pairing that a device waits for."""

    nonce: bytes  # 16
    secret: bytes  # 32, of `stretched`
    until: datetime
    tries: int  # that are left

    def open(self, now: datetime) -> bool:
        """Returns whether a proof is still looked at."""
        return self.tries > 0 and self.until - LIFETIME <= now <= self.until


@dataclass(frozen=True, slots=True)
class Transcript:
    """All that was said: what both proofs are over."""

    site: str
    device: str
    device_nonce: str  # 16 bytes in base64
    device_public: str
    admin_nonce: str
    admin_public: str
    name: str  # of the admin's key

    def proof(self, secret: bytes, side: str) -> str:
        """Returns what `side`, "admin" or "device", shows to have the code."""
        text = f"latchkey pair {side} 1\n".encode() + canonical(asdict(self))
        return packed(hmac.digest(secret, text, "sha256"))

    def proves(self, proof: str, secret: bytes, side: str) -> bool:
        """Returns whether a side has the code, and heard what we said."""
        return hmac.compare_digest(proof.encode(), self.proof(secret, side).encode())


def new_code() -> str:
    """Returns a code that nobody knows."""
    return "".join(secrets.choice(ALPHABET) for _ in range(CODE_LETTERS))


def new_nonce() -> bytes:
    """Returns 16 random bytes."""
    return secrets.token_bytes(NONCE_BYTES)


def spoken(code: str) -> str:
    """Returns a code as it is shown: in two groups."""
    return f"{code[: CODE_LETTERS // 2]}-{code[CODE_LETTERS // 2 :]}"


def read_code(text: str) -> str:
    """Returns the code that somebody typed: in any case, with or without the dash, O for 0, I and L for 1.

    Raises:
        ValueError: it is none.
    """
    code = text.strip().upper().translate(_MISREAD)
    if len(code) != CODE_LETTERS or not set(code) <= set(ALPHABET):
        raise ValueError(f"a pairing code has {CODE_LETTERS} letters and digits, like {spoken('7K3M9PXA2C')}")
    return code


def offer(site: str, device: str, code: str) -> str:
    """Returns what the QR code on the terminal says."""
    return f"latchkey:pair:{site}/{device}:{code}"


def read_offer(text: str) -> tuple[str, str, str]:
    """Returns site, device and code of what a QR code said.

    Raises:
        ValueError: it is another one.
    """
    found = _OFFER.fullmatch(text.strip())
    if found is None:
        raise ValueError("not the QR code of a pairing: latchkey:pair:<site>/<device>:<code>")
    site, device, code = found.groups()
    return site, device, read_code(code)


def stretched(code: str, nonce: bytes) -> bytes:
    """Returns the secret that both sides make of a code: 32 bytes."""
    return hashlib.scrypt(code.encode(), salt=nonce, **SCRYPT)


class Suitor:
    """The admin's side.

    Args:
        code: as the terminal shows it, see `read_code`.
        site: of the device.
        device: its name.
        public: the admin's key, to be an owner's.
        name: what it is to be called.
    """

    def __init__(self, code: str, site: str, device: str, *, public: PublicKey, name: str) -> None:
        self._code, self._site, self._device = code, site, device
        self._public, self._name, self._nonce = public, name, packed(new_nonce())
        self._secret = b""
        self._transcript: Transcript | None = None

    def claim(self, greeting: Mapping[str, Any]) -> dict[str, str]:
        """Returns the second message, without `id`, to what the device answered to the first.

        Raises:
            ValueError: the answer is none.
        """
        nonce, public = greeting.get("nonce"), greeting.get("public")
        if not isinstance(nonce, str) or not isinstance(public, str):
            raise ValueError("no nonce and no public key: `latchkey trust pair` on the device first")  # noqa: TRY004
        self._secret = stretched(self._code, unpacked(nonce, NONCE_BYTES))
        device = PublicKey.parse(public).text
        said = self._transcript = Transcript(
            self._site, self._device, nonce, device, self._nonce, self._public.text, self._name
        )
        proof = said.proof(self._secret, "admin")
        return {"nonce": self._nonce, "public": self._public.text, "name": self._name, "proof": proof}

    def device_key(self, answer: Mapping[str, Any]) -> PublicKey:
        """Returns the device's key, once it has proved that it has the code as well.

        Raises:
            ValueError: it has not: somebody is in between.
        """
        said, proof = self._transcript, answer.get("proof")
        if said is None or not isinstance(proof, str) or not said.proves(proof, self._secret, "device"):
            raise ValueError("the answer is not by a device that knows the code: somebody is in between")
        return PublicKey.parse(said.device_public)
