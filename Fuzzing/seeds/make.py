#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Makes the seed corpus beside this file: small files of each format, whole ones (tests read every one
# of them) from which the fuzzer makes broken ones. NumPy's files are those of Tests/Fixtures/NumPy.

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


make_idx()
make_png()
make_safetensors()
make_networks()
make_checkpoints()
make_histories()
