"""Whether signatures can be compared here, and whether anybody is asked for one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.cli.opened import database
from agent.cli.output import counted
from agent.errors import ModelError
from agent.findings import Finding, State
from agent.signature.selftest import self_test
from agent.signing import installed, plain_encoder
from agent.types import Shown

if TYPE_CHECKING:
    from agent.config import Config


def signatures(config: Config) -> Finding:
    """Loads the encoder of signatures, and shows it those that its card knows the answers to."""
    wanted = _asked_for(config)
    if not installed(config):
        if not wanted:
            return Finding("signature", State.OK, "no encoder for signatures is installed, and nobody is asked for one")
        advice = "whoever has no other way is refused: install it, see [models] signature"
        return Finding("signature", State.WARNING, f"{wanted} for a signature, and no encoder is installed", advice)
    card, encoder = plain_encoder(config)
    tested = self_test(encoder.vector, card.fields)
    if not tested.good:
        raise ModelError(
            f"{config.models.signature}: says another thing than when it was made: cosine {min(tested.cosines):.3f}, "
            f"want {tested.least}: copy it again, or choose another [engine] runtime"
        )
    text = f"{card.id}, {counted(len(tested.cosines), 'signature')} encoded as when it was made"
    if wanted and not config.web.enabled:
        return Finding("signature", State.WARNING, f"{wanted} for one, and there is no screen", "[web] enabled = true")
    return Finding("signature", State.OK, text)


def _asked_for(config: Config) -> str:
    """Who asks for signatures, in words; empty if nobody does."""
    from agent.rules_in_force import load_rules
    from agent.store.people import list_people

    if not config.database_path.exists():
        return ""
    with database(config) as db:
        door = load_rules(db).door(config.device.name)
        own = [person.factors for person in list_people(db) if person.factors is not None]
    ways = [way for factors in (door.factors, *(each for _, each in door.factors_in)) for way in factors.ways]
    if any(Shown.SIGNATURE in way for way in ways):
        return "the rules ask"
    asked = sum(Shown.SIGNATURE in factors for factors in own)
    return f"{counted(asked, 'person')} {'is' if asked == 1 else 'are'} asked" if asked else ""
