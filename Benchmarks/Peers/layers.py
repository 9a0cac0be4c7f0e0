#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Times layers, passes over tensors and products: ours and PyTorch by turns, as a Markdown table.

    swift build -c release --product Benchmarks
    pip install torch
    Benchmarks/Peers/layers.py [--threads 1] [--rounds 2] [TEXT …]

TEXT chooses the cases whose name contains it; all of LAYERS, POOLS, PASSES and PRODUCTS otherwise.
A time is the best of all rounds. "Of peak" is the share of the multiply-adds, or of the copy
bandwidth, that the machine was measured to reach in the same run.
"""
import math

import torch
from torch.nn import functional

import timing

# Images, channels, extent, filters, kernel, stride, padding: those of Benchmarks/Shapes.swift.
LAYERS = {
    "simple.conv1": (100, 1, 28, 30, 5, 1, 0),
    "lenet.conv2": (100, 6, 14, 16, 5, 1, 0),
    "alex.conv1": (16, 3, 227, 96, 11, 4, 0),
    "alex.conv2": (16, 96, 27, 256, 5, 1, 2),
    "alex.conv3": (16, 256, 13, 384, 3, 1, 1),
    "vgg.conv1_2": (4, 64, 224, 64, 3, 1, 1),
    "resnet.3x3_56": (16, 64, 56, 64, 3, 1, 1),
    "resnet.3x3_14": (16, 256, 14, 256, 3, 1, 1),
    "resnet.1x1_56": (16, 64, 56, 256, 1, 1, 0),
    "deep.conv_28": (100, 16, 28, 16, 3, 1, 1),
}
# Images, channels, extent, kernel, stride.
POOLS = {
    "simple.pool": (100, 30, 24, 2, 2),
    "alex.pool1": (16, 96, 55, 3, 2),
    "vgg.pool1": (4, 64, 224, 2, 2),
}
PASSES = ("relu", "silu", "add", "add+relu", "batchnorm.predict", "batchnorm.train")
PRODUCTS = (
    "64x64x64", "128x128x128", "256x256x256", "512x512x512", "1024x1024x1024", "2048x2048x2048",
    "57600x30x25", "100x100x4320", "384x729x1200", "64x3136x576", "256x196x2304", "512x49x4608",
)


def convolution(name, backward):
    n, c, extent, f, kernel, stride, padding = LAYERS[name]
    x = torch.rand(n, c, extent, extent, requires_grad=backward)
    weights = torch.rand(f, c, kernel, kernel, requires_grad=backward)
    bias = torch.rand(f, requires_grad=backward)

    def forward():
        return functional.conv2d(x, weights, bias, stride, padding)
    if not backward:
        return forward
    gradient = torch.rand_like(forward())
    return lambda: torch.autograd.grad(forward(), (x, weights, bias), gradient)


def columns(name, back):
    if name in POOLS:
        n, c, extent, kernel, stride = POOLS[name]
        padding = 0
    else:
        n, c, extent, _, kernel, stride, padding = LAYERS[name]
    x = torch.rand(n, c, extent, extent)
    rows = functional.unfold(x, kernel, padding=padding, stride=stride)
    if back:
        return lambda: functional.fold(rows, extent, kernel, padding=padding, stride=stride)
    return lambda: functional.unfold(x, kernel, padding=padding, stride=stride)


def pooling(name, backward):
    n, c, extent, kernel, stride = POOLS[name]
    x = torch.rand(n, c, extent, extent, requires_grad=backward)

    def forward():
        return functional.max_pool2d(x, kernel, stride)
    if not backward:
        return forward
    gradient = torch.rand_like(forward())
    return lambda: torch.autograd.grad(forward(), x, gradient)


def whole_tensors(name):
    x, y = torch.rand(16, 64, 56, 56), torch.rand(16, 64, 56, 56)
    norm = torch.nn.BatchNorm2d(64).requires_grad_(False).train(name == "batchnorm.train")
    return {
        "relu": lambda: functional.relu(x),
        "silu": lambda: functional.silu(x),
        "add": lambda: x + y,
        "add+relu": lambda: functional.relu_(x + y),
        "batchnorm.predict": lambda: norm(x),
        "batchnorm.train": lambda: norm(x),
    }[name]


def product(name):
    m, n, k = map(int, name.split("x"))
    a, b = torch.rand(m, k), torch.rand(k, n)
    return lambda: a @ b


def cases():
    """Pairs of a case's name and what makes PyTorch's run of it."""
    for name in PRODUCTS:
        yield f"sgemm.{name}", lambda name=name: product(name)
    for name in (*LAYERS, *POOLS):
        yield f"im2col.{name}", lambda name=name: columns(name, back=False)
        if name in LAYERS:
            yield f"col2im.{name}", lambda name=name: columns(name, back=True)
    for name in LAYERS:
        yield f"conv.forward.{name}", lambda name=name: convolution(name, False)
        yield f"conv.forward+backward.{name}", lambda name=name: convolution(name, True)
    for name in POOLS:
        yield f"maxpool.forward.{name}", lambda name=name: pooling(name, False)
        yield f"maxpool.forward+backward.{name}", lambda name=name: pooling(name, True)
    for name in PASSES:
        yield f"elementwise.{name}", lambda name=name: whole_tensors(name)


def main():
    options = timing.options(__doc__, "texts")
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    print("| case | ours | of peak | PyTorch | PyTorch / ours |")
    print("| --- | ---: | ---: | ---: | ---: |")
    ratios = {}
    for name, make in cases():
        if options.texts and not any(text in name for text in options.texts):
            continue
        run, ms, theirs, share = None, math.inf, math.inf, 0
        for _ in range(options.rounds):
            # The filter may choose others too, whose names begin alike.
            row = timing.ours(name, options.threads)[name]
            ms, share = min(ms, row["ms"]), max(share, row["percent_of_peak"])
            run = run or make()
            theirs = min(theirs, timing.best(run, 0.3))
        ratios.setdefault(name.split(".")[0], []).append(theirs / ms)
        print(f"| {name} | {ms:.3f} | {share:.0f} % | {theirs:.3f} | {theirs / ms:.2f} |", flush=True)
    print("\n| kind | smallest ratio | geometric mean |\n| --- | ---: | ---: |")
    for kind, some in ratios.items():
        mean = math.exp(sum(map(math.log, some)) / len(some))
        print(f"| {kind} | {min(some):.2f} | {mean:.2f} |")


if __name__ == "__main__":
    main()
