# SPDX-License-Identifier: MIT
#
# Small models of forms that exporters write, and what ONNX Runtime answers, for
# ONNXFixtureTests.swift: python models.py, with the packages onnx, onnxruntime and numpy.
#
# Writes Models/NAME.onnx, and Models/NAME.npz with the inputs in0, in1 … and the outputs out0 …

import pathlib
import zlib

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

FOLDER = pathlib.Path(__file__).parent / "Models"
random = np.random.RandomState()
MODELS = {}


def numbers(*shape):
    return random.standard_normal(shape).astype("f4")


def variances(*shape):
    return random.uniform(0.5, 1.5, shape).astype("f4")


class Model:
    """Nodes one behind the other, each named by its operator and number."""

    def __init__(self):
        self.nodes, self.weights, self.functions = [], [], []

    def weight(self, array):
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def integers(self, *values):
        return self.weight(np.array(values, "i8"))

    def add(self, operation, *inputs, to=None, outputs=1, kind=None, **attributes):
        # What Cast's attribute of the name "to" says.
        attributes |= {"to": kind} if kind else {}
        name = f"{operation.lower()}{len(self.nodes)}"
        names = to or [f"{name}.{n}" for n in range(outputs)]
        names = [names] if isinstance(names, str) else names
        self.nodes.append(helper.make_node(operation, list(inputs), names, name=name, **attributes))
        return names[0] if len(names) == 1 else names

    def write(self, name, inputs, outputs, version=17):
        """inputs: names to arrays and shapes; outputs: names to element types."""
        graph = helper.make_graph(
            self.nodes, name,
            [helper.make_tensor_value_info(key, helper.np_dtype_to_tensor_dtype(a.dtype), shape)
             for key, (a, shape) in inputs.items()],
            [helper.make_tensor_value_info(key, kind, None) for key, kind in outputs.items()],
            self.weights)
        domains = {f.domain for f in self.functions}
        model = helper.make_model(
            graph, functions=self.functions,
            opset_imports=[helper.make_opsetid("", version)]
            + [helper.make_opsetid(d, 1) for d in domains])
        model.ir_version = 10 if version > 22 else 8
        path = FOLDER / f"{name}.onnx"
        onnx.save(model, path)
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        answers = session.run(None, {key: a for key, (a, _) in inputs.items()})
        np.savez(
            path.with_suffix(".npz"),
            **{f"in{n}": a.astype("f4") for n, (a, _) in enumerate(inputs.values())},
            **{f"out{n}": np.asarray(a).astype("f4") for n, a in enumerate(answers)})


F, I = TensorProto.FLOAT, TensorProto.INT64


def images(name, shape=(2, 3, 6, 7), open_shape=("N", 3, "H", "W"), outputs=None, version=17):
    """A model of images, made by the function below."""
    def register(make):
        def write():
            random.seed(zlib.crc32(name.encode()))
            model = Model()
            make(model)
            model.write(
                name, {"x": (numbers(*shape), list(open_shape))}, outputs or {"y": F}, version)
        MODELS[name] = write
    return register


@images("branches", shape=(2, 1, 6, 7), open_shape=("N", "C", "H", "W"))
def _(m):
    # What torch.squeeze becomes where an axis is open.
    extent = m.add("Gather", m.add("Shape", "x"), m.weight(np.array(1, "i8")))
    one = m.add("Equal", extent, m.weight(np.array(1, "i8")))
    squeeze = helper.make_graph(
        [helper.make_node("Squeeze", ["x", "axis"], ["squeezed"])], "squeeze", [],
        [helper.make_tensor_value_info("squeezed", F, None)],
        [numpy_helper.from_array(np.array([1], "i8"), "axis")])
    other = helper.make_graph(
        [helper.make_node("Conv", ["x", "filters"], ["filtered"])], "filter", [],
        [helper.make_tensor_value_info("filtered", F, None)],
        [numpy_helper.from_array(numbers(2, 3, 3, 3), "filters")])
    m.add("If", one, to="y", then_branch=squeeze, else_branch=other)


@images("sequences")
def _(m):
    # torch.split and torch.stack where they do not become Split and Concat.
    parts = m.add("SplitToSequence", "x", m.weight(np.array(2, "i8")), axis=1)
    first = m.add("SequenceAt", parts, m.weight(np.array(0, "i8")))
    last = m.add("SequenceAt", parts, m.weight(np.array(-1, "i8")))
    wide = m.add("Expand", last, m.integers(1, 2, 1, 1))
    two = m.add("SequenceConstruct", first, wide)
    length = m.add("Cast", m.add("SequenceLength", parts), kind=F)
    stacked = m.add("ConcatFromSequence", two, axis=1, new_axis=1)
    m.add("Mul", stacked, length, to="y")


@images("half")
def _(m):
    # Weights of float16, two of them cast: a third is rounded where it stands.
    kernel = m.add("Cast", m.weight(numbers(4, 3, 3, 3).astype("f2")), kind=F)
    x = m.add("Conv", "x", kernel)
    third = m.add("Cast", m.weight(np.array(1 / 3, "f4")), kind=TensorProto.FLOAT16)
    m.add("Mul", x, m.add("Cast", third, kind=F), to="y")


@images("nearest", shape=(1, 3, 24, 20), outputs={"a": F, "b": F})
def _(m):
    # 17 / 1.7 is 10 in float32, and less in float64.
    scales = m.weight(np.array([1, 1, 1.7, 1.7], "f4"))
    m.add("Resize", "x", "", scales, to="a", mode="nearest", nearest_mode="floor",
          coordinate_transformation_mode="asymmetric")
    m.add("Resize", "x", "", "", m.integers(1, 3, 31, 7), to="b", mode="nearest")


@images("attention", shape=(2, 3, 4, 5), version=23, outputs={"a": F, "b": F})
def _(m):
    mask = m.weight(np.tril(np.ones((4, 4), bool)))
    m.add("Attention", "x", m.add("Sin", "x"), m.add("Exp", "x"), mask, to="a")
    rows = m.add("Reshape", "x", m.integers(0, 3, -1))
    m.add("Attention", rows, m.add("Neg", rows), rows, to="b", q_num_heads=4, kv_num_heads=4,
          is_causal=1, scale=0.3)


@images("functions")
def _(m):
    # Operators of the model's own; one hands its attribute on.
    version = [helper.make_opsetid("", 17)]
    gate = [helper.make_node("Sigmoid", ["a"], ["s"]), helper.make_node("Mul", ["a", "s"], ["b"])]
    leak = helper.make_node("LeakyRelu", ["a"], ["b"])
    slope = onnx.AttributeProto(
        name="alpha", ref_attr_name="slope", type=onnx.AttributeProto.FLOAT)
    leak.attribute.append(slope)
    m.functions = [
        helper.make_function("own", "Gate", ["a"], ["b"], gate, version),
        helper.make_function("own", "Leak", ["a"], ["b"], [leak], version, ["slope"]),
    ]
    y = m.add("Gate", "x", domain="own")
    y = m.add("Leak", y, domain="own", slope=0.3)
    m.add("Gate", y, domain="own", to="y")


@images("normalized-weights")
def _(m):
    # Weight normalization and standardization: filters are computed from initializers.
    v, g = m.weight(numbers(4, 3, 3, 3)), m.weight(variances(4, 1, 1, 1))
    norm = m.add("ReduceL2", v, axes=[1, 2, 3], keepdims=1)
    filters = m.add("Mul", v, m.add("Div", g, norm))
    y = m.add("Conv", "x", filters, m.weight(numbers(4)))
    rows = m.add("Reshape", m.weight(numbers(2, 4, 1, 1)), m.integers(1, 2, -1))
    ones = m.weight(np.ones(2, "f4"))
    zeros = m.weight(np.zeros(2, "f4"))
    rows, _, _ = m.add(
        "BatchNormalization", rows, ones, zeros, zeros, ones, outputs=3, training_mode=1)
    filters = m.add("Reshape", rows, m.integers(2, 4, 1, 1))
    m.add("Conv", y, filters, to="y")


@images("volumes", shape=(2, 2, 5, 6, 7), open_shape=("N", 2, "D", "H", "W"))
def _(m):
    y = m.add("Conv", "x", m.weight(numbers(4, 1, 3, 2, 3)), m.weight(numbers(4)), group=2,
              strides=[1, 2, 1], pads=[1, 0, 1, 2, 1, 0], dilations=[2, 1, 1])
    y = m.add("BatchNormalization", y, m.weight(variances(4)), m.weight(numbers(4)),
              m.weight(numbers(4)), m.weight(variances(4)))
    a = m.add("MaxPool", y, kernel_shape=[2, 2, 2], strides=[1, 1, 2], pads=[1, 0, 0, 0, 1, 1])
    b = m.add("AveragePool", y, kernel_shape=[2, 2, 2], strides=[1, 1, 2], pads=[1, 0, 0, 0, 1, 1])
    y = m.add("Add", a, b)
    y = m.add("ConvTranspose", y, m.weight(numbers(4, 1, 3, 2, 2)), m.weight(numbers(2)), group=2,
              strides=[2, 1, 2], pads=[1, 0, 0, 0, 1, 0], output_padding=[1, 0, 0])
    m.add("InstanceNormalization", y, m.weight(variances(2)), m.weight(numbers(2)), to="y")


@images("grids", outputs={"a": F, "b": F, "c": F})
def _(m):
    mean = m.add("ReduceMean", "x", axes=[1], keepdims=1)
    grid = m.add("Transpose", m.add("Concat", mean, mean, axis=1), perm=[0, 2, 3, 1])
    m.add("GridSample", "x", grid, to="a", mode="bilinear", padding_mode="zeros")
    m.add("GridSample", "x", grid, to="b", mode="bicubic", padding_mode="reflection")
    m.add("GridSample", "x", grid, to="c", mode="nearest", padding_mode="border", align_corners=1)


@images("places", shape=(2, 3, 4, 6), outputs={"values": F, "indices": I, "back": F})
def _(m):
    m.add("MaxPool", "x", to=["values", "indices"], kernel_shape=[2, 2], strides=[2, 2])
    m.add("MaxUnpool", "values", "indices", to="back", kernel_shape=[2, 2], strides=[2, 2])


@images("best-boxes", outputs={"y": F, "labels": I, "places": I})
def _(m):
    # The end of a detector: the best scores, their places, and the boxes there.
    shape = m.add("Shape", "x")
    n = m.add("Slice", shape, m.integers(0), m.integers(1))
    flat = m.add("Reshape", "x", m.add("Concat", n, m.integers(-1), axis=0))
    best, index = m.add("TopK", flat, m.integers(5), outputs=2, axis=1)
    m.add("Mod", index, m.weight(np.array(3, "i8")), to="labels")
    place = m.add("Div", index, m.weight(np.array(3, "i8")), to="places")
    boxes = m.add("Reshape", "x", m.add("Concat", n, m.integers(-1, 3), axis=0))
    wide = m.add("Expand", m.add("Unsqueeze", place, m.integers(2)), m.integers(1, 1, 3))
    taken = m.add("GatherElements", boxes, wide, axis=1)
    scores = m.add("Unsqueeze", best, m.integers(2))
    m.add("Concat", taken, scores, to="y", axis=2)


@images("indices", outputs={"a": F, "b": F, "c": F, "d": F, "e": F})
def _(m):
    index = m.add("ArgMax", "x", axis=1, keepdims=1)
    m.add("ScatterElements", "x", index, m.add("ReduceMax", "x", axes=[1]), to="a", axis=1)
    onehot = m.add("OneHot", index, m.weight(np.array(3, "i8")), m.weight(np.array([-1, 2], "f4")))
    m.add("Identity", onehot, to="b")
    m.add("CumSum", m.add("Trilu", "x", m.weight(np.array(1, "i8")), upper=0),
          m.weight(np.array(3, "i8")), to="c", exclusive=1)
    # x[:, 1, 0, 0:2] = 5
    places = np.array([[[0, 1, 0, 0]], [[1, 1, 0, 1]]], "i8")
    m.add("ScatterND", "x", m.weight(places), m.weight(np.full((2, 1), 5, "f4")), to="d")
    m.add("Gather", m.weight(numbers(3, 4)), m.add("Squeeze", index, m.integers(1)), to="e")


@images("reductions", outputs={k: F for k in "abcdef"})
def _(m):
    m.add("ReduceL1", "x", to="a", axes=[1, 3])
    m.add("ReduceSumSquare", "x", to="b", axes=[2], keepdims=0)
    m.add("ReduceLogSumExp", "x", to="c", axes=[-1], keepdims=0)
    m.add("ReduceProd", "x", to="d", axes=[1])
    m.add("ReduceLogSum", m.add("Abs", "x"), to="e")
    m.add("Hardmax", "x", to="f", axis=1)


@images("thin-resnet-nhwc", shape=(2, 16, 16, 3), open_shape=("N", "H", "W", 3))
def _(m):
    # As tf2onnx writes a Keras network: transposed at the border, padded before a convolution.
    def normalized(x, c):
        return m.add("BatchNormalization", x, m.weight(variances(c)), m.weight(numbers(c)),
                     m.weight(numbers(c)), m.weight(variances(c)), epsilon=1.001e-5)
    x = m.add("Transpose", "x", perm=[0, 3, 1, 2])
    x = m.add("Pad", x, m.integers(0, 0, 1, 1, 0, 0, 1, 1))
    x = m.add("Conv", x, m.weight(numbers(4, 3, 3, 3)), m.weight(numbers(4)), strides=[2, 2])
    x = m.add("Relu", normalized(x, 4))
    y = m.add("Conv", x, m.weight(numbers(4, 1, 3, 3)), auto_pad="SAME_UPPER", group=4)
    y = m.add("Min", m.add("Max", y, m.weight(np.float32(0))), m.weight(np.float32(6)))
    x = m.add("Add", normalized(y, 4), x)
    x = m.add("Squeeze", m.add("GlobalAveragePool", x), m.integers(2, 3))
    x = m.add("Add", m.add("MatMul", x, m.weight(numbers(4, 5))), m.weight(numbers(5)))
    m.add("Softmax", x, to="y", axis=-1)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for write in MODELS.values():
        write()
