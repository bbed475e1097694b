"""ONNX graphs in PyTorch, beside what onnx itself makes of them, and the public encoders beside OpenVINO."""

from pathlib import Path

import numpy as np
import pytest
import torch

onnx = pytest.importorskip("onnx", reason="onnx is not installed: make training")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402
from onnx.reference import ReferenceEvaluator  # noqa: E402

from training.data.errors import DataError  # noqa: E402
from training.data.made_up import made_up  # noqa: E402
from training.data.teacher import MAPPED, TEACHERS, embed  # noqa: E402
from training.live import graph as graph_module  # noqa: E402
from training.live.graph import Graph  # noqa: E402

SHARED = Path(__file__).parents[3] / "shared" / "data" / "reference"
RANDOM = np.random.default_rng(7)


def of(*shape):
    return RANDOM.normal(size=shape).astype(np.float32)


def whole(*numbers):
    return np.array(numbers, np.int64)


def node(kind, *names, outputs=1, **attributes):
    return helper.make_node(kind, names, [f"{kind}{i}" for i in range(outputs)], **attributes)


def written(file, nodes, known, *, output=None, opset=17):
    shapes = [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3, 8, 8])]
    last = helper.make_tensor_value_info(output or nodes[-1].output[-1], TensorProto.UNDEFINED, None)
    weights = [numpy_helper.from_array(np.asarray(value), name) for name, value in known.items()]
    graph = helper.make_graph(nodes, "test", shapes, [last], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    model.ir_version = 8
    onnx.save(model, file)
    return file


NODES = [
    pytest.param([node("Conv", "x", "w", "b", pads=[1, 1, 1, 1], strides=[2, 2])], {"w": of(4, 3, 3, 3), "b": of(4)}),
    pytest.param([node("Conv", "x", "w", group=3, pads=[0, 1, 2, 3])], {"w": of(6, 1, 3, 3)}, id="Conv-uneven"),
    pytest.param([node("Conv", "x", "w", dilations=[2, 1])], {"w": of(2, 3, 3, 3)}, id="Conv-dilated"),
    pytest.param(
        [node("BatchNormalization", "x", "s", "b", "m", "v", epsilon=1e-3)],
        {"s": of(3), "b": of(3), "m": of(3), "v": of(3) ** 2},
    ),
    pytest.param([node("LayerNormalization", "x", "s", "b", axis=-1, epsilon=1e-4)], {"s": of(8), "b": of(8)}),
    pytest.param([node("PRelu", "x", "s")], {"s": of(3, 1, 1)}),
    pytest.param(
        [node("Flatten", "x"), node("Gemm", "Flatten0", "w", "b", transB=1, alpha=0.5, beta=2.0)],
        {"w": of(5, 192), "b": of(5)},
    ),
    pytest.param([node("MatMul", "x", "w")], {"w": of(8, 4)}),
    *(pytest.param([node(kind, "x", "w")], {"w": of(3, 1, 8)}) for kind in ("Add", "Sub", "Mul", "Div")),
    *(pytest.param([node(kind, "x")], {}) for kind in ("Relu", "Sigmoid", "Identity", "Erf", "Sin", "Cos")),
    pytest.param([node("Mul", "x", "x"), node("Sqrt", "Mul0")], {}),
    pytest.param([node("Softmax", "x", axis=1)], {}),
    pytest.param([node("GlobalAveragePool", "x")], {}),
    pytest.param([node("Transpose", "x", perm=[0, 2, 3, 1])], {}),
    pytest.param([node("Concat", "x", "x", axis=-1)], {}),
    pytest.param([node("Gather", "x", "i", axis=-1)], {"i": whole(7, 0)}),
    pytest.param([node("Gather", "x", "i", axis=1)], {"i": np.array(2)}, id="Gather-one"),
    pytest.param(
        [node("Slice", "x", "f", "t", "a", "s")],
        {"f": whole(1, -1), "t": whole(7, 9), "a": whole(2, 1), "s": whole(3, 1)},
    ),
    pytest.param([node("Slice", "x", "f", "t")], {"f": whole(0, 1), "t": whole(9, 3)}, id="Slice-plain"),
    pytest.param(
        [node("Slice", "x", "f", "t", "", "s")],
        {"f": whole(0, 1), "t": whole(9, 3), "s": whole(1, 2)},
        id="Slice-steps",
    ),
    pytest.param([node("Gather", "x", "i", axis=2)], {"i": whole(-1, -8, 3)}, id="Gather-from-the-end"),
    pytest.param([node("Reshape", "x", "s")], {"s": whole(0, -1, 4)}),
    pytest.param([node("Unsqueeze", "x", "a"), node("Squeeze", "Unsqueeze0", "a")], {"a": whole(-1, 0)}),
    pytest.param([node("Split", "x", "s", axis=2, outputs=2)], {"s": whole(3, 5)}),
    pytest.param([node("Split", "x", axis=2, outputs=2)], {}, id="Split-evenly"),
    pytest.param([node("Unsqueeze", "x", "a"), node("Squeeze", "Unsqueeze0")], {"a": whole(0)}, id="Squeeze-all"),
    pytest.param([node("Transpose", "x")], {}, id="Transpose-reversed"),
    pytest.param([node("ReduceMean", "x")], {}, id="ReduceMean-all"),
    pytest.param(
        [
            node("Shape", "x", start=1, end=3), node("ConstantOfShape", "Shape0"), node("MatMul", "x", "w"),
            node("Gather", "ConstantOfShape0", "i"), node("Add", "MatMul0", "Gather0"),
        ],
        {"w": of(8, 8), "i": whole(0)},
        id="Shape-part",
    ),
    pytest.param([node("Constant", value_float=2.5), node("Mul", "x", "Constant0")], {}, id="Constant-number"),
    pytest.param([node("PRelu", "x", "s")], {"s": np.float32(0.3)}, id="PRelu-one"),
    pytest.param([node("ReduceL2", "x", axes=[-1], keepdims=1)], {}),
    pytest.param([node("ReduceMean", "x", axes=[2, 3], keepdims=0)], {}),
    pytest.param([node("Clip", "x", "l", "")], {"l": np.float32(0.1)}, id="Clip-below"),
    pytest.param([node("Clip", "x", "l", "h")], {"l": np.float32(-0.1), "h": np.float32(0.2)}),
    pytest.param([node("Expand", "x", "s")], {"s": whole(2, 1, 3, 8, 1)}),
    pytest.param([node("Cast", "x", to=TensorProto.DOUBLE), node("Cast", "Cast0", to=TensorProto.FLOAT)], {}),
    pytest.param(
        [
            node("Shape", "x"), node("Gather", "Shape0", "i"), node("Div", "Gather0", "two"),
            node("Concat", "one", "Div0", axis=0),
            node("ConstantOfShape", "Concat0", value=helper.make_tensor("", TensorProto.FLOAT, [1], [1.5])),
            node("CumSum", "ConstantOfShape0", "axis"), node("Add", "x", "CumSum0"),
        ],
        {"i": whole(3), "two": whole(1), "one": whole(1), "axis": np.array(1)},
        id="sizes and codes of places",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("nodes", "known"), NODES)
def test_each_operator_is_what_onnx_says(nodes, known, tmp_path):
    file = written(tmp_path / "net.onnx", nodes, known)
    x = of(2, 3, 8, 8)
    (wanted,) = ReferenceEvaluator(str(file)).run(None, {"x": x})
    graph = Graph(file, torch.zeros(2, 3, 8, 8))
    for _ in range(2):  # nothing of the first stays behind
        (found,) = graph(torch.from_numpy(x))
        assert tuple(found.shape) == wanted.shape
        np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-4, atol=1e-5)


def test_what_does_not_depend_on_the_picture_is_computed_once(tmp_path):
    nodes = [node("Sin", "w"), node("Mul", "Sin0", "w"), node("Add", "x", "Mul0"), node("Relu", "Add0")]
    graph = Graph(written(tmp_path / "net.onnx", nodes, {"w": of(8)}), torch.zeros(2, 3, 8, 8), "Add0")
    assert [step.outputs[0] for step in graph._steps] == ["Add0", "Relu0"]
    out, inner = graph(torch.full((2, 3, 8, 8), -50.0))
    assert float(out.abs().max()) == 0
    assert float(inner.max()) < -40


@pytest.mark.parametrize(
    ("nodes", "inner", "words"),
    [
        pytest.param([node("Relu", "x"), node("Tan", "Relu0")], None, "operator Tan of Tan0 is not", id="operator"),
        pytest.param([node("Relu", "x")], "elsewhere", "there is no elsewhere inside", id="nothing inside"),
        pytest.param([node("Relu", "x"), node("Add", "Relu0", "y")], None, "'y'", id="of nothing"),
        pytest.param([node("Slice", "x", "", "v")], None, "net.onnx: cannot be computed here", id="left out"),
        pytest.param([node("Conv", "x", "w", auto_pad="SAME_UPPER")], None, "padded by itself", id="padding"),
        pytest.param([node("LayerNormalization", "x", "w", axis=1)], None, "more than the last axis", id="norm"),
        pytest.param([node("Softmax", "x", unheard=3)], None, "Softmax of Softmax0 with unheard is not", id="read"),
        pytest.param([node("BatchNormalization", "x", "w", training_mode=1)], None, "with training_mode is", id="mode"),
        pytest.param([node("CumSum", "x", "a", reverse=1)], None, "CumSum0 with reverse is not", id="reverse"),
        pytest.param([node("MatMul", "x", "v")], None, "net.onnx: cannot be computed here", id="sizes"),
    ],
)  # fmt: skip
def test_what_cannot_be_computed_is_said(nodes, inner, words, tmp_path):
    file = written(tmp_path / "net.onnx", nodes, {"w": of(2, 3, 3, 3), "v": of(5, 5)})
    with pytest.raises(DataError, match=words):
        Graph(file, torch.zeros(2, 3, 8, 8), inner)


def test_a_softmax_of_before_opset_13_goes_over_all_axes_from_the_second(tmp_path):
    x = of(2, 3, 8, 8)
    last = written(tmp_path / "last.onnx", [node("Softmax", "x", axis=3)], {}, opset=11)
    torch.testing.assert_close(
        Graph(last, torch.zeros(2, 3, 8, 8))(torch.from_numpy(x))[0], torch.from_numpy(x).softmax(3)
    )
    flat = written(tmp_path / "flat.onnx", [node("Flatten", "x"), node("Softmax", "Flatten0")], {}, opset=11)
    wanted = torch.from_numpy(x).flatten(1).softmax(1)
    torch.testing.assert_close(Graph(flat, torch.zeros(2, 3, 8, 8))(torch.from_numpy(x))[0], wanted)
    several = written(tmp_path / "several.onnx", [node("Softmax", "x")], {}, opset=11)
    with pytest.raises(DataError, match="a softmax of before opset 13 over several axes"):
        Graph(several, torch.zeros(2, 3, 8, 8))


def test_no_value_is_kept_longer_than_it_is_wanted(tmp_path, monkeypatch):
    nodes = [
        node("Relu", "x"),
        *(helper.make_node("Add", [f"a{i}" if i else "Relu0", "w"], [f"a{i + 1}"]) for i in range(20)),
    ]
    held = []
    compute = graph_module._compute

    def counted(step, values):
        compute(step, values)
        held.append(len(values))

    monkeypatch.setattr(graph_module, "_compute", counted)
    graph = Graph(written(tmp_path / "net.onnx", nodes, {"w": of(8)}), torch.zeros(2, 3, 8, 8))
    graph(torch.zeros(2, 3, 8, 8))
    assert len(held) == 42
    assert max(held) == 3  # the picture, what is taken and what is made


def test_what_is_no_net_is_said(tmp_path):
    damaged = tmp_path / "damaged.onnx"
    damaged.write_bytes(b"no net")
    with pytest.raises(DataError, match=r"damaged\.onnx: no ONNX file, or damaged"):
        Graph(damaged, torch.zeros(1, 3, 8, 8))
    two = written(tmp_path / "two.onnx", [node("Relu", "x")], {})
    model = onnx.load(two)
    model.graph.input.append(helper.make_tensor_value_info("y", TensorProto.FLOAT, [1]))
    onnx.save(model, two)
    with pytest.raises(DataError, match="want one input and an output, it has 2 and 1"):
        Graph(two, torch.zeros(1, 3, 8, 8))


@pytest.mark.parametrize("name", TEACHERS)
def test_the_public_encoders_are_what_openvino_makes_of_them(name, tmp_path):
    if not (SHARED / name).exists():
        pytest.skip(f"{SHARED} is not here: other people's encoders")
    faces = made_up(4, 2).samples
    maps = (MAPPED[1], tmp_path / "maps.npy") if name == MAPPED[0] else None
    wanted = embed(SHARED / name, faces, maps=maps)
    x = torch.from_numpy(np.stack(faces)).permute(0, 3, 1, 2).float().sub(127.5).div(127.5)
    out, *inner = Graph(SHARED / name, torch.zeros_like(x), MAPPED[1] if maps else None)(x)
    np.testing.assert_allclose(out.numpy(), wanted, atol=1e-4)
    if maps:
        np.testing.assert_allclose(inner[0].permute(0, 2, 3, 1).numpy(), np.load(maps[1]), atol=5e-3)
