import struct
import tracemalloc
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agent.errors import PictureError
from agent.vision.pictures import decode_picture, picture_size

SUFFIXES = [".jpg", ".png", ".webp", ".bmp"]


def gradient(height=40, width=60):
    ys, xs = np.mgrid[:height, :width]
    return np.stack([xs * 255 // width, ys * 255 // height, np.full_like(xs, 60)], axis=2).astype(np.uint8)


def encode(image, suffix, *params):
    bgr = image[..., ::-1] if image.ndim == 3 and image.shape[2] == 3 else image
    done, data = cv2.imencode(suffix, np.ascontiguousarray(bgr), list(params))
    assert done
    return data.tobytes()


def png(width, height, *, depth=8, colour=2, data=b""):
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_reads_what_was_written(suffix):
    image = gradient()
    data = encode(image, suffix)
    assert picture_size(data) == (60, 40)
    decoded = decode_picture(data)
    assert decoded.dtype == np.uint8
    assert decoded.shape == image.shape
    assert np.abs(decoded.astype(int) - image).mean() < 6


@pytest.mark.parametrize(
    "params", [(cv2.IMWRITE_WEBP_QUALITY, 50), (cv2.IMWRITE_WEBP_QUALITY, 101)], ids=["lossy", "lossless"]
)
def test_reads_each_kind_of_webp(params):
    assert decode_picture(encode(gradient(), ".webp", *params)).shape == (40, 60, 3)


def test_reads_an_extended_webp():
    with_alpha = np.dstack([gradient(), np.full((40, 60), 128, np.uint8)])
    data = encode(with_alpha, ".webp", cv2.IMWRITE_WEBP_QUALITY, 50)
    assert data[12:16] == b"VP8X"
    assert decode_picture(data).shape == (40, 60, 3)


def test_reads_a_progressive_jpeg():
    data = encode(gradient(), ".jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
    assert decode_picture(data).shape == (40, 60, 3)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".bmp"])
def test_grey_becomes_three_equal_channels(suffix):
    decoded = decode_picture(encode(gradient()[..., 0], suffix))
    assert decoded.shape == (40, 60, 3)
    assert np.array_equal(decoded[..., 0], decoded[..., 2])


def test_sixteen_bits_become_eight():
    image = gradient().astype(np.uint16) * 257
    assert np.abs(decode_picture(encode(image, ".png")).astype(int) - gradient()).max() <= 1


def test_transparency_is_left_out():
    image = np.dstack([gradient()[..., ::-1], np.zeros((40, 60), np.uint8)])
    assert np.array_equal(decode_picture(encode(image, ".png")), gradient())


@pytest.mark.parametrize(
    ("orientation", "upright"),
    [(1, lambda a: a), (3, lambda a: a[::-1, ::-1]), (6, lambda a: np.rot90(a, -1)), (8, np.rot90)],
    ids=["upright", "on its head", "lying right", "lying left"],
)
def test_a_jpeg_is_turned_upright(orientation, upright):
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01" + struct.pack(">HHI", orientation, 0, 0)
    data = encode(gradient(), ".jpg")
    data = data[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + data[2:]
    want = upright(gradient()).astype(int)
    decoded = decode_picture(data)
    assert decoded.shape == want.shape
    assert np.abs(decoded - want).mean() < 6


def test_fill_bytes_and_a_thumbnail_do_not_mislead():
    thumbnail = encode(gradient(8, 8), ".jpg")
    data = encode(gradient(), ".jpg")
    data = data[:2] + b"\xff\xe2" + struct.pack(">H", len(thumbnail) + 2) + thumbnail + b"\xff\xff\xff" + data[2:]
    assert picture_size(data) == (60, 40)
    assert decode_picture(data).shape == (40, 60, 3)


def bombs():
    lossless = encode(gradient(), ".webp", cv2.IMWRITE_WEBP_QUALITY, 101)
    bits = (16383 | 16383 << 14).to_bytes(4, "little")
    jpeg = bytearray(encode(gradient(), ".jpg"))
    frame = jpeg.index(b"\xff\xc0")
    jpeg[frame + 5 : frame + 9] = struct.pack(">HH", 60_000, 60_000)
    bitmap = struct.pack("<2sIHHIIiiHHIIiiII", b"BM", 62, 0, 0, 54, 40, 40_000, -40_000, 1, 1, 1, 0, 0, 0, 0, 0)
    return {
        "a PNG of 40,000 x 40,000": png(40_000, 40_000, depth=1, colour=0, data=bytes(5001 * 400)),
        "a JPEG of 60,000 x 60,000": bytes(jpeg),
        "a WebP of 16,384 x 16,384": lossless[:21] + bits + lossless[25:],
        "a run-length BMP of 40,000 x 40,000": bitmap,
    }


@pytest.mark.parametrize("name", bombs())
def test_a_bomb_is_refused_before_any_pixel_is_allocated(name):
    data = bombs()[name]
    tracemalloc.start()
    with pytest.raises(PictureError, match="pixels are taken"):
        decode_picture(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000


def test_limits_can_be_set():
    data = encode(gradient(), ".png")
    with pytest.raises(PictureError, match="60 x 40: at most 2,399 pixels"):
        decode_picture(data, max_pixels=2399)
    assert decode_picture(data, max_pixels=2400, max_bytes=len(data)).shape == (40, 60, 3)
    with pytest.raises(PictureError, match="bytes"):
        decode_picture(data, max_bytes=len(data) - 1)


def test_too_many_scans_are_refused():
    data = encode(gradient(), ".jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
    with pytest.raises(PictureError, match="scans"):
        decode_picture(data[:-2] + 70 * b"\xff\xda\0\x08\x01\x01\0\0?\0" + data[-2:])


SCAN = b"\xff\xda\0\x08\x01\x01\0\0?\0"


def after_the_frame_header(data, more):
    """The JPEG `data` with `more` segments before its first scan."""
    scan = data.index(b"\xff\xda")
    return data[:scan] + more + data[scan:]


def segment(marker, body):
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(body) + 2) + body


@pytest.mark.parametrize("progressive", [0, 1])
@pytest.mark.parametrize(
    "appended",
    [b"\0\0\0\x18ftypmp42" + 300 * (SCAN + b"\xff\xd9") + 300 * SCAN, 80 * encode(gradient(), ".jpg"), b"\xff"],
    ids=["the film of a motion photo", "more pictures", "half a marker"],
)
def test_what_stands_behind_the_end_is_not_counted(appended, progressive):
    data = encode(gradient(), ".jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, progressive)
    assert np.array_equal(decode_picture(data + appended), decode_picture(data))


def test_what_stands_in_a_segment_is_not_counted():
    data = after_the_frame_header(encode(gradient(), ".jpg"), segment(0xFE, 300 * SCAN + b"\xff\xd9"))
    assert decode_picture(data).shape == (40, 60, 3)


@pytest.mark.parametrize(
    "scan",
    [SCAN, b"\xff\xff" + SCAN, b"\0" + SCAN, b"\xff\xd0" + SCAN, b"\xff\xfe\0\0" + SCAN, SCAN + b"\0\xff\0\xff\xd7"],
    ids=["plain", "fill bytes", "stray bytes", "a restart", "an empty comment", "data with restarts"],
)
def test_too_many_scans_are_counted_however_they_are_wrapped(scan):
    data = encode(gradient(), ".jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
    with pytest.raises(PictureError, match="more than 64 scans"):
        decode_picture(data[:-2] + 70 * scan + data[-2:])


@pytest.mark.parametrize("marker", [0x01, 0x02, 0xBF, 0xD8])
def test_a_marker_that_could_hide_scans_from_us_alone_is_refused(marker):
    data = encode(gradient(), ".jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
    with pytest.raises(PictureError, match=f"damaged: it has a marker {marker:#04x}"):
        decode_picture(data[:-2] + segment(marker, 70 * SCAN) + data[-2:])


def test_the_end_of_a_thumbnail_is_not_that_of_the_picture():
    data = after_the_frame_header(encode(gradient(), ".jpg"), segment(0xE2, encode(gradient(8, 8), ".jpg")))
    assert decode_picture(data).shape == (40, 60, 3)
    with pytest.raises(PictureError, match="cut short"):
        decode_picture(data[:-40])


def test_any_number_of_restarts_is_fine():
    grey = np.zeros((1200, 1200), np.uint8)  # 22,500 blocks of 8 x 8
    data = encode(grey, ".jpg", cv2.IMWRITE_JPEG_RST_INTERVAL, 1)
    assert data.count(b"\xff\xd0") > 2000
    assert decode_picture(data).shape == (1200, 1200, 3)


@pytest.mark.parametrize("filler", [b"\xff", b"\xff\xd0", b"\xff\0", b"\xff\xfe\0\0"])
def test_endless_scan_data_is_refused_at_once(filler):
    data = encode(gradient(), ".jpg")
    with pytest.raises(PictureError, match=r"cut short|segments"):
        decode_picture(data[:-2] + filler * (7_000_000 // len(filler)))


@pytest.mark.parametrize("filler", [b"\xff", b"\xff\xfe\0\0"], ids=["fill bytes", "empty segments"])
def test_an_endless_header_is_refused_at_once(filler):
    with pytest.raises(PictureError):
        decode_picture(b"\xff\xd8\xff" + filler * (2_000_000 // len(filler)))


def test_endless_chunks_are_refused_at_once():
    with pytest.raises(PictureError, match="chunks"):
        decode_picture(png(9, 9)[:33] + bytes(4_000_000))


@pytest.mark.parametrize(
    "data",
    [b"", b"\0" * 100, b"hello", b"GIF89a" + bytes(60), b"%PDF-1.7", b"<svg/>", b"BM", b"RIFF", b"\xff\xd8\xff",
     b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\0WAVEfmt ", b"\xff\xd8\xff\xd9", png(0, 9), png(5, 5, data=b"x")],
    ids=lambda data: repr(data[:12]),
)  # fmt: skip
def test_what_is_no_picture_is_refused(data):
    with pytest.raises(PictureError):
        decode_picture(data)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("share", [0.02, 0.3, 0.7, 0.97])
def test_a_picture_cut_short_is_refused(suffix, share):
    data = encode(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8), suffix)
    with pytest.raises(PictureError):
        decode_picture(data[: int(len(data) * share)])


WHOLE = [encode(gradient(), suffix) for suffix in SUFFIXES] + [
    encode(gradient(), ".jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
    encode(gradient(), ".webp", cv2.IMWRITE_WEBP_QUALITY, 101),
    encode(np.dstack([gradient(), gradient()[..., 0]]), ".webp", cv2.IMWRITE_WEBP_QUALITY, 30),
]
MAGIC = [b"", *(data[:size] for data in WHOLE for size in (4, 16, 30))]


@settings(deadline=None)
@given(st.sampled_from(MAGIC), st.binary(max_size=400))
@example(b"BM", bytes(60))
def test_random_bytes_do_no_harm(magic, rest):
    decode_or_refuse(magic + rest)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(WHOLE),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=6),
    st.one_of(st.just(1.0), st.floats(0, 1)),
)
def test_mutated_pictures_do_no_harm(data, changes, keep):
    mutated = bytearray(data[: int(len(data) * keep)])
    for place, value in changes if mutated else ():
        mutated[int(place**2 * len(mutated))] = value  # most of them in the header
    decode_or_refuse(bytes(mutated))


def decode_or_refuse(data):
    try:
        image = decode_picture(data, max_pixels=1_000_000)
    except PictureError:
        return
    assert image.dtype == np.uint8
    assert image.shape[2] == 3
    assert image.size <= 3_000_000
