"""What every engine promises, over the runtimes installed here."""

import hashlib
import importlib.util
import threading
from pathlib import Path

import numpy as np
import pytest

import agent
from agent.errors import ModelError
from agent.hardware import backends
from agent.hardware.engines.litert import RUNTIMES
from tests.fakes import tiny_model

BUNDLED = sorted((Path(agent.__file__).parent / "models").glob("*.tflite"))


@pytest.fixture(params=RUNTIMES)
def opened(request):
    """Return a function that opens a model with the runtime under test."""
    if importlib.util.find_spec(RUNTIMES[request.param].split(".")[0]) is None:
        pytest.skip(f"{request.param} is not installed")

    def open_model(path, **options):
        return backends.load("engine", request.param)(path, runtime=request.param, **options)

    return open_model


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "tiny.tflite"
    path.write_bytes(tiny_model.build())
    return path


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def model(opened, path):
    return opened(path, sha256=digest(path))


def test_it_says_what_it_takes_and_returns(model):
    (given,), (returned,) = model.inputs, model.outputs
    assert (given.name, given.shape, given.dtype) == ("in", (1, 4), np.dtype(np.int8))
    assert (given.scale, given.zero_point) == (tiny_model.INPUT_SCALE, tiny_model.INPUT_ZERO)
    assert (returned.name, returned.shape, returned.dtype) == ("out", (1, 2), np.dtype(np.int8))
    assert (returned.scale, returned.zero_point) == (tiny_model.OUTPUT_SCALE, tiny_model.OUTPUT_ZERO)


def test_it_computes_what_the_model_says(model):
    rng = np.random.default_rng(0)
    for _ in range(20):
        given = rng.integers(-20, 20, (1, 4), np.int8)
        (returned,) = model(given)
        assert np.abs(returned - np.clip(tiny_model.answer(given), -128, 127)).max() < 1


def test_what_it_returned_stays_when_it_is_called_again(model):
    (first,) = model(np.array([[10, 0, 0, 0]], np.int8))
    before = first.copy()
    (second,) = model(np.array([[0, 0, 0, 30]], np.int8))
    assert np.array_equal(first, before)
    assert not np.array_equal(second, before)
    assert not np.shares_memory(first, second)


def test_what_it_was_given_is_neither_changed_nor_needed_afterwards(model):
    given = np.array([[1, 2, 3, 4]], np.int8)
    (before,) = model(given)
    assert given.tolist() == [[1, 2, 3, 4]]
    given[:] = 9
    (after,) = model(np.array([[1, 2, 3, 4]], np.int8))
    assert np.array_equal(before, after)


def test_arrays_that_are_not_contiguous_are_taken(model):
    given = np.array([[1, 9, 2, 9, 3, 9, 4, 9]], np.int8)[:, ::2]
    assert np.array_equal(model(given)[0], model(given.copy())[0])


@pytest.mark.parametrize(
    "arrays",
    [
        pytest.param([np.zeros((1, 5), np.int8)], id="another shape"),
        pytest.param([np.zeros((4,), np.int8)], id="a dimension less"),
        pytest.param([np.zeros((1, 4), np.float32)], id="another type"),
        pytest.param([], id="nothing"),
        pytest.param([np.zeros((1, 4), np.int8)] * 2, id="too much"),
    ],
)
def test_other_arrays_are_refused_with_want_and_got(model, arrays):
    with pytest.raises(ValueError, match=r"want inputs \[\(\(1, 4\), 'int8'\)\], got \["):
        model(*arrays)


def test_many_threads_get_their_own_answers(model):
    wrong = []

    def work(value):
        given = np.full((1, 4), value, np.int8)
        expected = model(given)[0]
        wrong.extend(1 for _ in range(200) if not np.array_equal(model(given)[0], expected))

    threads = [threading.Thread(target=work, args=(value,)) for value in (-8, 0, 5, 12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert wrong == []


def test_a_file_made_a_moment_ago_needs_no_checksum(opened, path):
    assert opened(path, sha256=None)(np.zeros((1, 4), np.int8))[0].shape == (1, 2)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param(b"", "not a TFLite model", id="empty"),
        pytest.param(b"TFL3", "not a TFLite model", id="four bytes"),
        pytest.param(b"\x89PNG" * 400, "not a TFLite model", id="a picture"),
        pytest.param(b"version https://git-lfs.github.com/spec/v1\n" * 3, "not a TFLite model", id="a pointer to it"),
    ],
)
def test_a_file_that_is_no_model_is_refused_by_name(opened, path, content, says):
    path.write_bytes(content)
    with pytest.raises(ModelError, match=f"tiny.tflite: {says}"):
        opened(path, sha256=None)


def test_an_absent_file_is_refused_by_name(opened, tmp_path):
    with pytest.raises(ModelError, match=r"absent\.tflite: cannot read the model: No such file"):
        opened(tmp_path / "absent.tflite", sha256=None)


def test_a_folder_is_refused_by_name(opened, tmp_path):
    with pytest.raises(ModelError, match="cannot read the model"):
        opened(tmp_path, sha256=None)


@pytest.mark.parametrize("seed", range(6))
def test_a_damaged_file_is_refused_before_the_runtime_sees_it(opened, path, seed):
    """Several of these would end the process."""
    good, content, rng = digest(path), bytearray(path.read_bytes()), np.random.default_rng(seed)
    if seed % 2:
        del content[int(rng.integers(64, len(content))) :]
    else:
        content[int(rng.integers(64, len(content)))] ^= 1 << int(rng.integers(8))
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"tiny\.tflite: not the file its card describes"):
        opened(path, sha256=good)


@pytest.mark.parametrize("bundled", BUNDLED or [pytest.param(None, marks=pytest.mark.skip("no bundled models yet"))])
def test_bundled_models_run(opened, bundled):
    model = opened(bundled, sha256=digest(bundled))
    outputs = model(*(np.zeros(spec.shape, spec.dtype) for spec in model.inputs))
    assert [(array.shape, array.dtype) for array in outputs] == [(spec.shape, spec.dtype) for spec in model.outputs]
