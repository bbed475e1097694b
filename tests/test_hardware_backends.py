import sys

import gpiozero
import pytest

from agent.errors import ConfigError, HardwareError
from agent.hardware.backends import BACKENDS, INSTALL, load, missing
from agent.hardware.cameras.files import Folder
from agent.hardware.doors.log import LogDoor
from agent.hardware.engines.litert import RUNTIMES, LiteRtModel


def test_a_name_becomes_its_class():
    assert load("camera", "files") is Folder
    assert load("door", "log") is LogDoor
    assert load("engine", "tflite-runtime") is LiteRtModel


def test_every_runtime_of_the_engine_is_in_the_table():
    assert set(BACKENDS["engine"]) == set(RUNTIMES)


@pytest.mark.parametrize(
    ("kind", "name", "says"),
    [
        ("camera", "picamera", r"no camera backend is called 'picamera'. Did you mean 'picamera2'\? There are: picam"),
        ("door", "gpoi", r"no door backend is called 'gpoi'. Did you mean 'gpio'\? There are: log, gpio"),
        ("engine", "tensorrt", "no engine backend is called 'tensorrt'. There are: ai-edge-litert, tflite-runtime"),
        ("door", "", "no door backend is called ''. There are: log, gpio"),
    ],
)
def test_an_unknown_name_is_told_with_the_choices_and_the_nearest(kind, name, says):
    with pytest.raises(ConfigError, match=says):
        load(kind, name)


@pytest.mark.parametrize(
    ("kind", "name", "library", "says"),
    [
        ("camera", "picamera2", "picamera2", "sudo apt install python3-picamera2"),
        ("camera", "opencv", "cv2", "pip install opencv-python-headless"),
        ("door", "gpio", "gpiozero", r"pip install 'latchkey\[pi\]'"),
    ],
)
def test_a_missing_library_is_told_with_what_to_install(monkeypatch, kind, name, library, says):
    for module in list(sys.modules):
        if module.startswith(("agent.hardware.cameras.", "agent.hardware.doors.")):
            monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(HardwareError, match=f"the {kind} '{name}' needs the library {library} .*: {says}"):
        load(kind, name)


def test_a_library_built_for_another_numpy_is_told_without_a_traceback(monkeypatch, tmp_path):
    (tmp_path / "picamera2.py").write_text("raise ValueError('numpy.dtype size changed')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "agent.hardware.cameras.picamera2", raising=False)
    with pytest.raises(HardwareError, match=r"the camera 'picamera2' does not load: numpy\.dtype size changed"):
        load("camera", "picamera2")


def test_a_library_that_is_there_but_broken_is_told_as_such():
    error = missing("the runtime 'x'", ImportError("libusb.so: cannot open", name="tflite_runtime._pywrap"))
    assert "the runtime 'x' cannot load the library tflite_runtime (libusb.so: cannot open)" in str(error)
    assert INSTALL["tflite_runtime"] in str(error)


def test_loading_a_door_touches_no_pin(monkeypatch):
    monkeypatch.setattr(gpiozero.Device, "pin_factory", None)
    load("door", "gpio")
    assert gpiozero.Device.pin_factory is None
