# SPDX-License-Identifier: MIT
#
# Makes the files in this folder, which SafetensorsTypesTests.swift reads: python3 make.py (NumPy
# 2.4). They are laid out as the safetensors library lays its files out: the widest types first,
# each type by name, the header filled up with spaces to a multiple of 8.

import json
import os
import struct

import numpy as np

os.chdir(os.path.dirname(os.path.abspath(__file__)))
SIZES = {"I64": 8, "F32": 4, "F16": 2, "BF16": 2, "BOOL": 1, "U8": 1, "F8_E4M3": 1}


def bfloat16(numbers):
    """The upper halves of numbers that have nothing in the lower ones."""
    bits = np.array(numbers, "<f4").view("<u4")
    assert not (bits & 0xFFFF).any()
    return (bits >> 16).astype("<u2").tobytes()


def write(name, tensors, metadata):
    header, data = {"__metadata__": metadata}, b""
    for key, kind, shape, numbers in sorted(tensors, key=lambda t: (-SIZES[t[1]], t[1], t[0])):
        numbers = numbers if isinstance(numbers, bytes) else numbers.tobytes()
        assert len(numbers) == SIZES[kind] * int(np.prod(shape))
        header[key] = {"dtype": kind, "shape": shape, "data_offsets": [len(data), len(data) + len(numbers)]}
        data += numbers
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(name, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


# A convolution with batch normalization as PyTorch's state_dict has it after 100 steps, under the
# names of this library; a 16-bit model may have its numbers in either type. Beside it what else
# such files have: a mask, a look-up table, numbers of 8 bits, a tensor without a number.
write("mixed.safetensors", [
    ("W1", "F16", [2, 1, 1, 2], np.array([1, -0.5, 65504, 2.0**-24], "<f2")),
    ("b1", "BF16", [2], bfloat16([3.0, -2.0**-126])),
    ("gamma2", "F32", [2], np.array([1, 0.25], "<f4")),
    ("beta2", "BF16", [2], bfloat16([0, 1.5])),
    ("mean2", "F16", [2], np.array([0.125, -2], "<f2")),
    ("variance2", "F32", [2], np.array([1, 4], "<f4")),
    ("num_batches_tracked2", "I64", [], np.array(100, "<i8")),
    ("mask", "BOOL", [2, 2], np.array([[True, False], [False, True]])),
    ("table", "U8", [3], np.array([0, 127, 255], "u1")),
    ("scale", "F8_E4M3", [1], b"\x38"),
    ("empty", "F32", [0, 3], b""),
], None)
