"""What the person at the door is told, by reason; `deploy/MQTT.md` has the same sentences."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from agent.types import Reason

TOLD: Final[Mapping[Reason, str]] = MappingProxyType(
    {
        Reason.MATCH: "Welcome.",
        Reason.CREDENTIAL: "Welcome.",
        Reason.FREE_ACCESS: "Come in.",
        Reason.UNKNOWN: "You are not known here. Please ring, or ask to be enrolled.",
        Reason.AMBIGUOUS: "Please look straight at the camera and try again.",
        Reason.INCONSISTENT: "One person at a time, please; then try again.",
        Reason.EMPTY_GALLERY: "This door knows nobody yet. Please ring.",
        Reason.POOR_QUALITY: "Please step closer, face the camera, mind the light.",
        Reason.UNKNOWN_CREDENTIAL: "This card is not known here. Please ring.",
        Reason.WRONG_PIN: "Wrong PIN. Please try again.",
        Reason.WRONG_CARD: "Please use your own card.",
        Reason.FACE_MISMATCH: "Please use your own card, and look at the camera.",
        Reason.WRONG_SIGNATURE: "That is not how you sign here. Please try again.",
        Reason.NO_SIGNATURE: "No signature of yours is known here. Please ask at the office.",
        Reason.INCOMPLETE: "Too slow, sorry. Please start again.",
        Reason.LOCKED_OUT: "Too many tries. Please wait.",
        Reason.SUSPENDED: "Your access is suspended. Please ask at the office.",
        Reason.LEFT: "You have no access any more. Please ring.",
        Reason.BLOCKED: "Please wait.",
        Reason.NOT_YET_VALID: "Your access has not begun yet. Please ring.",
        Reason.NO_LONGER_VALID: "Your access has ended. Please ring.",
        Reason.NO_ACCESS: "This door is not for you. Please ring.",
        Reason.OUTSIDE_SCHEDULE: "You may come in at other hours. Please ring.",
        Reason.PASSBACK: "You are inside already. Please leave by a door with a reader first.",
        Reason.PEERS_SILENT: "This door is out of touch. Please ring.",
        Reason.NO_SECOND_PERSON: "Two people are needed here. Please come together.",
        Reason.LOCKED_DOWN: "This door is locked. Follow the instructions of the staff.",
        Reason.INTERLOCK: "Please close the other door first.",
        Reason.STORAGE_FAILED: "This door is out of order. Please ring.",
        Reason.PIN_NEEDED: "Your PIN, please.",
        Reason.CARD_NEEDED: "Your card, please.",
        Reason.FACE_NEEDED: "Please look at the camera.",
        Reason.SIGNATURE_NEEDED: "Please sign on the screen.",
        Reason.SECOND_PERSON_NEEDED: "And the second person, please.",
    }
)
"""Every reason has its sentence."""
