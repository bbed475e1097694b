"""Pictures from strangers: bytes to pixels, without trusting them.

The size is read from the header by ourselves before any decoder runs, so that a 40,000 x 40,000 PNG of a few hundred
bytes is refused without a pixel allocated. Where a header can be read in two ways, it is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

import cv2
import numpy as np

from agent.errors import PictureError
from agent.types import Image

MAX_BYTES = 8 * 2**20
MAX_PIXELS = 40_000_000
_MOST_SEGMENTS = 20_000  # 8 MB in the shortest chunks a sane encoder writes; more only cost time
_MOST_SCANS = 64  # of a progressive JPEG; encoders write about 10, and hundreds are a known way to burn minutes


def decode_picture(data: bytes, *, max_pixels: int = MAX_PIXELS, max_bytes: int = MAX_BYTES) -> Image:
    """The picture as (H, W, 3) uint8 RGB, the right way up (EXIF), without its transparency.

    Args:
        data: a whole JPEG, PNG, WebP or BMP.
        max_pixels: width times height.
        max_bytes: of `data`.

    Raises:
        PictureError: it is something else, cut short, damaged or too large.
    """
    if len(data) > max_bytes:
        raise PictureError(f"the picture has {len(data):,} bytes, at most {max_bytes:,} are taken")
    width, height = picture_size(data)
    if not 0 < width * height <= max_pixels:
        raise PictureError(f"the picture is {width} x {height}: at most {max_pixels:,} pixels are taken")
    try:
        decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise PictureError("the picture is damaged: it cannot be decoded") from error
    if decoded is None or sorted(decoded.shape[:2]) != sorted((width, height)):
        raise PictureError("the picture is damaged: it cannot be decoded")
    return np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), np.uint8)


def encode_picture(image: Image, *, quality: int = 95) -> bytes:
    """The picture, (H, W, 3) uint8 RGB, as a JPEG; at 95 an encoder sees next to no difference."""
    done, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise PictureError(f"a picture of the shape {image.shape} cannot be encoded")
    return data.tobytes()


def picture_size(data: bytes) -> tuple[int, int]:
    """Width and height of a JPEG, PNG, WebP or BMP in pixels, by its header (before any rotation).

    Raises:
        PictureError: it is something else, or plainly not whole.
    """
    for magic, size in _FORMATS:
        if data.startswith(magic):
            return size(data)
    raise PictureError("not a picture: a JPEG, PNG, WebP or BMP is needed")


def _number(data: bytes, start: int, size: int, order: Literal["big", "little"], *, signed: bool = False) -> int:
    """The integer in `size` bytes from `start`."""
    field = data[start : start + size]
    if len(field) < size:
        raise PictureError("the picture is cut short")
    return int.from_bytes(field, order, signed=signed)


def _png(data: bytes) -> tuple[int, int]:
    """PNG, third edition: a signature of 8 bytes, then chunks of length, type, data and checksum, IHDR to IEND."""
    if data[12:16] != b"IHDR":
        raise PictureError("the picture is damaged: a PNG begins with IHDR")
    start = 8
    for _ in range(_MOST_SEGMENTS):
        length, kind = _number(data, start, 4, "big"), data[start + 4 : start + 8]
        start += 12 + length
        if start > len(data):
            raise PictureError("the picture is cut short")
        if kind == b"IEND":
            return _number(data, 16, 4, "big"), _number(data, 20, 4, "big")
    raise PictureError(f"the picture has more than {_MOST_SEGMENTS:,} chunks")


def _jpeg(data: bytes) -> tuple[int, int]:
    """ITU T.81: after SOI, segments of 0xFF, marker, length and data, until the frame header (SOF)."""
    start = 2
    for _ in range(_MOST_SEGMENTS):
        if _number(data, start, 1, "big") != 0xFF:  # noqa: PLR2004  # T.81 B.1.1.2
            break
        marker = _number(data, start + 1, 1, "big")
        if marker in _START_OF_FRAME:
            _check_scans(data, start)
            return _number(data, start + 7, 2, "big"), _number(data, start + 5, 2, "big")
        if marker in _PARAMETERLESS:
            break
        # 0xFF is a fill byte before the marker
        start += 1 if marker == 0xFF else 2 + max(2, _number(data, start + 2, 2, "big"))  # noqa: PLR2004
    raise PictureError("the picture is damaged: its header tells no size")


def _check_scans(data: bytes, start: int) -> None:
    """Refuses a JPEG without an end, or with too many scans before it; what phones append behind it does not count.

    Goes from marker to marker as libjpeg does (next_marker and read_markers in jdmarker.c), so that both see the same
    scans: over a segment by its length, over scan data and stray bytes to the next marker.
    """
    scans = 0
    for _ in range(_MOST_SEGMENTS):
        found = _MARKER.search(data, start)
        if found is None:
            raise PictureError("the picture is cut short")
        marker, start = data[found.end() - 1], found.end()
        if marker == _END_OF_IMAGE:
            return
        if marker in _NOT_IN_AN_IMAGE:
            raise PictureError(f"the picture is damaged: it has a marker {marker:#04x} inside")
        scans += marker == _START_OF_SCAN
        if scans > _MOST_SCANS:
            raise PictureError(f"the picture has more than {_MOST_SCANS} scans")
        start += max(2, _number(data, start, 2, "big"))
    raise PictureError(f"the picture has more than {_MOST_SEGMENTS:,} segments")


_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")  # but 0xFF of the data (followed by 0), RSTn and fill bytes
_START_OF_SCAN = 0xDA
_END_OF_IMAGE = 0xD9
_NOT_IN_AN_IMAGE = frozenset({*range(0x01, 0xC0), 0xD8})  # TEM and reserved: with a length or not? And a second SOI
_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # DHT, JPG and DAC lie among them
_PARAMETERLESS = frozenset({0x00, 0x01, *range(0xD0, 0xDB)})  # TEM, RSTn, SOI, EOI, and SOS, which comes too early


def _webp(data: bytes) -> tuple[int, int]:
    """RFC 9649: a RIFF whose first chunk is VP8 (lossy), VP8L (lossless) or VP8X (extended)."""
    if _number(data, 4, 4, "little") + 8 > len(data):
        raise PictureError("the picture is cut short")
    kind = data[8:16]
    if kind == b"WEBPVP8X":
        return 1 + _number(data, 24, 3, "little"), 1 + _number(data, 27, 3, "little")
    if kind == b"WEBPVP8L":
        bits = _number(data, 21, 4, "little")  # 14 bits each
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"WEBPVP8 ":
        return _number(data, 26, 2, "little") & 0x3FFF, _number(data, 28, 2, "little") & 0x3FFF
    raise PictureError("not a picture: a RIFF that is no WebP")


def _bmp(data: bytes) -> tuple[int, int]:
    """Windows bitmap: a file header of 14 bytes, then an information header that begins with its own length."""
    if _number(data, 14, 4, "little") == 12:  # noqa: PLR2004  # BITMAPCOREHEADER
        width, height, bits = (_number(data, at, 2, "little") for at in (18, 20, 24))
        packed = 0
    else:
        width, height = (_number(data, at, 4, "little", signed=True) for at in (18, 22))
        bits, packed = _number(data, 28, 2, "little"), _number(data, 30, 4, "little")
    width, height = abs(width), abs(height)  # a negative height: rows from the top
    rows = (width * bits + 31) // 32 * 4 * height  # each padded to 32 bits
    if packed in (0, 3) and _number(data, 10, 4, "little") + rows > len(data):  # BI_RGB, BI_BITFIELDS
        raise PictureError("the picture is cut short")
    return width, height


_FORMATS: tuple[tuple[bytes, Callable[[bytes], tuple[int, int]]], ...] = (
    (b"\x89PNG\r\n\x1a\n", _png),
    (b"\xff\xd8\xff", _jpeg),
    (b"RIFF", _webp),
    (b"BM", _bmp),
)
