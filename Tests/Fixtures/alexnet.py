# SPDX-License-Identifier: MIT
"""A narrow AlexNet in PyTorch: its parameters, its logits for some images, its loss and gradients.

Writes alexnet.safetensors beside this file, with parameters by this package's names (affine weights
transposed) and what was computed as out.*. Images follow a formula, so they are not stored.
Run: python3 alexnet.py (needs torch and safetensors; made with torch 2.15).
"""
import pathlib

import torch
from safetensors.torch import save_file
from torch import nn

FILTERS, HIDDEN, CLASSES = (4, 6, 8, 6, 4), 8, 5


def alexnet(filters, hidden, classes, features, groups=2):
    a, b, c, d, e = filters
    norm = lambda: nn.LocalResponseNorm(5, 5e-4, 0.75, 2)
    return nn.Sequential(
        nn.Conv2d(3, a, 11, 4), nn.ReLU(), norm(), nn.MaxPool2d(3, 2),
        nn.Conv2d(a, b, 5, padding=2, groups=groups), nn.ReLU(), norm(), nn.MaxPool2d(3, 2),
        nn.Conv2d(b, c, 3, padding=1), nn.ReLU(),
        nn.Conv2d(c, d, 3, padding=1, groups=groups), nn.ReLU(),
        nn.Conv2d(d, e, 3, padding=1, groups=groups), nn.ReLU(), nn.MaxPool2d(3, 2), nn.Flatten(),
        nn.Linear(features, hidden), nn.ReLU(), nn.Dropout(),
        nn.Linear(hidden, hidden), nn.ReLU(), nn.Dropout(), nn.Linear(hidden, classes))


def images(count, side):
    """Whole numbers from -8 to 8, eighths of which are exact."""
    index = torch.arange(count * 3 * side * side)
    return ((index * 7919 % 17 - 8).float() / 8).reshape(count, 3, side, side)


def named(tensors):
    """W1, b1, W2, b2 …; affine weights as [in, out]."""
    return {f"{'Wb'[i % 2]}{i // 2 + 1}": (t.T if t.dim() == 2 else t).contiguous()
            for i, t in enumerate(tensors)}


if __name__ == "__main__":
    torch.manual_seed(1)
    net = alexnet(FILTERS, HIDDEN, CLASSES, FILTERS[4] * 1 * 1).eval()
    x, labels = images(3, 67), torch.tensor([4, 0, 2])
    # Wider weights than PyTorch's own, so that something comes out at the end.
    with torch.no_grad():
        for p in net.parameters():
            if p.dim() > 1:
                nn.init.kaiming_normal_(p)
    parameters = {k: t.detach().clone() for k, t in named(list(net.parameters())).items()}
    double = net.double()
    logits = double(x.double())
    loss = nn.functional.cross_entropy(logits, labels)
    loss.backward()
    gradients = named([p.grad for p in double.parameters()])
    save_file(
        parameters | {f"out.{k}": g.float() for k, g in gradients.items()}
        | {"out.logits": logits.detach().float(), "out.loss": loss.detach().float().reshape(1)},
        pathlib.Path(__file__).with_suffix(".safetensors"))
    print(logits, loss)
