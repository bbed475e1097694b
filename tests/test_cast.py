"""The rendered cast, and the clip and pictures made of it."""

import itertools
import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from training.cast import Actor, Expression, Light, Pose, cast, hall, landmarks, random_identity, render, scene
from training.cast.casting import choose
from training.cast.check import clip_frames, found
from training.cast.clip import SIZE, portrait, script
from training.cast.director import FPS, shown, story
from training.cast.identity import BeardStyle, GlassesStyle, Hair, HairStyle, Identity
from training.cast.judges import TEMPLATE, Haar, align
from training.cast.picture import FOCAL, Sensor
from training.cast.raster import FAR, part, rasterise, sample

DEMO = Path(__file__).parent.parent / "agent" / "demo"
SMALL = (96, 96)


@pytest.fixture(scope="module")
def told():
    return story(cast())


@pytest.fixture(scope="module")
def clip():
    return list(clip_frames(DEMO / "clip.mp4"))


@pytest.fixture(scope="module")
def written():
    return json.loads((DEMO / "clip.json").read_text(encoding="utf-8"))


def test_the_same_seed_makes_the_same_person_and_picture():
    first, second = (random_identity(np.random.default_rng(5)) for _ in range(2))
    assert first == second
    assert first != random_identity(np.random.default_rng(6))
    assert np.array_equal(render(first, size=SMALL), render(second, size=SMALL))


@pytest.mark.parametrize("style", HairStyle, ids=str)
def test_every_hair_style_can_be_worn(style):
    picture = render(Identity(hair=Hair(style=style, beard=BeardStyle.FULL)), size=SMALL)
    assert picture.shape == (96, 96, 3)
    assert picture.dtype == np.uint8
    assert picture.std() > 10


@pytest.mark.parametrize("style", list(GlassesStyle)[1:], ids=str)
def test_glasses_darken_the_eyes_surroundings(style):
    bare, worn = (render(Identity(glasses=g), size=SMALL, sensor=None) for g in (GlassesStyle.NONE, style))
    changed = np.abs(bare.astype(int) - worn).sum(axis=2) > 12
    assert 10 < changed.sum() < 0.2 * changed.size


def test_a_blink_changes_the_eyes_and_nothing_else():
    opened, closed = (
        render(Identity(), size=SMALL, sensor=None, face=Expression(blink=blink)).astype(int) for blink in (0, 1)
    )
    rows, columns = np.nonzero(np.abs(opened - closed).sum(axis=2) > 6)
    eyes = landmarks(Identity(), size=SMALL)[:2]
    assert len(rows) > 5
    assert np.abs(rows - eyes[:, 1].mean()).max() < 8
    assert columns.min() > eyes[0, 0] - 12
    assert columns.max() < eyes[1, 0] + 12


@pytest.mark.parametrize(
    ("pose", "axis", "sign"),
    [
        pytest.param(Pose(yaw=25), 0, 1, id="yaw turns the nose to the right"),
        pytest.param(Pose(yaw=-25), 0, -1, id="negative yaw to the left"),
        pytest.param(Pose(pitch=20), 1, -1, id="pitch lifts it"),
    ],
)
def test_the_nose_shows_where_the_head_turns(pose, axis, sign):
    def nose(points):
        return (points[2] - points[[0, 1, 3, 4]].mean(axis=0))[axis]

    who = Identity()
    assert sign * (nose(landmarks(who, pose)) - nose(landmarks(who))) > 4


def test_landmarks_are_ordered_as_in_the_image():
    left_eye, right_eye, nose, left_mouth, right_mouth = landmarks(Identity(), Pose(roll=5))
    assert left_eye[0] < nose[0] < right_eye[0]
    assert left_mouth[0] < right_mouth[0]
    assert right_eye[1] > left_eye[1], "rolled clockwise"
    assert left_eye[1] < nose[1] < left_mouth[1]


def test_the_dark_is_where_the_pupils_are():
    picture = render(Identity(), size=(320, 320), sensor=None).astype(int).sum(axis=2)
    for x, y in landmarks(Identity(), size=(320, 320))[:2].round().astype(int):
        assert picture[y, x] < 0.5 * picture[y + 25, x], "darker than the cheek below"


def test_a_scene_without_people_is_its_background():
    background = hall(SMALL)
    assert np.array_equal(scene([], background, sensor=None), background)


def test_the_near_one_hides_the_far_one():
    who, other = (random_identity(np.random.default_rng(seed)) for seed in (1, 2))
    near, far = Actor(who, Pose(distance=60)), Actor(other, Pose(distance=300))
    alone = scene([near], hall(SMALL), sensor=None)
    assert np.array_equal(scene([near, far], hall(SMALL), sensor=None), scene([far, near], hall(SMALL), sensor=None))
    middle = (slice(30, 60), slice(40, 56))
    assert np.array_equal(scene([near, far], hall(SMALL), sensor=None)[middle], alone[middle])


def test_light_comes_from_its_side():
    bright = render(Identity(), light=Light(azimuth=70), size=SMALL, sensor=None).astype(int).sum(axis=2)
    assert bright[40:60, 52:62].mean() > 1.15 * bright[40:60, 34:44].mean()


def test_the_sensor_adds_grain_by_its_seed():
    grey = np.full((64, 64, 3), 120, np.uint8)
    one, again, other = (scene([], grey, sensor=Sensor(seed=seed)) for seed in (1, 1, 2))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
    assert 0.5 < one.astype(float).std() < 6


def test_a_square_is_drawn_where_it_is():
    down, across = np.mgrid[0:5, 0:7].astype(np.float32)
    plane = np.stack([across, -down, 0 * down], axis=-1)
    square = part(plane, np.ones((5, 7, 4), np.float32))
    points = (square.vertices[:, :2] * [2, -2] + 3).astype(np.float32)
    depth, u, v = rasterise(points, np.full(35, 50, np.float32), square, (20, 24))
    inside = np.zeros((20, 24), bool)
    inside[3:12, 3:16] = True
    assert np.array_equal(depth < FAR, inside)
    rows, columns = np.nonzero(inside)
    assert np.allclose(u[inside], (columns - 3) / 2, atol=1e-3)
    assert np.allclose(v[inside], (rows - 3) / 2, atol=1e-3)


def test_maps_are_sampled_between_their_pixels():
    ramp = np.repeat(np.arange(8, dtype=np.float32)[None, :, None], 4, axis=0)
    assert np.allclose(sample(ramp, np.float32([0, 2.5, 6.75]), np.float32([1, 1, 1]))[:, 0], [0, 2.5, 6.75], atol=0.04)
    assert sample(ramp, np.float32([]), np.float32([])).shape == (0, 1)


def test_alignment_brings_landmarks_onto_the_template():
    picture = np.zeros((400, 400, 3), np.uint8)
    points = TEMPLATE * 2.5 + [60, 40]
    for x, y in points:
        cv2.circle(picture, (round(x), round(y)), 6, (255, 255, 255), -1)
    crop = align(picture, points.astype(np.float32))
    assert all(crop[round(y), round(x)].min() > 200 for x, y in TEMPLATE)


def test_choosing_finds_the_least_alike_group():
    rng = np.random.default_rng(3)
    table = rng.uniform(0.1, 0.9, (9, 9)).astype(np.float32)
    table = np.maximum(table, table.T)
    np.fill_diagonal(table, 0.9)
    table[4, 4] = 0.2  # not like itself: never chosen

    def score(group):
        pairs = [table[i, j] for i, j in itertools.combinations(group, 2)]
        return max(pairs) + 0.2 * np.mean(pairs)

    best = min(itertools.combinations([i for i in range(9) if i != 4], 3), key=score)
    assert sorted(choose(table, 3)) == sorted(best)


def test_the_story_is_as_the_demo_needs_it(told):
    roles = {name: "staff" for name, _ in cast().staff} | {name: "stranger" for name, _ in cast().strangers}
    near = [visit for visit in told.visits if visit.near is not None]
    assert {visit.person for visit in near if roles[visit.person] == "staff"} == {"ada", "bruno"}
    assert sum(roles[visit.person] == "stranger" for visit in near) == 2
    together = [(a, b) for a, b in itertools.combinations(near, 2) if max(a.near, b.near) < min(a.until, b.until)]
    assert [{roles[v.person] for v in pair} for pair in together] == [{"staff", "stranger"}]
    busy = np.array([bool(told.actors(n)) for n in range(told.frames)])
    gaps = [len(list(run)) / FPS for empty, run in itertools.groupby(~busy) if empty]
    assert min(gaps[1:-1]) >= 1.5, "tracks must end between visits"


def test_faces_are_as_large_as_at_a_door(told):
    for visit in told.visits:
        poses = [visit.move(n) for n in range(visit.first, visit.last + 1)]
        heights = [19.0 * FOCAL * SIZE[1] / pose.distance for pose in poses]
        if visit.near is None:
            assert max(heights) < 50
        else:
            at_door = heights[visit.near - visit.first : visit.until - visit.first]
            assert min(at_door) > 110
            assert max(at_door) < 200


def test_the_bundled_script_is_the_story(told, written):
    pictures = {person["id"]: person["pictures"] for person in written["people"]}
    assert script(told, cast(), pictures) == written
    assert all((DEMO / name).is_file() for names in pictures.values() for name in names)
    assert all(len(pictures[name]) == 4 for name, _ in cast().staff)


def test_the_bundled_clip_is_what_the_code_makes(told, clip, written):
    assert (len(clip), clip[0].shape) == (written["frames"], (written["height"], written["width"], 3))
    number = told.visits[0].near + 10
    light = told.light(number)
    made = scene(told.actors(number), hall(SIZE, light), light, sensor=Sensor(noise=1.4, seed=number))
    assert np.abs(made.astype(int) - clip[number]).mean() < 4


def test_the_clip_plays_the_same_twice(clip):
    again = clip_frames(DEMO / "clip.mp4")
    assert all(np.array_equal(first, second) for first, second in zip(clip[:90], again, strict=False))


def test_the_bundled_pictures_are_what_the_code_makes():
    name, who = cast().staff[0]
    bundled = cv2.imread(str(DEMO / "staff" / f"{name}-2.jpg"))[..., ::-1]
    assert np.abs(portrait(who, 1).astype(int) - bundled).mean() < 4


def test_the_bundled_files_are_small():
    media = [DEMO / "clip.mp4", *(DEMO / "staff").iterdir()]
    assert media[0].stat().st_size < 2_000_000
    assert sum(file.stat().st_size for file in media) < 3_000_000


def test_an_independent_detector_finds_the_faces(told, clip):
    if not hasattr(cv2, "CascadeClassifier"):
        pytest.skip("this OpenCV has no Haar cascades (OpenCV 5 left them out)")
    haar, good, faces = Haar(), 0, 0
    for number in range(0, len(clip), 5):
        actors = [a for a in told.actors(number) if shown(a.pose) and abs(a.pose.yaw) < 25 and a.pose.distance < 120]
        boxes = haar(clip[number]) if actors else np.zeros((0, 4), np.float32)
        good += sum(found(boxes, actor) is not None for actor in actors)
        faces += len(actors)
    assert faces > 40
    assert good >= 0.95 * faces


def test_age_and_mood_show():
    young, old = Identity(), replace(Identity(), skin=replace(Identity().skin, age=1.0))
    calm, glad = (render(young, size=SMALL, sensor=None, face=Expression(smile=s)).astype(int) for s in (0, 1))
    assert np.abs(render(old, size=SMALL, sensor=None).astype(int) - calm).max() > 8
    assert np.abs(glad - calm).max() > 20
