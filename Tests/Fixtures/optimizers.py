# SPDX-License-Identifier: MIT
"""What PyTorch's optimizers, schedules and clipping make of some numbers and gradients, in float64.

Writes optimizers.json beside this file: a case a line, with the parameters after each step.
Run: python3 optimizers.py (needs torch; made with 2.15).
"""
import json
import math
import pathlib

import torch
from torch import optim

START = [[0.5, -1.25, 2.0], [1.5, -0.75]]
GRADIENTS = [
    [[0.25, -0.5, 1.0], [-0.75, 0.125]],
    [[-0.375, 0.25, 0.5], [1.0, -0.625]],
    [[0.875, -0.125, -0.25], [0.5, 0.75]],
    [[0.125, 1.5, -0.625], [-0.25, -0.5]],
    [[-0.25, 0.375, 0.75], [0.625, -1.0]],
    [[0.5, -0.25, 0.375], [-1.125, 0.25]],
]


def run(name, make, schedule=None, clip=None):
    parameters = [torch.tensor(p, dtype=torch.float64, requires_grad=True) for p in START]
    optimizer = make(parameters)
    scheduler = schedule(optimizer) if schedule else None
    steps = []
    for gradients in GRADIENTS:
        for parameter, gradient in zip(parameters, gradients):
            parameter.grad = torch.tensor(gradient, dtype=torch.float64)
        if clip:
            clip(parameters)
        optimizer.step()
        if scheduler:
            scheduler.step()
        steps.append([x for p in parameters for x in p.tolist()])
    return {"name": name, "steps": steps}


def warmed_cosine(step):
    return (step + 1) / 2 if step < 2 else (1 + math.cos(math.pi * (step - 2) / 4)) / 2


sgd = lambda p: optim.SGD(p, lr=0.1)
cases = [
    run("sgd", sgd),
    run("sgd decay", lambda p: optim.SGD(p, lr=0.1, weight_decay=0.05)),
    run("momentum", lambda p: optim.SGD(p, lr=0.1, momentum=0.9)),
    run("momentum decay", lambda p: optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.05)),
    run("nesterov", lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True)),
    run("nesterov decay",
        lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.05)),
    run("adagrad", lambda p: optim.Adagrad(p)),
    run("adagrad decay", lambda p: optim.Adagrad(p, lr=0.1, weight_decay=0.05)),
    run("rmsprop", lambda p: optim.RMSprop(p)),
    run("rmsprop decay", lambda p: optim.RMSprop(p, lr=0.1, weight_decay=0.05)),
    run("adam", lambda p: optim.Adam(p)),
    run("adam decay", lambda p: optim.Adam(p, lr=0.1, weight_decay=0.05)),
    run("adamw", lambda p: optim.AdamW(p)),
    run("adamw decay", lambda p: optim.AdamW(p, lr=0.1, weight_decay=0.05)),
    run("clip norm", sgd, clip=lambda p: torch.nn.utils.clip_grad_norm_(p, 1.5)),
    run("clip value", sgd, clip=lambda p: torch.nn.utils.clip_grad_value_(p, 0.5)),
    run("schedule step", sgd, schedule=lambda o: optim.lr_scheduler.StepLR(o, 2, 0.5)),
    run("schedule cosine", sgd, schedule=lambda o: optim.lr_scheduler.CosineAnnealingLR(o, 6)),
    run("schedule linear", sgd,
        schedule=lambda o: optim.lr_scheduler.PolynomialLR(o, 5, power=1)),
    run("schedule one cycle", sgd,
        schedule=lambda o: optim.lr_scheduler.OneCycleLR(
            o, max_lr=0.1, total_steps=6, pct_start=0.5, cycle_momentum=False)),
    run("schedule warm-up", sgd, schedule=lambda o: optim.lr_scheduler.LambdaLR(o, warmed_cosine)),
]
text = ",\n".join(json.dumps(case) for case in cases)
pathlib.Path(__file__).with_suffix(".json").write_text(
    json.dumps({"start": START, "gradients": GRADIENTS})[:-1] + ', "cases": [\n' + text + "\n]}\n")
