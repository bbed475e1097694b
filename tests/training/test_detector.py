"""The detector's net, what its grids are taught, and one small training."""

import cv2
import numpy as np
import pytest
import torch

from agent.vision.align import similarity
from agent.vision.detect import Detector as Detect
from training.compose import Composer
from training.detector import STRIDES, Detector, InPairs, grow
from training.detector_learner import Learner, draw
from training.detector_loss import box_iou, loss, misalignment, targets
from training.detector_preset import DetectorPreset, Phase
from training.loop.world import World
from training.scenes import Scene
from training.train_detector import FloatModel


def test_detector_targets_lie_on_the_face_at_its_own_grid():
    box = np.array([[40, 30, 80, 80]], np.float32)
    marks = np.array([[[50, 45], [70, 45], [60, 57], [52, 68], [68, 68]]], np.float32)
    yes, no = np.ones(1, bool), np.zeros(1, bool)
    labels = [(box, marks, yes, yes)]
    goal = targets(labels, 16, 128, 160)
    r, c = np.nonzero(goal.state[0].numpy() == 1)
    assert len(r) > 0
    for row, column in zip(r, c, strict=True):
        middle = np.array([(column + 0.5) * 16, (row + 0.5) * 16])
        left, top, right, bottom = goal.box[0, row, column].numpy() * 16
        np.testing.assert_allclose([middle[0] - left, middle[1] - top, middle[0] + right, middle[1] + bottom], box[0])
        np.testing.assert_allclose(goal.points[0, row, column].numpy().reshape(5, 2) * 16 + middle, marks[0], atol=1e-4)
    assert (targets(labels, 32, 128, 160).state != 1).all()

    maps = Detector().eval()(torch.randn(1, 3, 128, 160))
    exact = loss(maps, [targets(labels, stride, 128, 160) for stride in STRIDES])
    as_a_whole = loss(maps, [targets([(box, marks, no, yes)], stride, 128, 160) for stride in STRIDES])
    assert all(torch.isfinite(value) for value in exact.values())
    assert 0 < as_a_whole["points"] < exact["points"]


@pytest.mark.parametrize("size", [4, 6, 8, 10, 12, 16, 20, 30, 44, 80, 120])
def test_what_a_grid_is_taught_it_can_say(size):
    """A cell states distances to the four sides, which are not negative: none beside a small face is taught one."""
    rng, yes, taught = np.random.default_rng(size), np.ones(1, bool), 0
    for _ in range(20):
        x, y = rng.uniform(4, 150 - size, 2)
        box = np.array([[x, y, x + 0.75 * size, y + size]], np.float32)
        marks = np.zeros((1, 5, 2), np.float32) + box[:, None, :2]
        for stride in STRIDES:
            goal = targets([(box, marks, yes, yes)], stride, 160, 160)
            boxes = goal.box[goal.state == 1]
            taught += len(boxes)
            if len(boxes) > 1:  # of a face between the middles of cells it is the nearest one alone
                assert boxes.min() >= 0
                torch.testing.assert_close(box_iou(boxes, boxes)[0], torch.ones(len(boxes)))
            assert (box_iou(torch.zeros_like(boxes), boxes)[0] == 0).all()
    assert taught >= 20


def test_boxes_that_share_nothing_have_nothing_in_common():
    said, true = torch.tensor([[0.0, 0.0, 1.0, 1.0]]), torch.tensor([[-2.0, -2.0, 3.0, 3.0]])
    iou, generalised = box_iou(said, true)
    assert iou.item() == 0
    assert generalised.item() == pytest.approx(-(9 - 2) / 9)


def test_misalignment_is_what_the_similarity_makes_of_an_error():

    rng = np.random.default_rng(3)
    points = rng.normal(0, 20, (5, 2)).astype(np.float32)
    error = rng.normal(0, 0.5, (5, 2)).astype(np.float32)
    found = points + error
    fitted = np.column_stack([points, np.ones(5)]) @ similarity(points, found).T  # the similarity nearest to `found`
    moved = misalignment(torch.from_numpy(error)[None], torch.from_numpy(points)[None])[0].numpy()
    np.testing.assert_allclose(moved, fitted - points, atol=1e-3)
    rest = torch.from_numpy(error - moved)[None]
    np.testing.assert_allclose(misalignment(rest, torch.from_numpy(points)[None]).numpy(), 0, atol=1e-4)


def test_a_detector_in_pairs_says_the_same():
    torch.manual_seed(0)
    net, x = Detector().eval(), torch.randn(2, 3, 96, 128)
    with torch.no_grad():
        said = net(x)
        net.pair()
        for before, now in zip(said, net(x), strict=True):
            torch.testing.assert_close(now, before, rtol=1e-4, atol=1e-5)
    with pytest.raises(ValueError, match="not a 3x3 convolution of stride 2"):
        InPairs(torch.nn.Conv2d(3, 8, 3))


def test_a_face_that_is_not_asked_about_is_neither_face_nor_none():
    box, marks = np.array([[40, 30, 80, 80]], np.float32), np.zeros((1, 5, 2), np.float32)
    yes, no = np.ones(1, bool), np.zeros(1, bool)
    state = targets([(box, marks, yes, no)], 8, 128, 160).state[0]
    assert set(state.unique().tolist()) == {-1.0, 0.0}
    asked = np.argwhere(state.numpy() == -1) * 8 + 4
    assert ((asked[:, ::-1] > box[0, :2] - 8) & (asked[:, ::-1] < box[0, 2:] + 8)).all()


def test_a_grown_net_says_what_the_smaller_one_said():
    torch.manual_seed(1)
    small, large = Detector(stem=8, widths=(16, 24, 64, 96)).eval(), Detector().eval()
    weights = {name: value.half() for name, value in small.state_dict().items()}  # as they are kept
    newer = (".marks.", "wide.", "stem.3.", "fine.2.", "fine.3.")
    grow(large, {name: value for name, value in weights.items() if not any(part in name for part in newer)})
    for block in (small.stem[3], small.fine[2], small.fine[3]):  # nor had it as many blocks
        torch.nn.init.zeros_(block.body[2][1].weight)
    for head in small.heads:  # the older net had no branch for landmarks and nothing from the coarse grid
        head.marks.load_state_dict(head.shared.state_dict())
    small.load_state_dict({n: v.half().float() if v.is_floating_point() else v for n, v in small.state_dict().items()})
    torch.nn.init.zeros_(small.wide[1].weight)
    torch.nn.init.zeros_(small.wide[1].bias)
    x = torch.rand(1, 3, 96, 128) * 2 - 1
    with torch.inference_mode():
        for want, got in zip(small(x), large(x), strict=True):
            torch.testing.assert_close(got, want, rtol=1e-3, atol=1e-4)


def test_the_coarse_grid_helps_a_middle_one_with_an_odd_number_of_rows():
    with torch.inference_mode():
        shapes = [tuple(m.shape[-2:]) for m in Detector().eval()(torch.zeros(1, 3, 240, 320))[::3]]
    assert shapes == [(30, 40), (15, 20), (8, 10)]


def test_a_detector_learns_one_face_by_heart():
    picture = np.full((96, 96, 3), 90, np.uint8)
    points = np.array([(38, 40), (58, 40), (48, 50), (41, 62), (55, 62)], np.float32)
    for x, y in points:
        cv2.circle(picture, (int(x), int(y)), 4, (255, 30, 30), -1)
    scene = Scene("", picture, np.array([[28, 25, 68, 72]], np.float32), points[None])
    phase = Phase(samples=256, batch=4, width=96, height=96, peak_rate=0.02, last_rate=0.02)
    torch.manual_seed(0)
    preset = DetectorPreset(name="by heart", phase=(phase,))
    learner = Learner(Detector(stem=8, widths=(8, 16, 16, 16)), preset.optimiser, World(0, 1, torch.device("cpu")))
    composer = Composer([scene], [np.zeros((64, 64, 3), np.uint8)], seed=0)
    composer._weather, composer._hide = lambda picture: picture, lambda drawn: None
    steps = [learner.learn(draw(composer, phase, step), 0.02) for step in range(64)]
    score = [parts["score"].item() for parts in steps]
    whole = [sum(part.item() for part in parts.values()) for parts in steps]
    assert np.mean(score[-5:]) < 0.5 * np.mean(score[:5])
    assert np.mean(whole[-5:]) < 0.9 * np.mean(whole[:5])


def test_the_agent_reads_the_net_on_the_way():
    net = Detector()
    torch.nn.init.constant_(net.heads[2].score.bias, 4.0)  # every coarse cell sees a face
    faces = Detect(FloatModel(net))(np.zeros((240, 320, 3), np.uint8))
    assert faces
    assert all(face.score > 0.9 for face in faces)
