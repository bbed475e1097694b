import time

import cv2
import numpy as np
import pytest

from training.data.augment import Augmentation
from training.data.batches import Plan, Sampler, drawn
from training.data.made_up import made_up
from training.measure import verification
from training.sources import Pictures


def pixels(faces):
    """What comparing pixels is worth: small pictures, their mean and length taken away."""
    rows = [cv2.resize(faces.samples[r], (32, 32), interpolation=cv2.INTER_AREA).ravel() for r in faces.val]
    rows = np.stack(rows).astype(np.float32)
    rows -= rows.mean(1, keepdims=True)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_the_same_seed_draws_the_same_people():
    began = time.process_time()
    small, large, other = made_up(6, 3, seed=1), made_up(8, 3, seed=1), made_up(6, 3, seed=2)
    assert time.process_time() - began < 3
    np.testing.assert_array_equal(np.stack(small.samples), np.stack(large.samples)[:18])
    assert (np.stack(small.samples) != np.stack(other.samples)).any()
    assert small.samples[0].shape == (112, 112, 3)
    assert small.samples[0].dtype == np.uint8


def test_a_small_net_learns_who_is_who_and_pixels_do_not_say():
    torch = pytest.importorskip("torch")
    from torch import nn

    torch.manual_seed(0)
    torch.set_num_threads(1)
    faces = made_up()
    by_pixels = verification(pixels(faces), faces.identity[faces.val])["eer"]
    how = Augmentation(mirror=0, glasses=0, mask=0, infrared=0)
    sampler, varied = Sampler(faces, Plan(size=32, people=8, each=4)), Pictures(faces, how).varied

    def layer(inputs, outputs):
        return nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, 2, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU6(inplace=True)
        )

    net = nn.Sequential(layer(3, 16), layer(16, 32), layer(32, 64), nn.Flatten(), nn.Linear(64 * 16, 48))
    optimiser = torch.optim.AdamW(net.parameters(), 3e-3)

    def embed(pictures):
        x = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float().sub(127.5).div(127.5)
        return nn.functional.normalize(net(x))

    for step in range(90):
        rows, pictures, _ = drawn(sampler, varied, 32, step)
        vectors, labels = embed(pictures), torch.from_numpy(faces.identity[rows])
        likeness = (vectors @ vectors.T * 10).fill_diagonal_(-1e4)
        same = (labels[:, None] == labels) & ~torch.eye(len(labels), dtype=torch.bool)
        loss = -(likeness.log_softmax(1) * same).sum(1).div(same.sum(1)).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    net.eval()
    small = [cv2.resize(faces.samples[r], (32, 32), interpolation=cv2.INTER_AREA) for r in faces.val]
    learnt = verification(embed(small).detach().numpy(), faces.identity[faces.val])["eer"]
    assert by_pixels > 0.25
    assert learnt < 0.2
