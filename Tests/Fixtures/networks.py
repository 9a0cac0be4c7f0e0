# SPDX-License-Identifier: MIT
"""PyTorch's numbers for whole networks: networks.py FOLDER [--full] [--seed=N] [NAME]...

Writes FOLDER/NAME.safetensors for each network: its state_dict under "state.", images, labels, what
comes out in evaluation mode ("output"), and, of training mode in float64, the loss, every
parameter's gradient ("gradient."), and every buffer and parameter after three steps of SGD with
momentum ("trained."). For each of these the metadata has the largest error of the same in float32
("error."). For residual networks for photographs there is also Grad-CAM of the first image at
layer2 for class 0 ("attention"). Without --full networks are narrow and images small: those are
what the tests read. Needs torch, torchvision and safetensors; torch on one thread gives the same
numbers everywhere.
"""
import copy
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import save_file

torch.set_num_threads(1 if "--full" not in sys.argv else 2)
FULL = "--full" in sys.argv
SEED = int(next((a[7:] for a in sys.argv if a.startswith("--seed=")), 1))


class Block(nn.Module):
    """torchvision's BasicBlock, and with other names that of networks for small images."""

    def __init__(self, inputs, outputs, stride, names):
        super().__init__()
        self.names = names
        shape = [(inputs, outputs, stride), (outputs, outputs, 1)]
        for (c, b), (i, o, s) in zip(names[:2], shape):
            setattr(self, c, nn.Conv2d(i, o, 3, s, 1, bias=False))
            setattr(self, b, nn.BatchNorm2d(o))
        if stride > 1 or inputs != outputs:
            setattr(self, names[2], nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)))

    def forward(self, x):
        (c1, b1), (c2, b2), short = self.names
        y = F.relu(getattr(self, b1)(getattr(self, c1)(x)))
        y = getattr(self, b2)(getattr(self, c2)(y))
        return F.relu(y + (getattr(self, short)(x) if hasattr(self, short) else x))


class NarrowResNet18(nn.Module):
    def __init__(self, width, classes):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, width, 7, 2, 3, bias=False), nn.BatchNorm2d(width)
        inputs = width
        for stage in range(4):
            outputs = width << stage
            blocks = []
            for block in range(2):
                blocks.append(Block(inputs, outputs, 2 if stage and not block else 1,
                                    [("conv1", "bn1"), ("conv2", "bn2"), "downsample"]))
                inputs = outputs
            setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))
        self.fc = nn.Linear(inputs, classes)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.mean((2, 3)))


def small_resnet(depth):
    layers = [nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    inputs = 16
    for outputs in (16, 32, 64):
        for block in range((depth - 2) // 6):
            stride = 2 if block == 0 and outputs > 16 else 1
            layers.append(Block(inputs, outputs, stride, [("c1", "b1"), ("c2", "b2"), "short"]))
            inputs = outputs
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


class UNet(nn.Module):
    def __init__(self, width, classes):
        super().__init__()

        def double(i, o):
            return nn.Sequential(nn.Conv2d(i, o, 3, 1, 1), nn.ReLU(), nn.Conv2d(o, o, 3, 1, 1),
                                 nn.ReLU())

        w = width
        self.a, self.b, self.c = double(3, w), double(w, 2 * w), double(2 * w, 4 * w)
        self.u1, self.d1 = nn.ConvTranspose2d(4 * w, 2 * w, 2, 2), double(4 * w, 2 * w)
        self.u2, self.d2 = nn.ConvTranspose2d(2 * w, w, 2, 2), double(2 * w, w)
        self.o = nn.Conv2d(w, classes, 1)

    def forward(self, x):
        a = self.a(x)
        b = self.b(F.max_pool2d(a, 2))
        c = self.c(F.max_pool2d(b, 2))
        b = self.d1(torch.cat([self.u1(c), b], 1))
        return self.o(self.d2(torch.cat([self.u2(b), a], 1)))


class Tied(nn.Module):
    """A convolution and a normalization at two places; the way back reads the same filters."""

    def __init__(self):
        super().__init__()
        self.twice, self.norm = nn.Conv2d(2, 2, 3, 1, 1), nn.BatchNorm2d(2)
        self.back, self.head = nn.ConvTranspose2d(2, 2, 3, 1, 1), nn.Linear(50, 4)
        self.back.weight = self.twice.weight

    def forward(self, x):
        y = self.norm(self.twice(x))
        z = self.norm(self.twice(torch.tanh(y)))
        return self.head((self.back(z) + y + x).flatten(1))


def torchvision_model(name, **arguments):
    import torchvision.models
    return getattr(torchvision.models, name)(weights=None, **arguments)


if FULL:
    NETWORKS = {
        "resnet18": (lambda: torchvision_model("resnet18"), (3, 224, 224), 1000),
        "resnet50": (lambda: torchvision_model("resnet50"), (3, 224, 224), 1000),
        "mobilenet_v2": (lambda: torchvision_model("mobilenet_v2", dropout=0.0), (3, 224, 224),
                         1000),
        "squeezenet1_1": (lambda: torchvision_model("squeezenet1_1", dropout=0.0), (3, 224, 224),
                          1000),
        "resnet20": (lambda: small_resnet(20), (3, 32, 32), 10),
        "unet": (lambda: UNet(32, 2), (3, 128, 128), 2),
    }
else:
    NETWORKS = {
        "resnet18": (lambda: NarrowResNet18(2, 4), (3, 32, 32), 4),
        "unet": (lambda: UNet(3, 2), (3, 16, 12), 2),
        "tied": (Tied, (2, 5, 5), 4),
    }


def train(network, x, labels):
    """The loss and gradients of the first of three steps, and all tensors after them."""
    network.train()
    optimizer = torch.optim.SGD(network.parameters(), 0.01, momentum=0.9)
    results = {}
    for step in range(3):
        optimizer.zero_grad()
        loss = F.cross_entropy(network(x), labels)
        loss.backward()
        if step == 0:
            results["loss"] = loss.detach().reshape(1)
            for name, p in network.named_parameters():
                results[f"gradient.{name}"] = p.grad.clone()
        optimizer.step()
    for name, tensor in network.state_dict().items():
        if tensor.is_floating_point():
            results[f"trained.{name}"] = tensor.detach().clone()
    return results


def attention(network, x, label):
    """Grad-CAM, Selvaraju et al. 2017: the planes of layer2, each by the mean of its gradient."""
    kept = []
    network.eval().layer2.register_forward_hook(lambda module, inputs, output: kept.append(output))
    network(x)[0, label].backward(inputs=[kept[0].retain_grad() or kept[0]])
    weights = kept[0].grad.mean((2, 3), keepdim=True)
    return F.relu((weights * kept[0]).sum(1, keepdim=True)).detach()


def main():
    folder = [a for a in sys.argv[1:] if not a.startswith("--")]
    folder, wanted = folder[0], folder[1:]
    for number, (name, (make, shape, classes)) in enumerate(NETWORKS.items()):
        if wanted and name not in wanted:
            continue
        torch.manual_seed(number + SEED)
        network = make()
        for module in network.modules():  # a forgotten statistic has to show
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.1)
                module.running_var.uniform_(0.5, 1.5)
                nn.init.uniform_(module.weight, 0.5, 1.5)
                nn.init.normal_(module.bias, 0, 0.1)
        batch = 4
        x = torch.randn(batch, *shape)
        places = shape[1:] if name == "unet" else ()
        labels = torch.randint(0, classes, (batch, *places))
        tensors = {f"state.{k}": v.clone() for k, v in network.state_dict().items()
                   if v.is_floating_point()}
        with torch.no_grad():
            output = copy.deepcopy(network).double().eval()(x.double())
        single = train(copy.deepcopy(network), x, labels)
        double = train(copy.deepcopy(network).double(), x.double(), labels)
        metadata = {f"error.{k}": repr((single[k].double() - v).abs().max().item())
                    for k, v in double.items()}
        tensors |= {"images": x, "labels": labels.float(), "output": output} | double
        if hasattr(network, "layer2"):
            tensors["attention"] = attention(
                copy.deepcopy(network).double(), x[:1].double(), 0)
        save_file({k: v.contiguous() for k, v in tensors.items()}, f"{folder}/{name}.safetensors",
                  metadata)
        print(name, sum(v.numel() for v in network.parameters()), "parameters")


if __name__ == "__main__":
    main()
