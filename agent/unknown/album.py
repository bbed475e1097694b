"""The folder of the pictures: each sealed with the site's key, in a file that is called by its time and its event.

    file = sealed(header (JSON) | newline | vector (float32, little-endian) | crop (JPEG))

What is in a file opens under its own name alone. When the site's key is changed nothing is sealed anew: `burn` them.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np

from agent.config import Config
from agent.errors import PictureError, StoreError
from agent.owned import put_whole
from agent.privacy.retention import UNKNOWN
from agent.seal.sealing import BrokenSealError, Seal, belonging
from agent.store.sealing import STORED
from agent.types import Crop, Embedding, Quality
from agent.vision.pictures import decode_picture, encode_picture

log = logging.getLogger(__name__)

MOST: Final = 500  # pictures; the oldest goes
LARGEST: Final = 256 * 2**10  # bytes of a file
_ENDING: Final = ".sealed"
_TIME: Final = "%Y%m%dT%H%M%SZ"
_NAME: Final = re.compile(r"\d{8}T\d{6}Z-[0-9A-Z]{26}")


@dataclass(frozen=True, slots=True, eq=False)
class Stranger:
    """A picture of somebody whom nobody knew then."""

    name: str  # of the file, without its ending
    embedding: Embedding
    quality: Quality
    picture: bytes  # JPEG, 112 x 112

    @property
    def event(self) -> str:
        """The id of the decision."""
        return self.name.partition("-")[2]

    @property
    def at(self) -> datetime:
        """When the decision was made, to the second."""
        return datetime.strptime(self.name.partition("-")[0], _TIME).replace(tzinfo=UTC)

    def crop(self) -> Crop:
        """Returns the face as the encoder saw it, but for what JPEG has changed.

        Raises:
            PictureError: it is none.
        """
        return Crop(decode_picture(self.picture), self.quality)


class Album:
    """The pictures of a device. May be used from several threads.

    Args:
        config: where its data is.
        seal: of the site.
    """

    def __init__(self, config: Config, seal: Seal) -> None:
        self._folder, self._seal = folder(config), seal

    def keep(self, event: str, at: datetime, crop: Crop, embedding: Embedding) -> str | None:
        """Keeps a picture, and lets the oldest go beyond so many; returns its name, None where it cannot be kept."""
        name = f"{at.astimezone(UTC).strftime(_TIME)}-{event}"
        if not _NAME.fullmatch(name):
            return None
        header = {"model": embedding.model, "quality": asdict(crop.quality)}
        data = json.dumps(header).encode() + b"\n" + embedding.vector.astype(STORED).tobytes()
        whole = len(data).to_bytes(4, "big") + data + encode_picture(crop.image)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            put_whole(self._folder / f"{name}{_ENDING}", self._seal.close(whole, self._belongs(name)))
            self.delete(self.names()[MOST:])
        except (OSError, StoreError) as error:
            log.warning("a picture of an unknown person is not kept: %s", error)
            return None
        return name

    def names(self) -> list[str]:
        """Returns the names of all pictures, the newest first."""
        try:
            found = [file.name.removesuffix(_ENDING) for file in self._folder.iterdir() if file.name.endswith(_ENDING)]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise StoreError(f"{self._folder} cannot be listed: {error.strerror}") from error
        return sorted(filter(_NAME.fullmatch, found), reverse=True)

    def open(self, name: str) -> Stranger | None:
        """Returns a picture; None where it is gone, or does not open under the key there is."""
        if not _NAME.fullmatch(name):
            return None
        try:
            with (self._folder / f"{name}{_ENDING}").open("rb") as file:
                sealed = file.read(LARGEST + 1)
            whole = self._seal.open(sealed, self._belongs(name))
            return _read(name, whole)
        except FileNotFoundError:
            return None
        except (OSError, BrokenSealError, ValueError, KeyError, TypeError, PictureError) as error:
            log.warning("the picture %s of an unknown person is passed over: %s", name, error)
            return None

    def delete(self, names: Iterable[str]) -> int:
        """Deletes pictures; returns how many there were."""
        done = 0
        for name in names:
            if _NAME.fullmatch(name):
                try:
                    (self._folder / f"{name}{_ENDING}").unlink()
                    done += 1
                except FileNotFoundError:
                    continue
                except OSError as error:
                    raise StoreError(f"a picture of an unknown person cannot be deleted: {error}") from error
        return done

    def _belongs(self, name: str) -> bytes:
        return belonging("unknown", name, self._seal.key.id)


def folder(config: Config) -> Path:
    """Returns where the pictures are."""
    return config.device.data_dir / UNKNOWN


def burn(config: Config) -> int:
    """Deletes all pictures, whatever they are sealed with; returns how many.

    Raises:
        StoreError: one of them stays.
    """
    try:
        files = [file for file in folder(config).iterdir() if file.is_file()]
        for file in files:
            file.unlink(missing_ok=True)
    except FileNotFoundError:
        return 0
    except OSError as error:
        raise StoreError(f"a picture of an unknown person cannot be deleted: {error}") from error
    return len(files)


def _read(name: str, whole: bytes) -> Stranger:
    length = int.from_bytes(whole[:4], "big")
    head, _, vector = whole[4 : 4 + length].partition(b"\n")
    told = json.loads(head)
    embedding = Embedding(np.frombuffer(vector, STORED).astype(np.float32), str(told["model"]))
    return Stranger(name, embedding, Quality(**told["quality"]), whole[4 + length :])
