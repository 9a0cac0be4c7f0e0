#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# How many images of a folder Pillow decodes a second, and scales to a side: pillow.py FOLDER SIDE

import multiprocessing
import pathlib
import sys
import time

from PIL import Image

FOLDER, SIDE = sys.argv[1], int(sys.argv[2])
FILES = sorted(str(path) for path in pathlib.Path(FOLDER).glob("*/*"))


def read(file, draft):
    image = Image.open(file)
    if draft:
        # As ours: at least twice the side.
        image.draft("RGB", (2 * SIDE, 2 * SIDE))
    return image.convert("RGB").resize((SIDE, SIDE), Image.BILINEAR).size


def read_draft(file):
    return read(file, True)


def rate(body):
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        body()
        best = min(best, time.perf_counter() - start)
    return f"{len(FILES) / best:.0f} images a second"


if __name__ == "__main__":
    print("one thread, in full:", rate(lambda: [read(file, False) for file in FILES]))
    print("one thread, decoded smaller:", rate(lambda: [read(file, True) for file in FILES]))
    with multiprocessing.Pool() as pool:
        print("all processors, decoded smaller:", rate(lambda: pool.map(read_draft, FILES, 16)))
