"""Photos in folders as they come from network drives and other systems."""

import pytest

from agent.client.staff import Newcomer, from_folder
from agent.vision.photo_files import of_a_system, people_in, photos_below

KEPT = ("ada/1.jpg", "ada/later/2.PNG", "grace/b.webp")
BESIDE = (
    "ada/@eaDir/1.jpg/SYNOPHOTO_THUMB_M.jpg",  # a folder that is called as a photo
    "ada/.thumbnails/1.jpg",
    "ada/._1.jpg",
    "ada/notes.txt",
    "@eaDir/a.jpg",
    "__MACOSX/ada/1.jpg",
    "#recycle/1.jpg",
    ".trash/1.jpg",
)


@pytest.fixture
def folder(tmp_path):
    for name in (*KEPT, *BESIDE):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def test_what_systems_keep_beside_photos_is_nobody(folder):
    assert [path.name for path in people_in(folder)] == ["ada", "grace"]
    assert [str(file.relative_to(folder)) for file in photos_below(folder)] == list(KEPT)
    assert from_folder(folder) == [
        Newcomer("ada", (folder / KEPT[0], folder / KEPT[1])),
        Newcomer("grace", (folder / KEPT[2],)),
    ]


def test_a_folder_below_one_that_a_system_made_is_read_where_it_is_named(folder):
    assert [file.name for file in photos_below(folder / "@eaDir")] == ["a.jpg"]
    assert of_a_system((folder / "ada").relative_to(folder)) == ""
