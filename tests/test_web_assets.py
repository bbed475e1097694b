"""The files of the pages: compressed for those who take that, and told apart from those that are not."""

import gzip

import pytest
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from agent.web.assets import load_kiosk, served

ASSETS = load_kiosk()


@pytest.fixture(scope="module")
def client():
    async def asset(request):
        return served(ASSETS, request)

    with TestClient(Starlette(routes=[Route("/{name:path}", asset)])) as opened:
        yield opened


@pytest.mark.parametrize(
    ("accepted", "packed"),
    [
        ("gzip", True),
        ("br, GZIP;q=0.5", True),
        ("deflate, gzip", True),
        ("gzip;q=1.0", True),
        ("", False),
        ("identity", False),
        ("br", False),
        ("gzip;q=0", False),
        ("gzip; q=0.000, br", False),
        ("gzipped", False),
    ],
)
def test_a_file_comes_compressed_to_those_who_take_it(client, accepted, packed):
    with client.stream("GET", "/kiosk.css", headers={"Accept-Encoding": accepted}) as answer:
        raw = b"".join(answer.iter_raw())
    assert (gzip.decompress(raw) if packed else raw) == ASSETS["kiosk.css"].content
    assert answer.headers.get("content-encoding") == ("gzip" if packed else None)
    assert answer.headers["content-length"] == str(len(raw))
    assert (answer.headers["vary"], answer.headers["content-type"]) == ("Accept-Encoding", "text/css; charset=utf-8")


def test_what_has_not_changed_does_not_come_again_in_the_same_coding(client):
    packed, plain = {"Accept-Encoding": "gzip"}, {"Accept-Encoding": "identity"}
    tags = [client.get("/", headers=each).headers["etag"] for each in (packed, plain)]
    assert len(set(tags)) == 2
    seen = [client.get("/", headers=each | {"If-None-Match": tags[0]}) for each in (packed, plain)]
    assert [(each.status_code, each.headers["vary"]) for each in seen] == [
        (304, "Accept-Encoding"),
        (200, "Accept-Encoding"),
    ]


def test_compressed_is_smaller():
    assert {name for name, asset in ASSETS.items() if len(asset.packed) >= len(asset.content)} == set()
