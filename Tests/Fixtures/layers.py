# SPDX-License-Identifier: MIT
"""What PyTorch's layers make of some numbers, and their gradients, in float64.

Writes layers.json beside this file: one case per line, with the layer's name and settings as
network files hold them. Inputs, parameters and output gradients are drawn as multiples of 1/32, so
they are exact in float32 too. Every layer is there, or Tests/ConvNetTests/LayerCatalogue.swift says
why not.
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
    """One step of a layer without buffers: output, and gradients for a drawn output gradient."""
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
    # Without zeros, so that y/x shows how large a gradient's terms are.
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


def activation(name, function, what="", **parameters):
    case(what or name, "Activation", function, 2 * draw(3, 7, 2), {"name": name} | parameters)


activation("relu", F.relu)
activation("clip", lambda x: F.hardtanh(x, -0.5, 1.25), **{"from": -0.5, "to": 1.25})
activation("clip", F.relu6, "clip as ReLU6", **{"from": 0, "to": 6})
activation("leakyReLU", lambda x: F.leaky_relu(x, 0.25), slope=0.25)
activation("elu", lambda x: F.elu(x, 0.75), alpha=0.75)
activation("sigmoid", torch.sigmoid)
activation("hardSigmoid", lambda x: (0.25 * x + 0.375).clamp(0, 1), alpha=0.25, beta=0.375)
activation("tanh", torch.tanh)
activation("silu", F.silu)
activation("gelu", F.gelu)
activation("geluTanh", lambda x: F.gelu(x, approximate="tanh"))
activation("softplus", F.softplus)
activation("mish", F.mish)
activation("erf", torch.erf)
activation("hardSwish", F.hardswish)


other_losses = []


def other_loss(name, function, output, target, labels=None, settings={}):
    """A loss of a class of its own, with its settings; labels or values."""
    output = output.requires_grad_()
    value = function(output, target)
    value.backward()
    other_losses.append({
        "name": name, "settings": settings, "output": stored(output), "loss": value.item(),
        "gradient": stored(output.grad)} | (
            {"labels": labels.flatten().tolist()} if labels is not None
            else {"values": stored(target)}))


def cross_entropy(name, output, labels, smoothing=0.0, weights=None, ignored=-100):
    weight = torch.tensor(weights, dtype=torch.float64) if weights else None
    settings = {"labelSmoothing": smoothing, "classWeights": weights or []}
    other_loss(f"SoftmaxCrossEntropy, {name}", lambda x, t: F.cross_entropy(
        x, t, weight=weight, label_smoothing=smoothing, ignore_index=ignored), output, labels,
        labels, settings | ({"ignoredLabel": ignored} if ignored >= 0 else {}))


cross_entropy("smoothing", 2 * draw(5, 4), torch.tensor([3, 0, 2, 2, 1]), smoothing=0.125)
cross_entropy("weights", 2 * draw(5, 4), torch.tensor([3, 0, 2, 2, 1]), weights=[0.5, 1, 2, 0.25])
cross_entropy("ignored", 2 * draw(4, 3), torch.tensor([2, 9, 0, 9]), ignored=9)
cross_entropy("all three", 2 * draw(6, 3), torch.tensor([2, 0, 0, 1, 7, 1]), 0.25, [1, 2, 0.5], 7)
cross_entropy("pixels", 2 * draw(2, 3, 2, 3), torch.tensor(
    [[[0, 1, 2], [2, 7, 0]], [[1, 1, 0], [2, 0, 7]]]), 0.0625, [1, 2, 0.5], 7)
other_loss("MeanSquaredError", F.mse_loss, draw(3, 4), draw(3, 4))
other_loss("BinaryCrossEntropyWithLogits", F.binary_cross_entropy_with_logits, 4 * draw(3, 4),
           (draw(3, 4).abs() / 4).clamp(0, 1))



def reduce(name, reduction, function, x, axes, keeps_axes=True):
    case(name, "Reduce", lambda x: function(x, axes, keeps_axes), x,
         {"reduction": reduction, "axes": axes, "keeps_axes": keeps_axes})


reduce("sum of planes", "sum", torch.sum, draw(2, 3, 2, 4), [2, 3])
reduce("sum, axes left out", "sum", torch.sum, draw(2, 3, 2, 4), [1, -1], False)
reduce("mean of planes", "mean", torch.mean, draw(2, 3, 4, 5), [2, 3])
reduce("mean of all", "mean", torch.mean, draw(2, 3, 4), [-1, 1], False)
# Small whole numbers, so that some are equal.
reduce("maximum of planes", "maximum", torch.amax, draw(2, 3, 3, 4).round(), [2, 3])
reduce("maximum of channels", "maximum", torch.amax, draw(3, 4, 2).round(), [1], False)
reduce("minimum of columns", "minimum", torch.amin, draw(2, 2, 5).round(), [-1])
# A row of zeros: PyTorch gives it no gradient.
reduce("root", "l2", lambda x, axes, keeps: torch.linalg.vector_norm(x, 2, axes, keeps),
       draw(2, 3, 4) * torch.tensor([[1], [0], [1]]), [2])

prelu = lambda x, slope: F.prelu(x, slope)
case("channels", "PReLU", prelu, draw(2, 3, 2, 2), slope=draw(3))
case("one slope", "PReLU", prelu, draw(2, 3, 2, 2), slope=draw(1))
case("rows", "PReLU", prelu, draw(4, 5), slope=draw(5))


def layer_normalization(name, shape, axes, epsilon=1e-5):
    extents = shape[-axes:]
    case(name, "LayerNormalization",
         lambda x, gamma, beta: F.layer_norm(x, extents, gamma, beta, epsilon), draw(*shape),
         {"epsilon": epsilon}, gamma=draw(*extents), beta=draw(*extents))


def group_normalization(name, shape, groups, epsilon=1e-5):
    case(name, "GroupNormalization",
         lambda x, gamma, beta: F.group_norm(x, groups, gamma, beta, epsilon), draw(*shape),
         {"groups": groups, "epsilon": epsilon}, gamma=draw(shape[1]), beta=draw(shape[1]))


layer_normalization("last axis", (2, 3, 7), 1)
layer_normalization("rows", (4, 5), 1, 0.125)
layer_normalization("three axes", (2, 3, 2, 4), 3)
group_normalization("two groups", (2, 4, 3, 2), 2)
group_normalization("one group", (2, 3, 2, 3), 1, 0.125)
group_normalization("rows", (3, 6), 2)
for shape in ((2, 3, 3, 4), (2, 2, 5)):
    case("images" if len(shape) == 4 else "sequences", "InstanceNormalization",
         lambda x, gamma, beta: F.instance_norm(x, weight=gamma, bias=beta, eps=1e-3),
         draw(*shape), {"epsilon": 1e-3}, gamma=draw(shape[1]), beta=draw(shape[1]))
case("last of three axes", "Softmax", lambda x: F.softmax(x, -1), 2 * draw(2, 3, 4))
for axis in (1, -2):
    case(f"axis {axis}", "Softmax", lambda x: F.softmax(x, axis), 2 * draw(2, 5, 3, 2),
         {"axis": axis})

joins = []


def join(name, layer, function, *inputs, settings={}):
    """One step of a layer with several inputs."""
    leaves = [x.clone().requires_grad_() for x in inputs]
    output = function(*leaves)
    gradient = draw(*output.shape)
    output.backward(gradient)
    joins.append({
        "name": f"{layer}, {name}", "layer": layer, "settings": settings,
        "inputs": [stored(x) for x in inputs], "output": stored(output),
        "outputGradient": stored(gradient), "inputGradients": [stored(x.grad) for x in leaves]})


join("three inputs", "Addition", lambda a, b, c: a + b + c, *(draw(2, 3, 4) for _ in range(3)))
join("three inputs", "Multiplication", lambda a, b, c: a * b * c,
     *(draw(2, 3, 4) for _ in range(3)))
join("a gate", "Multiplication", torch.mul, draw(2, 3, 3, 2), draw(2, 3, 1, 1))
join("a gate first", "Multiplication", torch.mul, draw(2, 3, 1, 1), draw(2, 3, 3, 2))

for operation, function in (
        ("add", torch.add), ("subtract", torch.sub), ("multiply", torch.mul),
        ("divide", torch.div), ("power", torch.pow), ("minimum", torch.minimum),
        ("maximum", torch.maximum), ("prelu", lambda a, b: torch.where(a > 0, a, b * a))):
    for name, first, second in (("equal shapes", (2, 3, 4), (2, 3, 4)),
                                ("both repeated", (2, 1, 3, 2), (2, 3, 1, 2)),
                                ("one sample", (2, 3, 2), (1, 1, 2))):
        a, b = draw(*first).round(), draw(*second).round()
        # Powers of numbers above 0, divisors that are not 0; of the others some are equal.
        a = a.abs() + 0.25 if operation == "power" else a
        b = b + 0.25 if operation == "divide" else b
        join(f"{operation}, {name}", "Elementwise", function, a, b,
             settings={"operation": operation})

join("a matrix a sample", "MatrixProduct", torch.matmul, draw(2, 3, 4), draw(2, 4, 5))
join("several matrices", "MatrixProduct", torch.matmul, draw(2, 2, 3, 4), draw(2, 2, 4, 1))
join("one for several", "MatrixProduct", torch.matmul, draw(2, 1, 3, 4), draw(2, 3, 4, 2))
join("one for all samples", "MatrixProduct", torch.matmul, draw(2, 3, 2, 2), draw(1, 1, 2, 3))

# Numbers in other places, and images of other sizes; drawn afresh, whatever stands before.
generator.manual_seed(21)

case("channels", "Slice", lambda x: x[:, 1:4], draw(2, 5, 3, 2), {"axis": 1, "from": 1, "to": 4, "step": 1})
case("every other column", "Slice", lambda x: x[..., 1::2], draw(2, 3, 4, 7),
     {"axis": -1, "from": 1, "step": 2})
case("backwards", "Slice", lambda x: x[:, :, 1:].flip(2)[:, :, ::2], draw(2, 2, 6, 3),
     {"axis": 2, "to": 0, "step": -2})
case("channels last", "Transpose", lambda x: x.permute(0, 2, 3, 1), draw(2, 3, 4, 5),
     {"permutation": (0, 2, 3, 1)})
case("sequences", "Transpose", lambda x: x.transpose(1, 2), draw(2, 3, 4),
     {"permutation": (0, 2, 1)})
case("with a rest", "Reshape", lambda x: x.reshape(2, 3, -1, 2), draw(2, 24),
     {"sample_shape": (3, -1, 2)})
case("rows", "Reshape", lambda x: x.reshape(3, 12), draw(3, 2, 3, 2), {"sample_shape": (12,)})
case("rows of pixels", "Squeeze", lambda x: x.squeeze(2), draw(2, 3, 1, 4), {"axis": 2})
case("the last axis", "Squeeze", lambda x: x.squeeze(-1), draw(2, 3, 1), {"axis": -1})
case("images of one row", "Unsqueeze", lambda x: x.unsqueeze(2), draw(2, 3, 4), {"axis": 2})
case("the last axis", "Unsqueeze", lambda x: x.unsqueeze(-1), draw(2, 3), {"axis": -1})
for factor in (2, 3):
    case(f"by {factor}", "PixelShuffle", lambda x: F.pixel_shuffle(x, factor),
         draw(2, 2 * factor ** 2, 3, 2), {"factor": factor})
    case(f"by {factor}", "PixelUnshuffle", lambda x: F.pixel_unshuffle(x, factor),
         draw(2, 2, 3 * factor, 2 * factor), {"factor": factor})


def image_padding(name, padding, mode, torch_mode, value=None):
    top, bottom, left, right = padding
    case(name, "ImagePadding",
         lambda x: F.pad(x, (left, right, top, bottom), torch_mode, value), draw(2, 2, 4, 5),
         {"padding": padding, "mode": mode} | ({} if value is None else {"value": value}))


image_padding("zeros", (1, 2, 0, 3), "constant", "constant", 0)
image_padding("a number", (0, 1, 2, 0), "constant", "constant", 1.25)
image_padding("reflect", (3, 1, 2, 4), "reflect", "reflect")
image_padding("edge", (1, 6, 0, 7), "edge", "replicate")


def resize(name, shape, mode, coordinates="halfPixel", antialias=False, size=None, scale=None):
    # PyTorch's `nearest` has asymmetric coordinates, `nearest-exact` those of pixels' centres.
    torch_mode = "nearest-exact" if (mode, coordinates) == ("nearest", "halfPixel") else mode
    aligned = None if mode == "nearest" else coordinates == "alignCorners"
    target = {"sizes": size} if size else {"scale_height": scale[0], "scale_width": scale[1]}
    case(name, "Resize",
         lambda x: F.interpolate(x, size, scale, torch_mode, aligned, antialias=antialias),
         draw(*shape), target | {"mode": mode, "coordinates": coordinates, "antialias": antialias})


for mode in ("nearest", "bilinear", "bicubic"):
    other = "asymmetric" if mode == "nearest" else "alignCorners"
    for coordinates in ("halfPixel", other):
        what = f"{mode}, {coordinates}"
        resize(f"{what}, twice", (2, 2, 4, 5), mode, coordinates, scale=(2, 2))
        resize(f"{what}, to a size", (1, 2, 5, 7), mode, coordinates, size=(8, 3))
        resize(f"{what}, to one pixel", (1, 2, 5, 4), mode, coordinates, size=(1, 1))
        resize(f"{what}, from one pixel", (1, 2, 1, 1), mode, coordinates, size=(3, 2))
    resize(f"{mode}, by scales that leave a rest", (1, 2, 5, 7), mode, scale=(1.5, 0.7))
for mode in ("bilinear", "bicubic"):
    resize(f"{mode}, antialias, smaller", (1, 2, 9, 11), mode, antialias=True, size=(4, 3))
    resize(f"{mode}, antialias, larger", (1, 2, 3, 4), mode, antialias=True, size=(5, 9))
    resize(f"{mode}, antialias, by scales", (1, 1, 7, 8), mode, antialias=True, scale=(0.4, 1.3))


def adaptive(name, shape, size):
    case(name, "AdaptiveAveragePooling", lambda x: F.adaptive_avg_pool2d(x, size), draw(*shape),
         {"output_size": size})


adaptive("sizes that divide", (2, 2, 6, 8), (3, 2))
adaptive("sizes that don't", (2, 2, 7, 5), (3, 4))
adaptive("one pixel", (2, 3, 4, 5), (1, 1))
adaptive("larger than the image", (1, 2, 2, 3), (5, 7))


def transposed_convolution(name, shape, filters, groups=1, output_padding=(0, 0), **geometry):
    w = window(**geometry)
    top, bottom, left, right = w["padding"]

    def function(x, W, b):
        # The same on all sides is PyTorch's own padding; else what is padded is cut off.
        if (top, left) == (bottom, right):
            return F.conv_transpose2d(x, W, b, w["stride"], (top, left), output_padding, groups,
                                      w["dilation"])
        y = F.conv_transpose2d(x, W, b, w["stride"], 0, output_padding, groups, w["dilation"])
        return y[:, :, top:y.shape[2] - bottom, left:y.shape[3] - right]

    case(name, "TransposedConvolution", function, draw(*shape),
         w | {"groups": groups, "output_padding": output_padding},
         W=draw(shape[1], filters // groups, *w["size"]), b=draw(filters))


transposed_convolution("plain", (2, 2, 4, 3), 3, size=(3, 3))
transposed_convolution("twice", (2, 3, 3, 4), 2, size=(2, 2), stride=(2, 2))
transposed_convolution("stride, padding and output padding", (2, 2, 4, 3), 3, size=(3, 3),
                       stride=(2, 2), padding=(1,) * 4, output_padding=(1, 1))
transposed_convolution("groups", (2, 4, 3, 3), 6, groups=2, size=(3, 3), padding=(1,) * 4)
transposed_convolution("depthwise", (1, 3, 4, 4), 3, groups=3, size=(4, 4), stride=(2, 2),
                       padding=(1,) * 4)
transposed_convolution("dilation", (2, 2, 4, 3), 2, size=(3, 2), dilation=(2, 3))
transposed_convolution("everything", (2, 4, 4, 3), 6, groups=2, size=(2, 3), stride=(3, 2),
                       padding=(1, 2, 0, 3), dilation=(3, 2), output_padding=(2, 1))


join("channels", "Concatenation", lambda *x: torch.cat(x, 1), draw(2, 3, 2, 3), draw(2, 1, 2, 3),
     draw(2, 2, 2, 3), settings={"axis": 1})
join("the last axis", "Concatenation", lambda *x: torch.cat(x, -1), draw(2, 3, 2), draw(2, 3, 5),
     settings={"axis": -1})


def along_rows(name, layer, function, shape, settings, filters=None, groups=1):
    """A layer of PyTorch's on sequences `[N, C, W]`, as one on images of one row."""
    def on_images(x, W=None, **parameters):
        weights = {} if W is None else {"weight": W.squeeze(2)}
        bias = {"bias": parameters["b"]} if "b" in parameters else {}
        return function(x.squeeze(2), **weights, **bias).unsqueeze(2)

    parameters = {} if filters is None else {
        "W": draw(filters, shape[1] // groups, 1, settings["size"][1]), "b": draw(filters)}
    case(f"along rows, {name}", layer, on_images, draw(shape[0], shape[1], 1, shape[2]), settings,
         **parameters)


along_rows("plain", "Convolution", F.conv1d, (2, 3, 7), window((1, 3)) | {"groups": 1}, 4)
along_rows("everything", "Convolution",
           lambda x, **p: F.conv1d(x, **p, stride=2, padding=3, dilation=2, groups=2), (2, 4, 11),
           window((1, 4), (1, 2), (0, 0, 3, 3), (1, 2)) | {"groups": 2}, 6, groups=2)
along_rows("plain", "MaxPooling", lambda x: F.max_pool1d(x, 2), (2, 3, 7), window((1, 2), (1, 2)))
along_rows("everything", "MaxPooling", lambda x: F.max_pool1d(x, 3, 2, 1, 2, ceil_mode=True),
           (2, 2, 10), window((1, 3), (1, 2), (0, 0, 1, 1), (1, 2), True))
along_rows("plain", "AveragePooling", lambda x: F.avg_pool1d(x, 2), (2, 3, 7),
           window((1, 2), (1, 2)) | {"count_include_pad": True})
along_rows("pixels alone", "AveragePooling",
           lambda x: F.avg_pool1d(x, 3, 2, 1, count_include_pad=False), (2, 2, 8),
           window((1, 3), (1, 2), (0, 0, 1, 1)) | {"count_include_pad": False})

frozen = []


def frozen_normalization(name, shape, epsilon=1e-5):
    """One step of a batch normalization in evaluation mode, whose running statistics stay."""
    channels = shape[1]
    mean, variance = draw(channels), draw(channels).abs() + 1
    count = len(cases)
    case(name, "BatchNormalization",
         lambda x, gamma, beta: F.batch_norm(x, mean, variance, gamma, beta, False, 0.1, epsilon),
         draw(*shape), {"epsilon": epsilon, "momentum": 0.1}, gamma=draw(channels),
         beta=draw(channels))
    (one,) = cases[count:]
    del cases[count:]
    one["tensors"] |= {"mean": stored(mean), "variance": stored(variance)}
    one["buffers"] = {"mean": stored(mean), "variance": stored(variance)}
    frozen.append(one)


frozen_normalization("images", (3, 4, 5, 3))
frozen_normalization("rows", (6, 3), epsilon=1e-3)
frozen_normalization("sequences", (2, 3, 7))
frozen_normalization("one number a channel", (1, 3, 1, 1))

lines = [f'"{key}": [\n' + ",\n".join(json.dumps(c, separators=(",", ":")) for c in rows) + "\n]"
         for key, rows in (
             ("cases", cases), ("losses", losses), ("otherLosses", other_losses),
             ("joins", joins), ("frozen", frozen))]
pathlib.Path(__file__).with_suffix(".json").write_text("{" + ",\n".join(lines) + "}\n")
