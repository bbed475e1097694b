"""What the agent knows of its site: faces, people, rules, the mode; read again whenever somebody changes them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from agent.access.doorkeeper import Doorkeeper
from agent.access.holder import Register
from agent.access.rules import Mode, Rules
from agent.bundle import Bundle
from agent.errors import LatchkeyError, StoreError
from agent.labels import Labels, load_labels
from agent.pins import check_pin, digest_card
from agent.recognise import Known
from agent.rules_in_force import load_rules
from agent.signature.judge import References
from agent.signing import Signing, open_signing
from agent.store import holders, people
from agent.store.db import Db
from agent.store.door import DoorMode, load_mode
from agent.store.models import in_force
from agent.store.rules import rules_version
from agent.store.sealing import card_key
from agent.store.signatures import load_signatures, signatures_version
from agent.store.standings import load_standings
from agent.store.templates import foreign_templates, load_templates
from agent.write import Write

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.5
RETRY_SECONDS = 5.0  # after what could not be read: it may be so for good


@dataclass(frozen=True, slots=True)
class Versions:
    """By which to see what has changed."""

    faces: int
    people: int
    rules: int
    mode: DoorMode
    models: str  # in force


@dataclass(frozen=True, slots=True, kw_only=True)
class Takers:
    """Who takes over what has changed; from the thread that looks."""

    faces: Callable[[Known], object]
    keeper: Callable[[Callable[[Doorkeeper], object]], object]
    labels: Callable[[Labels], object]
    mode: Callable[[Mode | None], object]


@dataclass(slots=True, eq=False)
class Knowledge:
    """Looks after changes, whoever makes them. Used by one thread, but for `soon`.

    Args:
        bundle: the models.
        db: to read.
        write: as the recorder does.

    Raises:
        ModelError: on making it: the encoder of signatures is there and cannot be used.
    """

    bundle: Bundle
    db: Db
    write: Write
    signing: Signing | None = field(init=False)  # None: no encoder for signatures is installed
    damaged: int = 0  # templates that do not open
    foreign: int = 0  # templates of other models, or of another key
    _changed: threading.Event = field(default_factory=threading.Event)
    _versions: Versions | None = None
    _signed: tuple[tuple[int, int], Mapping[str, References]] = field(default=((0, 0), MappingProxyType({})))

    def __post_init__(self) -> None:
        """Notes what there is now, before any of it is read: what changes from now on is seen by `look`."""
        self.signing = open_signing(self.bundle.config, self.bundle.key)
        self._versions = self._now()

    def soon(self) -> None:
        """Something has changed: do not wait for the next look. From any thread."""
        self._changed.set()

    def faces(self) -> Known:
        """Returns who is enrolled, and how similar a visitor must be."""
        loaded = load_templates(self.db, self.bundle.template_model, self.bundle.space)
        gallery, self.damaged = loaded.gallery, sum(loaded.damaged.values())
        if loaded.damaged:
            log.error("templates do not open and are not compared: %s: enrol again", ", ".join(sorted(loaded.damaged)))
        threshold = self.bundle.threshold(gallery.templates)
        log.info(
            "gallery: %d people, %d templates, threshold %.3f (false match rate %.1e%s)",
            len(gallery.people), gallery.templates, threshold.cosine, threshold.fmr,
            ", extrapolated" if threshold.extrapolated else "",
        )  # fmt: skip
        if foreign := foreign_templates(self.db, self.bundle.template_model):
            log.warning("%d templates were made by another model and are not compared: enrol again", foreign)
        self.foreign = foreign
        return Known(gallery, threshold.cosine)

    def register(self) -> Register:
        """Returns everybody as the rules see them."""
        register = holders.load_register(self.db)
        if self.signing is None:
            return register
        version = signatures_version(self.db)
        if version != self._signed[0]:  # to open them takes longer than all the rest
            self._signed = version, load_signatures(self.db, self.signing.model)
        return replace(register, signatures=self._signed[1])

    def labels(self, register: Register) -> Labels:
        """Returns what events say of people."""
        return load_labels(self.db, self.bundle.config.events, register)

    def rules(self) -> Rules:
        """Returns the rules in force; the open ones where none were ever given.

        Raises:
            LatchkeyError: they cannot be read, as those of a newer version.
        """
        return load_rules(self.db)

    def doorkeeper(self, device: str) -> Doorkeeper:
        """Returns who decides at this door, as of the last time it ran."""
        mode, key = load_mode(self.db), card_key(self.db)
        return Doorkeeper(
            device,
            self.rules(),
            self.register(),
            standings=load_standings(self.db),
            mode=mode.mode,
            opened_on=mode.opened_on.isoformat() if mode.opened_on else None,
            check_pin=_is_pin,
            digest=lambda number: digest_card(number, key),
            weigh=self.signing.judge if self.signing else None,
        )

    def look(self, takers: Takers) -> None:
        """Waits a little, and hands over what is another than before."""
        self._changed.wait(LOOK_SECONDS)
        self._changed.clear()
        before = self._versions
        if before is None:
            return
        try:
            self._hand_over(takers, before, self._now())
        except StoreError as error:  # what is known goes on, and it is looked again
            self._versions = before
            log.warning("what has changed cannot be read: %s", error)
            self._changed.wait(RETRY_SECONDS)

    def _hand_over(self, takers: Takers, before: Versions, now: Versions) -> None:
        if now == before:
            return
        self._versions = replace(now, models=before.models)
        if now.faces != before.faces and now.models == before.models:  # else the agent is about to start with others
            takers.faces(self.faces())
        if now.people != before.people:
            self._new_people(takers)
        if now.rules != before.rules:
            self._new_rules(takers)
        if (now.mode.mode, now.mode.since) != (before.mode.mode, before.mode.since):
            chosen = now.mode.mode
            takers.mode(chosen)

    def _new_people(self, takers: Takers) -> None:
        register = self.register()
        takers.labels(self.labels(register))

        def meet(keeper: Doorkeeper) -> None:
            keeper.register = register
            keeper.expect()

        takers.keeper(meet)
        try:
            stood = self.write(load_standings)  # when all is stored that was decided before
        except StoreError as error:
            log.warning("how people stand who were renamed or forgotten is not looked up: %s", error)
            return
        takers.keeper(lambda keeper: keeper.recall(stood))

    def _new_rules(self, takers: Takers) -> None:
        try:
            rules = self.rules()
        except LatchkeyError as error:  # a newer Latchkey has written them: those before go on
            log.error("the new rules cannot be used, the old ones stay: %s", error)  # noqa: TRY400 - no traceback
            return
        log.info("rules: version %d", rules.version)

        def take_over(keeper: Doorkeeper) -> None:
            keeper.rules = rules

        takers.keeper(take_over)

    def _now(self) -> Versions:
        return Versions(
            people.gallery_version(self.db),
            holders.register_version(self.db),
            rules_version(self.db),
            load_mode(self.db),
            in_force(self.db).folder,
        )


def _is_pin(pin: str, kept: str) -> bool:
    """Whether this is the PIN; nothing is where the row was damaged."""
    try:
        return check_pin(pin, kept)
    except ValueError as error:
        log.error("a PIN cannot be checked: %s", error)  # noqa: TRY400 - no traceback
        return False
