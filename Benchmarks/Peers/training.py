#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Times training steps and predictions of small networks: ours and PyTorch by turns, as a table.

    swift build -c release --product Benchmarks
    pip install torch torchvision
    Benchmarks/Peers/training.py [--threads 1] [--rounds 2] [NAME …]

A step is forward, softmax cross-entropy, backward and update: Adam for the networks of the chapter,
SGD with momentum 0.9 for the others. A time is the best of all rounds.
"""
import math

import torch
import torchvision.models as models
from torch import nn
from torch.nn import functional

import cifar10
import timing


def simple():
    return nn.Sequential(
        nn.Conv2d(1, 30, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(4320, 100), nn.ReLU(), nn.Linear(100, 10))


def lenet():
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))


def alexnet():
    norm = lambda: nn.LocalResponseNorm(5, 1e-4, 0.75, 2)
    return nn.Sequential(
        nn.Conv2d(3, 96, 11, 4), nn.ReLU(), norm(), nn.MaxPool2d(3, 2),
        nn.Conv2d(96, 256, 5, padding=2), nn.ReLU(), norm(), nn.MaxPool2d(3, 2),
        nn.Conv2d(256, 384, 3, padding=1), nn.ReLU(), nn.Conv2d(384, 384, 3, padding=1), nn.ReLU(),
        nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3, 2), nn.Flatten(),
        nn.Linear(9216, 4096), nn.ReLU(), nn.Dropout(), nn.Linear(4096, 4096), nn.ReLU(),
        nn.Dropout(), nn.Linear(4096, 1000))


# How it is made, the image's shape, the batch of a step, whether the optimizer is Adam.
NETWORKS = {
    "SimpleConvNet": (simple, (1, 28, 28), 100, True),
    "LeNet": (lenet, (1, 28, 28), 100, True),
    "AlexNet": (alexnet, (3, 227, 227), 16, True),
    "resnet20": (lambda: cifar10.resnet20(10), (3, 32, 32), 128, False),
    "resnet18": (models.resnet18, (3, 224, 224), 8, False),
    "mobilenet_v2": (models.mobilenet_v2, (3, 224, 224), 8, False),
    "squeezenet1_1": (models.squeezenet1_1, (3, 224, 224), 8, False),
}


def step(name):
    """A training step of a network."""
    make, shape, count, is_adam = NETWORKS[name]
    network = make().train()
    parameters = network.parameters()
    optimizer = torch.optim.Adam(parameters) if is_adam else torch.optim.SGD(
        parameters, 0.01, momentum=0.9)
    images = torch.rand(count, *shape)
    labels = torch.randint(0, network(images).shape[1], (count,))

    def run():
        optimizer.zero_grad()
        functional.cross_entropy(network(images), labels).backward()
        optimizer.step()
    return run


def prediction(name, count):
    """The prediction of some images by a network."""
    make, shape, _, _ = NETWORKS[name]
    network, images = make().eval(), torch.rand(count, *shape)

    def run():
        with torch.inference_mode():
            network(images)
    return run


def main():
    options = timing.options(__doc__, "names")
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    print("| case | ours | PyTorch | PyTorch / ours |")
    print("| --- | ---: | ---: | ---: |")
    for name in options.names or NETWORKS:
        _, _, batch, is_adam = NETWORKS[name]
        runs = {f"train.{name}": lambda: step(name)}
        if is_adam:
            runs[f"predict.{name}"] = lambda: prediction(name, batch)
            runs[f"predict1.{name}"] = lambda: prediction(name, 1)
        for case, make in runs.items():
            ms, theirs, run = math.inf, math.inf, make()
            for _ in range(options.rounds):
                ms = min(ms, timing.ours(case, options.threads)[case]["ms"])
                theirs = min(theirs, timing.best(run, 1.5))
            print(f"| {case} | {ms:.3f} | {theirs:.3f} | {theirs / ms:.2f} |", flush=True)


if __name__ == "__main__":
    main()
