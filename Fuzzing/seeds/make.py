#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Makes the seed corpus beside this file: small files of each format, whole ones (tests read every
# one of them) from which the fuzzer makes broken ones. NumPy's files are those of
# Tests/Fixtures/NumPy.

import gzip
import json
import pathlib
import struct
import zlib

HERE = pathlib.Path(__file__).parent


def write(folder, name, data):
    (HERE / folder).mkdir(exist_ok=True)
    (HERE / folder / name).write_bytes(data)


def idx(shape, data):
    return bytes([0, 0, 8, len(shape)]) + b"".join(struct.pack(">I", n) for n in shape) + bytes(data)


def make_idx():
    images = idx([2, 3, 4], range(0, 240, 10))
    write("IDX", "images", images)
    write("IDX", "labels", idx([3], [7, 2, 1]))
    write("IDX", "many-axes", idx([1] * 255, [9]))
    write("IDX", "images.gz", gzip.compress(images, mtime=0))
    write("IDX", "members.gz", gzip.compress(images[:9], mtime=0) + gzip.compress(images[9:], mtime=0))
    named = gzip.compress(idx([64, 64], bytes(4096)), mtime=0)
    # Flags for a name and a comment.
    write("IDX", "named.gz", named[:3] + b"\x18" + named[4:10] + b"name\0comment\0" + named[10:])


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width, height, depth, color, rows, extra=b"", interlaced=0):
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, interlaced)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra
            + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b""))


def make_png():
    palette = chunk(b"PLTE", b"\x80\x40\x20\xff\xf0\xe0")
    clear = chunk(b"tRNS", b"\x80\x00")
    write("PNG", "gray1", png(3, 2, 1, 0, b"\0\xa0\0\x40"))
    write("PNG", "gray8", png(3, 2, 8, 0, b"\0\x01\x02\x03\x01\x04\x05\x06"))
    write("PNG", "gray16", png(2, 1, 16, 0, b"\0\x01\x02\x03\x04"))
    write("PNG", "colour8", png(2, 2, 8, 2, b"\x02" + bytes(range(6)) + b"\x04" + bytes(range(6))))
    write("PNG", "palette", png(2, 2, 1, 3, b"\0\x40\0\x80", palette + clear))
    write("PNG", "gray-alpha", png(2, 1, 8, 4, b"\x03\x10\x80\x20\xff"))
    write("PNG", "colour-alpha16", png(1, 2, 16, 6, (b"\0" + bytes(range(8))) * 2))
    text = chunk(b"zTXt", b"key\0\0" + zlib.compress(bytes(1 << 16)))
    write("PNG", "text", png(1, 1, 8, 0, b"\0\x80", text))
    write("PNG", "interlaced", png(2, 2, 8, 0, b"\0\1\0\2\0\3\4", interlaced=1))


def make_jpeg():
    # Those of the tests, which Pillow wrote.
    images = HERE.parent.parent / "Tests" / "Fixtures" / "Images"
    for name in ("baseline", "progressive", "gray", "cmyk", "oriented-6", "oriented-7"):
        write("JPEG", name, (images / f"{name}.jpg").read_bytes())


def make_pnm():
    write("PNM", "gray", b"P5 3 2 255\n" + bytes(range(6)))
    write("PNM", "colours", b"P6\n# seed\n2 2\n15\n" + bytes(range(12)))
    write("PNM", "wide", b"P5 2 1 65535\n" + bytes(range(4)))


def safetensors(tensors, metadata=None):
    header, data = {}, b""
    if metadata:
        header["__metadata__"] = metadata
    for name, shape, numbers in tensors:
        bits = struct.pack(f"<{len(numbers)}f", *numbers)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(bits)]}
        data += bits
    text = json.dumps(header, separators=(",", ":")).encode()
    return struct.pack("<Q", len(text)) + text + data


def make_safetensors():
    write("Safetensors", "empty", safetensors([]))
    write("Safetensors", "two", safetensors([("W1", [1, 2], [1, 0.5]), ("b1", [], [2])]))
    write("Safetensors", "texts", safetensors([("é😀\n", [1], [1])], {"format": "pt", "a\"": "\\"}))
    double = b'{"d":{"dtype":"F64","shape":[2],"data_offsets":[0,16]}}   '
    write("Safetensors", "double", struct.pack("<Q", len(double)) + double + bytes(16))
    write("Safetensors", "halves", typed(
        [("h", "F16", [3], struct.pack("<3H", 0x3C00, 0x0001, 0xFC00)),
         ("b", "BF16", [1, 2], struct.pack("<2H", 0x3F80, 0x7FC0))], None))
    write("Safetensors", "integers", typed(
        [(kind, kind, [1, 2], bytes(range(2 * size))) for kind, size in
         [("I8", 1), ("I16", 2), ("I32", 4), ("I64", 8), ("U8", 1), ("U16", 2), ("U32", 4), ("U64", 8)]]
        + [("BOOL", "BOOL", [], b"\1")], {}))
    write("Safetensors", "others", typed(
        [("none", "F32", [0, 2], b""), ("f8", "F8_E4M3", [3], b"abc"), ("f4", "F4", [2], b"a")], {}))


def typed(tensors, metadata):
    """A file of tensors given as name, type, shape and bytes."""
    header, data = {"__metadata__": metadata}, b""
    for name, kind, shape, numbers in tensors:
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [len(data), len(data) + len(numbers)]}
        data += numbers
    text = json.dumps(header, separators=(",", ":")).encode()
    return struct.pack("<Q", len(text)) + text + data


def window(size, stride=1, padding=0):
    return {"size": [size, size], "stride": [stride, stride], "padding": [padding] * 4,
            "dilation": [1, 1], "ceil_mode": False}


def network(input_shape, layers, tensors):
    layers = [{"name": f"layer{number}", "type": kind, "tensors": keys, "settings": settings}
              for number, (kind, keys, settings) in enumerate(layers)]
    text = json.dumps({"format": "convnet", "version": 1, "input_shape": input_shape, "layers": layers},
                      separators=(",", ":"))
    return safetensors(tensors, {"architecture": text})


def make_networks():
    affine = ("Affine", ["W", "b"], {})
    write("Network", "affine", network(
        [2], [affine, ("Tanh", [], {}), ("Softmax", [], {})],
        [("W1", [2, 2], [1, 2, 3, 4]), ("b1", [2], [0, 1])]))
    write("Network", "convolution", network(
        [1, 4, 4],
        [("Convolution", ["W", "b"], window(3, padding=1) | {"groups": 1}), ("ReLU", [], {}),
         ("MaxPooling", [], window(2, stride=2)), ("Dropout", [], {"rate": 0.5, "seed": 1, "stream": -2}),
         ("Flatten", [], {}), affine],
        [("W1", [1, 1, 3, 3], range(9)), ("b1", [1], [0]), ("W2", [4, 2], range(8)), ("b2", [2], [0, 1])]))
    write("Network", "others", network(
        [2, 3, 3],
        [("BatchNormalization", ["gamma", "beta", "mean", "variance"], {"epsilon": 1e-5, "momentum": 0.1}),
         ("LeakyReLU", [], {"negative_slope": 0.01}), ("Sigmoid", [], {}),
         ("LocalResponseNormalization", [], {"size": 5, "alpha": 1e-4, "beta": 0.75, "k": 2}),
         ("AveragePooling", [], window(2) | {"count_include_pad": True}), ("GlobalAveragePooling", [], {}),
         affine],
        [("gamma1", [2], [1, 1]), ("beta1", [2], [0, 0]), ("mean1", [2], [0, 0]), ("variance1", [2], [1, 1]),
         ("W2", [2, 2], range(4)), ("b2", [2], [0, 1])]))
    write("Network", "shapes", network(
        [4, 2, 3],
        [("PixelShuffle", [], {"factor": 2}), ("Slice", [], {"axis": 2, "step": -1}),
         ("ImagePadding", [], {"padding": [1, 0, 2, 1], "mode": "reflect"}),
         ("Resize", [], {"sizes": [4, 3], "mode": "bicubic", "coordinates": "halfPixel", "antialias": True}),
         ("AdaptiveAveragePooling", [], {"output_size": [2, 2]}), ("PixelUnshuffle", [], {"factor": 2}),
         ("TransposedConvolution", ["W", "b"],
          window(2, stride=2) | {"output_padding": [1, 0], "groups": 2}),
         ("Concatenation", [], {"axis": 1}), ("Transpose", [], {"permutation": [0, 2, 3, 1]}),
         ("Reshape", [], {"sample_shape": [3, -1]}), ("Unsqueeze", [], {"axis": 1}),
         ("Squeeze", [], {"axis": 1}), affine],
        [("W1", [4, 1, 2, 2], range(16)), ("b1", [2], [0, 1]),
         ("W2", [12, 2], range(24)), ("b2", [2], [0, 1])]))
    write("Network", "global-max", network([2, 3, 3], [("GlobalMaxPooling", [], {})], []))


RECORD = {"epoch": 1, "meanLoss": 0.7, "seconds": 0.5, "trainAccuracy": {"correct": 2, "total": 3},
          "testAccuracy": {"correct": 1, "total": 3}, "testLoss": 0.9}


def make_checkpoints():
    for name, epochs, steps in [("begun", 0, 1), ("epoch", 1, 0)]:
        text = json.dumps({
            "version": 1, "settings": {}, "trainingStep": 2, "counters": {}, "optimizerTensors": ["velocity"],
            "epochs": epochs, "steps": steps, "lossSum": 0.5, "correct": 1, "seconds": 0.1,
            "stepsPerEpoch": 2, "epochRecords": [RECORD] * epochs}, separators=(",", ":"))
        losses = 2 * epochs + steps
        header = {"__metadata__": {"checkpoint": text}}
        tensors = [("W1", "F32", [4, 2], bytes(32)), ("b1", "F32", [2], bytes(8)),
                   ("history.stepLosses", "F64", [losses], bytes(8 * losses)),
                   ("optimizer.velocity.W1", "F32", [4, 2], bytes(32)),
                   ("optimizer.velocity.b1", "F32", [2], bytes(8))]
        data = b""
        for tensor, kind, shape, numbers in tensors:
            header[tensor] = {"dtype": kind, "shape": shape,
                              "data_offsets": [len(data), len(data) + len(numbers)]}
            data += numbers
        text = json.dumps(header, separators=(",", ":")).encode()
        write("Checkpoint", name, struct.pack("<Q", len(text)) + text + data)


def make_histories():
    record = {"epoch": 1, "mean_loss": 0.7, "seconds": 0.5, "train_accuracy": {"correct": 2, "total": 3},
              "test_accuracy": {"correct": 1, "total": 3}, "test_loss": 0.9}
    write("History", "epoch", json.dumps(
        {"steps_per_epoch": 2, "step_losses": [0.8, 0.6], "epochs": [record]}).encode())
    write("History", "nothing", b'{"steps_per_epoch":0,"step_losses":[],"epochs":[]}')


def varint(number):
    data, number = b"", number % (1 << 64)
    while number >= 128:
        data, number = data + bytes([number & 127 | 128]), number >> 7
    return data + bytes([number])


def field(number, value):
    """A field of Protocol Buffers: a number, a float, or a text, bytes or message."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def onnx_tensor(name, shape, numbers, kind=1):
    code = {1: "f", 7: "q", 6: "i"}[kind]
    return (b"".join(field(1, n) for n in shape) + field(2, kind) + field(8, name)
            + field(9, struct.pack(f"<{len(numbers)}{code}", *numbers)))


def onnx_node(kind, inputs, outputs, **attributes):
    data = b"".join(field(1, n) for n in inputs) + b"".join(field(2, n) for n in outputs) + field(4, kind)
    for name, value in attributes.items():
        if isinstance(value, int):
            body = field(3, value) + field(20, 2)
        elif isinstance(value, float):
            body = field(2, value) + field(20, 1)
        elif isinstance(value, str):
            body = field(4, value) + field(20, 3)
        elif isinstance(value, bytes):
            body = field(5, value) + field(20, 4)
        else:
            body = b"".join(field(8, n) for n in value) + field(20, 7)
        data += field(5, field(1, name) + body)
    return data


def onnx_value(name, shape):
    axes = b"".join(field(1, field(1, n) if isinstance(n, int) else field(2, n)) for n in shape)
    return field(1, name) + field(2, field(1, field(1, 1) + field(2, axes)))


def onnx_model(nodes, constants, shape, version=17):
    graph = (b"".join(field(1, n) for n in nodes) + field(2, "g") + b"".join(field(5, t) for t in constants)
             + field(11, onnx_value("x", shape)) + field(12, onnx_value("y", [])))
    return field(1, 8) + field(7, graph) + field(8, field(1, "") + field(2, version))


def make_onnx():
    node, tensor = onnx_node, onnx_tensor
    write("ONNX", "convolution", onnx_model(
        [node("Conv", ["x", "w", "b"], ["c"], kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[2, 1]),
         node("BatchNormalization", ["c", "g", "b", "b", "g"], ["n"], epsilon=0.001),
         node("Clip", ["n", "zero", "six"], ["r"]),
         node("MaxPool", ["r"], ["p"], kernel_shape=[2, 2], auto_pad="SAME_UPPER", ceil_mode=1),
         node("GlobalAveragePool", ["p"], ["a"]), node("Flatten", ["a"], ["f"], axis=1),
         node("Gemm", ["f", "v", "b"], ["l"], transB=1), node("Softmax", ["l"], ["y"], axis=-1)],
        [tensor("w", [2, 1, 3, 3], [0.5] * 18), tensor("b", [2], [1, 2]), tensor("g", [2], [1, 1]),
         tensor("v", [2, 2], [1, 2, 3, 4]), tensor("zero", [], [0]), tensor("six", [], [6])],
        ["N", 1, 4, 4]))
    write("ONNX", "shapes", onnx_model(
        [node("Shape", ["x"], ["s"]), node("Gather", ["s", "i"], ["n"]),
         node("Unsqueeze", ["n", "zeros"], ["u"]), node("Concat", ["u", "rest"], ["t"], axis=0),
         node("Reshape", ["x", "t"], ["r"]), node("Transpose", ["r"], ["q"], perm=[1, 0]),
         node("Slice", ["q", "zeros", "ends", "zeros"], ["z"]),
         node("Split", ["z"], ["z1", "z2"], axis=1, num_outputs=2), node("Add", ["z1", "z2"], ["y"])],
        [tensor("i", [], [1], 7), tensor("zeros", [1], [0], 7), tensor("rest", [1], [-1], 7),
         tensor("ends", [1], [(1 << 63) - 1], 7)], [1, 4, 3]))
    write("ONNX", "resize", onnx_model(
        [node("Constant", [], ["k"], value=tensor("", [4], [1, 1, 2, 2])),
         node("Resize", ["x", "", "k"], ["r"], mode="linear", coordinate_transformation_mode="align_corners"),
         node("Pad", ["r", "pads"], ["p"], mode="reflect"), node("ReduceMean", ["p"], ["m"], axes=[2, 3]),
         node("ConvTranspose", ["p", "w"], ["d"], strides=[2, 2], group=1),
         node("Mul", ["d", "m"], ["y"])],
        [tensor("pads", [8], [0, 0, 1, 1, 0, 0, 1, 0], 7), tensor("w", [1, 1, 2, 2], [1, 2, 3, 4])],
        [1, 1, "H", "W"]))
    write("ONNX", "old", onnx_model(
        [node("Constant", [], ["k"], value=tensor("", [2], [1, 2])),
         node("Add", ["x", "k"], ["a"], broadcast=1, axis=1), node("LRN", ["a"], ["l"], size=3),
         node("Clip", ["l"], ["c"], min=0.0, max=1.0), node("Softmax", ["c"], ["y"])],
        [], [1, 2, 3], version=6))


make_onnx()
make_idx()
make_png()
make_jpeg()
make_pnm()
make_safetensors()
make_networks()
make_checkpoints()
make_histories()
