"""What the agent does when the case is opened and `[inputs] tamper_wipes` is on."""

from __future__ import annotations

from datetime import UTC, datetime

from agent.config import Config
from agent.device_key import key_path
from agent.entrance import Entrance
from agent.errors import StoreError
from agent.privacy import wipe
from agent.recorder import Recorder
from agent.register import Request
from agent.seal.keyring import key_files
from agent.types import Alarm


def wipe_house(config: Config, recorder: Recorder, entrance: Entrance) -> None:
    """Wipes everything and raises the alarm once more, for the first one was wiped with the rest.

    Raises:
        StoreError: always: the agent ends and begins anew, with a new key and nobody enrolled. Where nothing can be
            written now, the rest is wiped then.
    """
    at = datetime.now(UTC)
    request = Request("tamper", at, recorder.boot_id, clock=entrance.clock())
    keys = [*key_files(config), key_path(config)]
    gone = wipe.begin(config, keys, cause="tamper")  # not in the recorder's turn: a disk that is full keeps no key
    recorder.write(lambda db: wipe.wipe(db, config, keys, request, cause="tamper", gone=gone))
    entrance.alarm(Alarm.TAMPER, at, detail="keys, templates, PINs, cards and events are wiped")
    raise StoreError("the case was opened: everything is wiped; starting anew")
