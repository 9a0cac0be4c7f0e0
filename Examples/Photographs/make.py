#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Draws the photographs beside this file with Pillow: python3 make.py. Suns, houses and trees,
# each with a sky, a ground and grain of its own; some lie on their side, and their EXIF says so,
# as a camera's do.

import pathlib
import random

from PIL import Image, ImageDraw

HERE = pathlib.Path(__file__).parent
SIZES = ((64, 48), (48, 64), (60, 60))


def drawn(kind, lot):
    width, height = lot.choice(SIZES)
    horizon = lot.randint(height * 5 // 10, height * 7 // 10)
    image = Image.new("RGB", (width, height), (lot.randint(90, 170), lot.randint(150, 210), lot.randint(210, 255)))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, horizon, width, height), (lot.randint(60, 140), lot.randint(90, 160), lot.randint(40, 90)))
    x, size = lot.randint(width // 3, width * 2 // 3), lot.randint(9, 14)
    if kind == "sun":
        y = lot.randint(size, max(horizon - size, size + 1))
        draw.ellipse((x - size, y - size, x + size, y + size), (255, lot.randint(190, 240), lot.randint(20, 90)))
    elif kind == "house":
        base = horizon + lot.randint(0, 6)
        wall = (lot.randint(180, 240), lot.randint(150, 210), lot.randint(130, 200))
        draw.rectangle((x - size, base - size, x + size, base + 4), wall)
        roof = (lot.randint(130, 190), lot.randint(30, 80), lot.randint(20, 60))
        draw.polygon(((x - size - 3, base - size), (x + size + 3, base - size), (x, base - 2 * size)), roof)
        draw.rectangle((x - 3, base - 6, x + 2, base + 4), (90, 60, 40))
    else:
        base = horizon + lot.randint(0, 6)
        draw.rectangle((x - 2, base - size, x + 2, base + 3), (lot.randint(80, 120), 60, 30))
        leaves = (lot.randint(10, 60), lot.randint(90, 140), lot.randint(20, 60))
        for _ in range(5):
            dx, dy = lot.randint(-size // 2, size // 2), lot.randint(-size // 2, size // 2)
            draw.ellipse((x + dx - 6, base - size - 6 + dy, x + dx + 6, base - size + 6 + dy), leaves)
    for y in range(height):
        for column in range(width):
            grain = lot.randint(-9, 9)
            pixel = image.getpixel((column, y))
            image.putpixel((column, y), tuple(min(max(part + grain, 0), 255) for part in pixel))
    return image


def write(folder, count, lot):
    for kind in ("house", "sun", "tree"):
        (HERE / folder / kind).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            image, exif = drawn(kind, lot), Image.Exif()
            if number % 4 == 3:
                # Taken with the camera on its side.
                image = image.transpose(Image.Transpose.ROTATE_90)
                exif[0x0112] = 6
            image.save(HERE / folder / kind / f"{number:02}.jpg", quality=80, exif=exif)


write("train", 16, random.Random(1))
write("test", 4, random.Random(2))
