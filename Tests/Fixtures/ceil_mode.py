# SPDX-License-Identifier: MIT
"""What PyTorch's poolings make of drawn windows in ceil mode, many of them larger than their image.

Writes ceil_mode.json beside this file: a case per line, with its geometry and the outputs, or null
where PyTorch refuses the window. Pixel i is 37 i modulo 101, so that no two of an image are equal.
Run: python3 ceil_mode.py (needs torch; made with 2.15).
"""
import json
import pathlib
import random

import torch
from torch.nn import functional as F

draw = random.Random(7)


def pooled(x, size, stride, padding, dilation):
    try:
        largest, places = F.max_pool2d(x, size, stride, padding, dilation, True, True)
    except RuntimeError:
        return None
    result = {"shape": list(largest.shape[1:]), "max": largest.flatten().tolist(),
              "argmax": places.flatten().tolist()}
    if dilation == (1, 1):
        for name, counts in (("mean", False), ("mean_with_padding", True)):
            mean = F.avg_pool2d(x, size, stride, padding, True, counts)
            result[name] = mean.flatten().tolist()
    return result


lines = []
while len(lines) < 300:
    pair = lambda low, high: (draw.randint(low, high), draw.randint(low, high))
    extent, size, stride = pair(1, 6), pair(1, 9), pair(1, 9)
    padding = tuple(draw.randint(0, s // 2) for s in size)
    dilation = draw.choice([(1, 1), (1, 1), pair(1, 3)])
    room = [e + 2 * p - d * (s - 1) - 1 for e, p, d, s in zip(extent, padding, dilation, size)]
    # Half of them larger than the padded image along some axis.
    if min(room) >= 0 and len(lines) % 2:
        continue
    x = (torch.arange(extent[0] * extent[1]) * 37 % 101).double().reshape(1, *extent)
    result = pooled(x, size, stride, padding, dilation)
    # Spread taps may miss a small image: PyTorch then answers minus infinity, we refuse.
    if result and min(result["max"]) == -torch.inf:
        continue
    lines.append(json.dumps({
        "extent": extent, "size": size, "stride": stride, "padding": padding, "dilation": dilation,
        "result": result}, separators=(",", ":")))
pathlib.Path(__file__).with_suffix(".json").write_text("[\n" + ",\n".join(lines) + "\n]\n")
