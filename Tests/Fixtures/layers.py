# SPDX-License-Identifier: MIT
"""What PyTorch's layers make of some numbers, and their gradients, in float64.

Writes layers.json beside this file: a case a line, with the layer's name and settings as network files
hold them. Inputs, parameters and output gradients are drawn as multiples of 1/32, so they are exact
in float32 too. Every layer is there but Dropout, which draws from a generator of its own.
Run: python3 layers.py (needs torch; made with 2.15).
"""
import json
import pathlib

import torch
from torch.nn import functional as F

generator = torch.Generator().manual_seed(20)
cases, losses = [], []


def draw(*shape):
    numbers = torch.randn(*shape, generator=generator, dtype=torch.float64)
    return (numbers * 32).round() / 32


def stored(tensor):
    """A tensor as JSON; whole numbers without the point."""
    numbers = [int(v) if v.is_integer() else v for v in tensor.detach().flatten().tolist()]
    return {"shape": list(tensor.shape), "numbers": numbers}


def case(name, layer, function, x, settings={}, **parameters):
    """One step of a layer without buffers: output, and the gradients for a drawn output gradient."""
    leaves = {key: value.clone().requires_grad_() for key, value in parameters.items()}
    input = x.clone().requires_grad_()
    output = function(input, **leaves)
    gradient = draw(*output.shape)
    output.backward(gradient)
    cases.append({
        "name": f"{layer}, {name}", "layer": layer, "settings": settings,
        "tensors": {k: stored(v) for k, v in parameters.items()},
        "steps": [{"x": stored(x), "output": stored(output), "outputGradient": stored(gradient),
                   "inputGradient": stored(input.grad),
                   "gradients": {k: stored(v.grad) for k, v in leaves.items()}}],
        "buffers": {}})


def window(size, stride=(1, 1), padding=(0, 0, 0, 0), dilation=(1, 1), ceil_mode=False):
    return {"size": size, "stride": stride, "padding": padding, "dilation": dilation,
            "ceil_mode": ceil_mode}


def padded(x, padding, value=0.0):
    """PyTorch's layers pad both ends alike; this has a padding for each side."""
    top, bottom, left, right = padding
    return F.pad(x, (left, right, top, bottom), value=value)


def convolution(name, shape, filters, groups=1, **geometry):
    w = window(**geometry)

    def function(x, W, b):
        return F.conv2d(padded(x, w["padding"]), W, b, w["stride"], 0, w["dilation"], groups)

    case(name, "Convolution", function, draw(*shape), w | {"groups": groups},
         W=draw(filters, shape[1] // groups, *w["size"]), b=draw(filters))


def split(w):
    """Padding for PyTorch where both ends are alike, and what is added before it where not."""
    top, bottom, left, right = w["padding"]
    return ((top, left), (0, 0, 0, 0)) if (top, left) == (bottom, right) else (0, w["padding"])


def max_pooling(name, shape, **geometry):
    w = window(**geometry)
    inside, outside = split(w)
    assert not (any(outside) and w["ceil_mode"])

    def function(x):
        return F.max_pool2d(padded(x, outside, -torch.inf), w["size"], w["stride"], inside,
                            w["dilation"], w["ceil_mode"])

    case(name, "MaxPooling", function, draw(*shape), w)


def average_pooling(name, shape, counts=True, **geometry):
    w = window(**geometry)
    inside, outside = split(w)
    assert not (any(outside) and w["ceil_mode"])

    def mean(x, counts):
        return F.avg_pool2d(padded(x, outside), w["size"], w["stride"], inside, w["ceil_mode"],
                            counts)

    def function(x):
        # Where sides differ, the share of real pixels is the mean of an image of ones.
        return mean(x, counts) if counts or not any(outside) else (
            mean(x, True) / mean(torch.ones_like(x), True))

    case(name, "AveragePooling", function, draw(*shape), w | {"count_include_pad": counts})


def local_response(name, shape, size, alpha, beta, k):
    # Without zeros, so that y/x tells how large a gradient's terms are.
    x = draw(*shape)
    case(name, "LocalResponseNormalization",
         lambda x: F.local_response_norm(x, size, alpha, beta, k), x.where(x != 0, 1 / 32),
         {"size": size, "alpha": alpha, "beta": beta, "k": k})


def batch_normalization(name, shape, epsilon=1e-5, momentum=0.1):
    """Two steps, then a prediction by the running statistics that they leave."""
    channels = shape[1]
    tensors = {"gamma": draw(channels), "beta": draw(channels), "mean": draw(channels),
               "variance": draw(channels).abs() + 1}
    gamma, beta = (tensors[k].clone().requires_grad_() for k in ("gamma", "beta"))
    mean, variance = tensors["mean"].clone(), tensors["variance"].clone()
    steps = []
    for _ in range(2):
        x = draw(*shape)
        input = x.clone().requires_grad_()
        gamma.grad = beta.grad = None
        output = F.batch_norm(input, mean, variance, gamma, beta, True, momentum, epsilon)
        gradient = draw(*shape)
        output.backward(gradient)
        steps.append({"x": stored(x), "output": stored(output), "outputGradient": stored(gradient),
                      "inputGradient": stored(input.grad),
                      "gradients": {"gamma": stored(gamma.grad), "beta": stored(beta.grad)}})
    cases.append({
        "name": f"BatchNormalization, {name}", "layer": "BatchNormalization",
        "settings": {"epsilon": epsilon, "momentum": momentum},
        "tensors": {k: stored(v) for k, v in tensors.items()}, "steps": steps,
        "buffers": {"mean": stored(mean), "variance": stored(variance)},
        "prediction": stored(F.batch_norm(x, mean, variance, gamma, beta, False, momentum, epsilon))})


def loss(name, logits, **targets):
    """Mean cross-entropy, and its gradient."""
    leaf = logits.clone().requires_grad_()
    (target,) = targets.values()
    value = F.cross_entropy(leaf, target)
    value.backward()
    losses.append({
        "name": name, "logits": stored(logits), "loss": value.item(), "gradient": stored(leaf.grad),
        "labels": targets["labels"].tolist() if "labels" in targets else None,
        "targets": stored(targets["rows"]) if "rows" in targets else None})


convolution("plain", (2, 2, 5, 6), 3, size=(3, 3))
convolution("stride and padding", (2, 3, 7, 6), 4, size=(3, 3), stride=(2, 2), padding=(1,) * 4)
convolution("groups", (2, 4, 5, 5), 6, groups=2, size=(3, 3), padding=(1,) * 4)
convolution("depthwise", (2, 5, 6, 5), 5, groups=5, size=(3, 3), padding=(1,) * 4)
convolution("depthwise with a multiplier", (1, 3, 6, 6), 6, groups=3, size=(2, 2), stride=(2, 1))
convolution("dilation", (2, 2, 8, 7), 3, size=(3, 2), dilation=(2, 3), padding=(2,) * 4)
convolution("padding on two sides", (2, 2, 5, 5), 3, size=(3, 3), padding=(0, 2, 3, 1))
convolution("a wide window", (1, 2, 6, 9), 3, size=(1, 5), stride=(1, 2), padding=(0, 0, 2, 1))
convolution("a high window", (1, 3, 9, 4), 2, size=(5, 2), stride=(3, 1), padding=(2, 1, 0, 1))
convolution("one pixel", (3, 5, 3, 2), 4, size=(1, 1))
convolution("everything", (2, 4, 9, 8), 6, groups=2, size=(2, 3), stride=(2, 1),
            padding=(1, 0, 2, 1), dilation=(3, 2))
convolution("rows that no window covers", (1, 2, 6, 8), 2, size=(2, 2), stride=(3, 3))

max_pooling("plain", (2, 2, 6, 4), size=(2, 2), stride=(2, 2))
max_pooling("overlapping", (2, 2, 7, 7), size=(3, 3), stride=(2, 2))
max_pooling("overlapping with padding", (2, 2, 5, 6), size=(3, 3), stride=(1, 1), padding=(1,) * 4)
max_pooling("ceil mode", (2, 2, 6, 7), size=(3, 2), stride=(2, 2), padding=(1,) * 4, ceil_mode=True)
max_pooling("ceil mode whose last place is left out", (1, 2, 5, 5), size=(2, 2), stride=(3, 3),
            padding=(1,) * 4, ceil_mode=True)
max_pooling("dilation", (1, 2, 7, 8), size=(2, 3), stride=(2, 1), dilation=(3, 2))
max_pooling("padding on two sides", (1, 2, 5, 5), size=(3, 2), stride=(2, 2), padding=(0, 1, 1, 0))

for counts in (True, False):
    how = "padding counted" if counts else "padding left out"
    average_pooling(how, (2, 2, 6, 5), counts, size=(3, 3), stride=(2, 2), padding=(1,) * 4)
    average_pooling(f"{how}, ceil mode", (2, 2, 6, 7), counts, size=(3, 2), stride=(2, 2),
                    padding=(1,) * 4, ceil_mode=True)
    average_pooling(f"{how}, on two sides", (1, 2, 5, 5), counts, size=(3, 2), stride=(2, 2),
                    padding=(0, 1, 1, 0))
average_pooling("plain", (2, 2, 6, 4), size=(2, 2), stride=(2, 2))
average_pooling("overlapping", (1, 2, 6, 7), size=(4, 3), stride=(1, 2))

for shape in ((2, 3, 4, 5), (3, 2, 1, 1)):
    sides = "×".join(map(str, shape[2:]))
    case(sides, "GlobalAveragePooling", lambda x: F.adaptive_avg_pool2d(x, 1), draw(*shape))
    case(sides, "GlobalMaxPooling", lambda x: F.adaptive_max_pool2d(x, 1), draw(*shape))

for shape in ((2, 3, 3, 3), (4, 7)):
    what = "images" if len(shape) == 4 else "rows"
    case(what, "ReLU", F.relu, draw(*shape))
    case(what, "Sigmoid", torch.sigmoid, 3 * draw(*shape))
    case(what, "Tanh", torch.tanh, 2 * draw(*shape))
    for slope in (0.25, 0.01):
        case(f"{what}, slope {slope}", "LeakyReLU", lambda x: F.leaky_relu(x, slope), draw(*shape),
             {"negative_slope": slope})
case("rows", "Softmax", lambda x: F.softmax(x, 1), 2 * draw(4, 5))
case("wide apart", "Softmax", lambda x: F.softmax(x, 1), 20 * draw(3, 10))

local_response("AlexNet's", (2, 7, 2, 3), 5, 5e-4, 0.75, 2)
local_response("odd", (2, 6, 3, 2), 3, 1.5, 0.75, 1)
local_response("even", (2, 6, 2, 2), 4, 1.5, 0.75, 1)
local_response("even, root", (1, 5, 2, 3), 2, 2, 0.5, 1)
local_response("other exponent", (1, 5, 3, 2), 3, 2, 1.3, 0.5)
local_response("exponent 1, more than the channels", (1, 3, 2, 3), 9, 3, 1, 2)

batch_normalization("images", (3, 2, 3, 4))
batch_normalization("rows", (7, 3))
batch_normalization("other settings", (2, 4, 2, 3), epsilon=0.1, momentum=0.3)

affine = lambda x, W, b: F.linear(x.flatten(1), W.T, b)
case("rows", "Affine", affine, draw(3, 5), W=draw(5, 4), b=draw(4))
case("images", "Affine", affine, draw(2, 2, 3, 2), W=draw(12, 3), b=draw(3))
case("one row", "Affine", affine, draw(1, 17), W=draw(17, 9), b=draw(9))
case("images", "Flatten", lambda x: x.flatten(1), draw(2, 3, 2, 2))

loss("labels", 2 * draw(5, 4), labels=torch.tensor([3, 0, 2, 2, 1]))
loss("labels, wide apart", 30 * draw(4, 10), labels=torch.tensor([9, 0, 5, 5]))
loss("probability rows", 2 * draw(4, 3), rows=torch.tensor(
    [[0.25, 0.5, 0.25], [1, 0, 0], [0.125, 0.125, 0.75], [0, 0.5, 0.5]], dtype=torch.float64))

# Windows larger than their padded images, as at the end of a network whose images were made small.
larger = {"size": (3, 3), "stride": (2, 2), "ceil_mode": True}
max_pooling("ceil mode, a larger window", (2, 2, 2, 2), **larger)
max_pooling("ceil mode, a larger window along one axis", (1, 2, 6, 2), **larger)
max_pooling("ceil mode, a larger window with padding", (1, 2, 1, 2), size=(5, 5), stride=(4, 3),
            padding=(1,) * 4, ceil_mode=True)
for counts in (True, False):
    how = "padding counted" if counts else "padding left out"
    average_pooling(f"{how}, ceil mode, a larger window", (2, 2, 2, 2), counts, **larger)
    average_pooling(f"{how}, ceil mode, a larger window with padding", (1, 2, 1, 2), counts,
                    size=(5, 5), stride=(4, 3), padding=(1,) * 4, ceil_mode=True)

lines = [f'"{key}": [\n' + ",\n".join(json.dumps(c, separators=(",", ":")) for c in rows) + "\n]"
         for key, rows in (("cases", cases), ("losses", losses))]
pathlib.Path(__file__).with_suffix(".json").write_text("{" + ",\n".join(lines) + "}\n")
