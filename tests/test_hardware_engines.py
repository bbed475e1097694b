"""What the contract suite of engines leaves open: runtimes and delegates that are not there."""

import hashlib
import shutil
import subprocess
import sys

import numpy as np
import pytest

from agent.errors import ConfigError, HardwareError, ModelError
from agent.hardware.engines.litert import LiteRtModel, read_model
from tests.fakes import tiny_model

pytest.importorskip("ai_edge_litert.interpreter")

DELEGATE = """
typedef struct Delegate {
    void *data; int (*prepare)(void *, struct Delegate *); void *copies[3]; long long flags; void *opaque;
} Delegate;
static int asked = 0;
static int prepare(void *context, Delegate *delegate) { asked++; return 0; }
static Delegate delegate = {0, prepare};
int times_asked(void) { return asked; }
Delegate *tflite_plugin_create_delegate(char **keys, char **values, unsigned long n, void (*report)(const char *)) {
#ifdef ABSENT
    report("no device plugged in");
    return 0;
#else
    return &delegate;
#endif
}
void tflite_plugin_destroy_delegate(Delegate *delegate) {}
"""


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "tiny.tflite"
    path.write_bytes(tiny_model.build())
    return path


@pytest.fixture
def compiled(tmp_path):
    """Return a function that makes a delegate's library."""
    if shutil.which("cc") is None:
        pytest.skip("needs a C compiler (apt install gcc)")

    def compile_with(*options):
        source, library = tmp_path / "delegate.c", tmp_path / "libdelegate.so"
        source.write_text(DELEGATE)
        subprocess.run(["cc", "-shared", "-fPIC", *options, "-o", str(library), str(source)], check=True)
        return str(library)

    return compile_with


def test_a_runtime_that_is_not_installed_is_told_with_what_to_install(path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tflite_runtime.interpreter", None)
    with pytest.raises(HardwareError, match=r"the runtime 'tflite-runtime' needs .*latchkey\[tflite\]"):
        LiteRtModel(path, runtime="tflite-runtime", sha256=None)


def test_an_unknown_runtime_is_told_with_the_choices(path):
    with pytest.raises(ConfigError, match="no runtime is called 'onnx': there are ai-edge-litert, tflite-runtime"):
        LiteRtModel(path, runtime="onnx", sha256=None)


def test_no_threads_is_refused(path):
    with pytest.raises(ConfigError, match="at least 1 thread, not 0"):
        LiteRtModel(path, threads=0, sha256=None)


def test_the_number_of_threads_does_not_change_the_answer(path):
    given = np.array([[1, -2, 30, 4]], np.int8)
    one, two = (LiteRtModel(path, threads=threads, sha256=None)(given)[0] for threads in (1, 2))
    assert np.array_equal(one, two)


def test_capitals_in_the_checksum_do_not_matter(path):
    content = path.read_bytes()
    assert read_model(path, hashlib.sha256(content).hexdigest().upper()) == content


def test_a_model_that_the_runtime_refuses_is_told_by_name(path):
    content = path.read_bytes()
    path.write_bytes(content[:100])
    with pytest.raises(ModelError, match=r"tiny\.tflite: the runtime cannot use this model"):
        LiteRtModel(path, sha256=None)


def test_an_accelerator_pulled_out_is_told_with_the_model(path):
    class Gone:
        def set_tensor(self, index, array):
            pass

        def invoke(self):
            raise RuntimeError("USB transfer error 2 [LibUsbDataOut]")

    model = LiteRtModel(path, sha256=None)
    model._interpreter = Gone()
    with pytest.raises(HardwareError, match=r"tiny\.tflite: the engine failed: USB transfer error 2"):
        model(np.zeros((1, 4), np.int8))


class TestDelegate:
    @pytest.mark.parametrize(
        ("delegate", "says"),
        [
            pytest.param("edgetpu", r"libedgetpu\.so\.1 cannot be loaded .*install libedgetpu", id="no library"),
            pytest.param("/absent/lib.so", r"/absent/lib\.so cannot be loaded", id="no file"),
            pytest.param("libm.so.6", r"libm\.so\.6 is a library, but not a TFLite delegate", id="another library"),
        ],
    )
    def test_one_that_cannot_be_loaded_is_told_and_nothing_else_taken(self, path, capfd, delegate, says):
        with pytest.raises(HardwareError, match=says):
            LiteRtModel(path, delegate=delegate, sha256=None)
        assert "Traceback" not in capfd.readouterr().err

    def test_one_whose_device_is_absent_is_told_in_its_words(self, path, compiled):
        with pytest.raises(HardwareError, match="no device plugged in"):
            LiteRtModel(path, delegate=compiled("-DABSENT"), sha256=None)

    def test_one_that_loads_is_asked_to_take_the_model(self, path, compiled):
        import ctypes

        library = compiled()
        model = LiteRtModel(path, delegate=library, sha256=None)
        assert ctypes.CDLL(library).times_asked() == 1
        given = np.array([[1, 2, 3, 4]], np.int8)
        assert np.array_equal(model(given)[0], LiteRtModel(path, sha256=None)(given)[0])
