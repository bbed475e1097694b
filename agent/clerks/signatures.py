"""Answers what admins ask about how people sign."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from agent.audit import audit
from agent.clerks import Office
from agent.errors import CommandError
from agent.jobs.jobs import Jobs
from agent.live_signing import LiveSigning
from agent.members import signatures
from agent.members.consent import check, text_of
from agent.members.known import enrolled
from agent.mqtt.message import Code
from agent.mqtt.once import Handler
from agent.mqtt.verbs import signatures as verbs
from agent.signing import Signing, needed
from agent.signing_handover import give, opened
from agent.store.signatures import SealedSignature
from agent.types import Embedding


def handlers(office: Office, signing: Signing | None, *, jobs: Jobs, live: LiveSigning) -> dict[str, Handler]:
    """Returns what carries out each verb.

    Args:
        office: what there is to work with.
        signing: the encoder; None where none is installed.
        jobs: do what takes long.
        live: has people sign at the kiosk.
    """
    clerk = _Clerk(office, signing)
    return {
        "enrol_signature": clerk.enrol,
        "enrol_signature_live": jobs.handler("enrol_signature_live", live.work, check=clerk.check_live),
        "signature_templates": clerk.templates,
        "enrol_signature_templates": clerk.enrol_templates,
        "signature_remove": clerk.remove,
    }


class _Clerk:
    def __init__(self, office: Office, signing: Signing | None) -> None:
        self._office, self._signing = office, signing

    def enrol(self, command: verbs.EnrolSignatureCommand) -> dict[str, Any]:
        signing = needed(self._signing)
        return self._put(command, signing.references([drawn.points for drawn in command.signatures]))

    def templates(self, command: verbs.SignatureTemplatesCommand) -> dict[str, Any]:
        told, request = give(self._office.db, command.person, self._signing), self._office.request(command)
        details = {"signatures": len(told["vectors"])}
        self._office.write(lambda db: audit(db, "signatures_exported", command.person, request, details))
        return told

    def enrol_templates(self, command: verbs.EnrolSignatureTemplatesCommand) -> dict[str, Any]:
        sealed = [SealedSignature(command.model, command.site_key, vector) for vector in command.vectors]
        return self._put(command, opened(self._office.db, command.person, sealed, self._signing))

    def _put(
        self,
        command: verbs.EnrolSignatureCommand | verbs.EnrolSignatureTemplatesCommand,
        vectors: Sequence[Embedding],
    ) -> dict[str, Any]:
        privacy = self._office.config.privacy
        put = partial(
            signatures.put,
            person=command.person,
            signatures=vectors,
            request=self._office.request(command),
            privacy=privacy,
            consent=text_of(command.consent, privacy),
        )
        done = self._office.write(put)
        self._office.changed()
        return done

    def check_live(self, command: verbs.EnrolSignatureLiveCommand) -> None:
        needed(self._signing)
        config = self._office.config
        if not config.web.enabled:
            raise CommandError(
                Code.BAD_REQUEST, "there is no screen to sign on: [web] enabled = false; send enrol_signature"
            )
        enrolled(self._office.db, command.person)
        check(self._office.db, command.person, text_of(command.agrees_to, config.privacy), config.privacy)

    def remove(self, command: verbs.SignatureRemoveCommand) -> dict[str, Any]:
        request = self._office.request(command)
        done = self._office.write(lambda db: signatures.remove(db, command.person, request))
        self._office.changed()
        return done
