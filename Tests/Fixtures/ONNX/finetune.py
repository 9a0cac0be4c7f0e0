# SPDX-License-Identifier: MIT
"""Narrow networks as PyTorch exports them, and PyTorch's gradients, for FineTuningTests.swift.

python finetune.py, with torch, torchvision, onnx and safetensors. Writes FineTuning/NAME.onnx and
FineTuning/NAME.safetensors: images, labels, what comes out ("output"), and in float64 the loss and
the gradient of every initializer by its name there: of a step with running statistics ("frozen."),
and where normalizations are kept also of one with the batch's ("batch."). The metadata has the
largest error of each in float32 ("error.").
"""
import copy
import pathlib
import sys

import onnx
import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import save_file
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torchvision.models import mobilenet_v2

here = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(here.parent))
from networks import NarrowResNet18  # noqa: E402

FOLDER = here / "FineTuning"
torch.set_num_threads(1)


def narrow_mobilenet():
    # Each kind of block once, and one that is added to its input.
    setting = [[1, 8, 1, 1], [6, 8, 2, 2], [6, 16, 1, 2]]
    network = mobilenet_v2(
        num_classes=4, width_mult=0.25, round_nearest=4, dropout=0.0,
        inverted_residual_setting=setting)
    # The last convolution has 1280 channels at least.
    network.features[-1][0] = nn.Conv2d(4, 24, 1, bias=False)
    network.features[-1][1] = nn.BatchNorm2d(24)
    network.classifier[1] = nn.Linear(24, 4)
    return network


def gradients(network, x, labels, prefix):
    network.zero_grad()
    loss = F.cross_entropy(network(x), labels)
    loss.backward()
    results = {f"{prefix}loss": loss.detach().reshape(1)}
    for name, parameter in network.named_parameters():
        results[f"{prefix}{name}"] = parameter.grad.detach().clone()
    return results


def both(network, x, labels, prefix):
    """The numbers in float64, and how far those in float32 are off."""
    single = gradients(copy.deepcopy(network), x, labels, prefix)
    double = gradients(copy.deepcopy(network).double(), x.double(), labels, prefix)
    errors = {f"error.{k}": repr((single[k].double() - v).abs().max().item())
              for k, v in double.items()}
    return double, errors


def fold(network, x):
    """The network without its normalizations, and its convolutions in the order of their runs."""
    network, order, makers, pairs = copy.deepcopy(network).eval(), [], {}, []

    def note(name):
        def hook(module, inputs, output):
            if isinstance(module, nn.Conv2d):
                order.append(name)
                makers[id(output)] = name, output  # held, so that no other one has its number
            else:
                pairs.append((makers[id(inputs[0])][0], name))
        return hook
    hooks = [m.register_forward_hook(note(n)) for n, m in network.named_modules()
             if isinstance(m, (nn.Conv2d, nn.BatchNorm2d))]
    network(x)
    for hook in hooks:
        hook.remove()
    for convolution, normalization in pairs:
        modules = dict(network.named_modules())
        fused = fuse_conv_bn_eval(modules[convolution], modules[normalization])
        for name, module in ((convolution, fused), (normalization, nn.Identity())):
            parent, _, own = name.rpartition(".")
            setattr(modules[parent], own, module)
    return network.requires_grad_(), order


def main():
    FOLDER.mkdir(exist_ok=True)
    for number, (name, make) in enumerate(
            {"resnet18": lambda: NarrowResNet18(2, 4), "mobilenetv2": narrow_mobilenet}.items()):
        torch.manual_seed(number + 1)
        network = make()
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.1)
                module.running_var.uniform_(0.5, 1.5)
                nn.init.uniform_(module.weight, 0.5, 1.5)
                nn.init.normal_(module.bias, 0, 0.1)
        x, labels = torch.randn(4, 3, 32, 32), torch.randint(0, 4, (4,))
        for kind in ("kept", "folded"):
            path = FOLDER / f"{name}-{kind}.onnx"
            options = {} if kind == "folded" else {
                "training": torch.onnx.TrainingMode.PRESERVE, "do_constant_folding": False}
            torch.onnx.export(
                network.eval(), (x[:1],), str(path), dynamo=False, opset_version=17,
                input_names=["images"], output_names=["scores"],
                dynamic_axes={"images": {0: "N"}, "scores": {0: "N"}}, **options)
            with torch.no_grad():
                output = copy.deepcopy(network).double().eval()(x.double())
            tensors = {"images": x, "labels": labels.float(), "output": output}
            if kind == "kept":
                numbers, errors = both(network.eval(), x, labels, "frozen.")
                more, others = both(network.train(), x, labels, "batch.")
                numbers |= more
                errors |= others
            else:
                fused, order = fold(network, x)
                numbers, errors = both(fused, x, labels, "frozen.")
                graph = onnx.load(path).graph
                nodes = [n for n in graph.node if n.op_type == "Conv"]
                assert len(nodes) == len(order)
                own = {}
                for convolution, node in zip(order, nodes):
                    own[f"{convolution}.weight"] = node.input[1]
                    own[f"{convolution}.bias"] = node.input[2]

                def renamed(values, prefix):
                    return {prefix + own.get(k[len(prefix):], k[len(prefix):]): v
                            for k, v in values.items()}
                numbers, errors = renamed(numbers, "frozen."), renamed(errors, "error.frozen.")
            save_file({k: v.contiguous() for k, v in (tensors | numbers).items()},
                      str(FOLDER / f"{name}-{kind}.safetensors"), errors)
            print(path.name, path.stat().st_size)


if __name__ == "__main__":
    main()
