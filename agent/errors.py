"""Every error Latchkey raises on purpose.

    LatchkeyError
    ├── ConfigError (ValueError)      the configuration is wrong: exit 2
    ├── HardwareError (OSError)       a camera, door or accelerator asked for is not there: exit 2
    │   └── CameraLost                a camera that was there is gone: reopened with back-off
    ├── ModelError (ValueError)       a model file is missing, damaged or not the one its card describes: exit 2
    ├── StoreError (OSError)          the database cannot be used (newer version, damaged, in use): exit 2
    │   └── StoreFull                 there is no room to record an event
    ├── CalibrationError (ValueError) people or photos are too few to calibrate with
    ├── PictureError (ValueError)     bytes that are not a picture we take
    ├── RulesRefused (ValueError)     rules that would not do, with every line that is wrong
    ├── ScriptRefused (ValueError)    a script of `latchkey simulate`, with every line that is wrong
    ├── BackupError (ValueError)      a backup that does not open, or is not for this device
    ├── EnrolmentRefused (ValueError) photos that would make a bad template, with a code and the photo's number
    ├── SignatureRefused (ValueError) what was drawn is no signature, with a code
    ├── CommandError (ValueError)     a command that cannot be carried out, with its code
    │   └── SignInRefused             who asks is not let in at the admin page, and when to try again
    └── NoAnswer (TimeoutError)       the broker or a device did not answer in time
        └── Untrusted                 answers came, and the device that is known by that name has not signed them

A message says what was wrong, where, and what to do.
"""

from __future__ import annotations

from collections.abc import Sequence


class LatchkeyError(Exception):
    """The root of the tree: an error whose message is meant for the user, without a traceback."""


class ConfigError(LatchkeyError, ValueError):
    """The configuration is wrong."""


class HardwareError(LatchkeyError, OSError):
    """A camera, door or accelerator that was asked for is not there or does not work."""


class CameraLost(HardwareError):
    """The camera was there and is gone; opening it again may help."""


class ModelError(LatchkeyError, ValueError):
    """A model file is missing, damaged, or not what its card says."""


class StoreError(LatchkeyError, OSError):
    """The database cannot be used."""


class StoreFull(StoreError):
    """There is no room to record."""


class CalibrationError(LatchkeyError, ValueError):
    """There are too few people or photos to say anything of a site."""


class PictureError(LatchkeyError, ValueError):
    """These bytes are not a picture we take."""


class RulesRefused(LatchkeyError, ValueError):
    """A rulebook that cannot be obeyed: none of it is.

    Args:
        problems: all that is wrong, one line each: "line 14: [[grants]] doors: there is no door 'frnt'".
    """

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class ScriptRefused(LatchkeyError, ValueError):
    """A script that cannot be replayed.

    Args:
        problems: one a line that is wrong, for a human.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class BackupError(LatchkeyError, ValueError):
    """A backup that does not open, is not whole, or is not for this device."""


class EnrolmentRefused(LatchkeyError, ValueError):
    """The photos would make a bad template.

    Args:
        code: one of `no_face`, `two_faces`, `too_small`, `too_blurred`, `too_dark`, `too_bright`, `turned_away`,
            `low_contrast`, `different_people`, `duplicate_person`, `not_a_picture`, `no_photos`; of signatures
            `different_signatures` and those of SignatureRefused.
        message: for a human.
        photo: which photo, or which signature, counted from 0; None where it is about all of them.
    """

    def __init__(self, code: str, message: str, photo: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.photo = photo


class SignatureRefused(LatchkeyError, ValueError):
    """What was drawn is no signature.

    Args:
        code: one of `too_short`, `too_long`, `too_fast`, `not_readable`.
        message: for a human.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class CommandError(LatchkeyError, ValueError):
    """A command that cannot be carried out.

    Args:
        code: a stable word for programs, see `deploy/MQTT.md`.
        message: for a human.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class SignInRefused(CommandError):
    """Somebody is not let in at the admin page.

    Args:
        code: `wrong` (which part, is not said), `locked` or `busy`.
        message: for whoever tries.
        retry_seconds: after which another try counts; 0: at once.
    """

    def __init__(self, code: str, message: str, *, retry_seconds: int = 0) -> None:
        super().__init__(code, message)
        self.retry_seconds = retry_seconds


class NoAnswer(LatchkeyError, TimeoutError):
    """The broker or a device did not answer in time."""


class Untrusted(NoAnswer):
    """What answered is not the device that is known by its key."""
