# SPDX-License-Identifier: MIT
"""How NumPy prints some drawn arrays of float32.

Writes printed.json beside this file: one case per line, with the numbers' bits, or null where
number i is (i modulo 1000) / 8, and the text.
Run: python3 printed.py (needs numpy; made with 2.4).
"""
import json
import pathlib
import random

import numpy

draw = random.Random(11)
special = [0.0, -0.0, float("nan"), float("inf"), -float("inf")]
makers = [
    lambda: draw.gauss(0, 1),
    lambda: draw.randint(-9, 9),
    lambda: draw.randint(-10**5, 10**5) / 8,
    lambda: draw.gauss(0, 1) * 10.0 ** draw.randint(-3, 3),
    lambda: draw.gauss(0, 1) * 10.0 ** draw.randint(-40, 38),
    lambda: draw.choice([1e8, 99999992, 1e-4, 0.00011, 1e38, 1e-45, 16777216, 9.9999999e-5]),
    lambda: draw.choice(special + [draw.gauss(0, 1)]),
    lambda: draw.choice(special),
]
shapes = [(1,), (3,), (7,), (40,), (2, 3), (1, 12), (4, 1, 5), (2, 2, 2, 3)]
lines = []


def case(shape, numbers):
    if numbers is None:
        array = (numpy.arange(numpy.prod(shape)) % 1000 / 8).astype("float32").reshape(shape)
        bits = None
    else:
        array = numpy.array(numbers, "float32").reshape(shape)
        bits = array.reshape(-1).view("uint32").tolist()
    lines.append(json.dumps({"shape": shape, "bits": bits, "text": str(array)}))


with numpy.errstate(over="ignore"):
    for shape in shapes:
        for maker in makers:
            for _ in range(3):
                case(shape, [maker() for _ in range(int(numpy.prod(shape)))])
for shape in [(1000,), (1001,), (50, 20), (51, 20), (7, 200), (3, 3, 200), (4, 16, 28, 28),
              (1, 1, 1, 1200), (8, 8, 8, 8), (2, 600)]:
    case(shape, None)
pathlib.Path(__file__).with_suffix(".json").write_text("[\n" + ",\n".join(lines) + "\n]\n")
