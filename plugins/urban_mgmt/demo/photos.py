"""A few drawn pictures that stand for photos: a road with a cover, a bin, a tree, each in another light."""

from __future__ import annotations

import io
import random
from collections.abc import Iterator

from PIL import Image, ImageDraw, ImageFilter

SIZE = (960, 720)


def pictures(seed: int = 110101) -> Iterator[tuple[str, bytes]]:
    """Yield a name and JPEG bytes for each picture."""
    chance = random.Random(seed)  # noqa: S311  # a reproducible demo, no secret
    for number in range(6):
        picture = _street(chance)
        draw = ImageDraw.Draw(picture)
        (_cover, _bin, _tree)[number % 3](draw, chance)
        out = io.BytesIO()
        picture.filter(ImageFilter.GaussianBlur(0.8)).save(out, "JPEG", quality=82)
        yield f"demo-{number + 1}.jpg", out.getvalue()


def _street(chance: random.Random) -> Image.Image:
    light = chance.randint(-25, 25)
    picture = Image.new("RGB", SIZE, (176 + light, 196 + light, 214 + light))
    draw = ImageDraw.Draw(picture)
    for left in range(0, SIZE[0], 160):
        tone = 120 + light + chance.randint(-18, 18)
        draw.rectangle((left, chance.randint(60, 160), left + 158, 380), fill=(tone, tone - 12, tone - 22))
    draw.rectangle((0, 380, SIZE[0], 450), fill=(168 + light, 164 + light, 156 + light))
    draw.polygon([(0, 450), (SIZE[0], 450), (SIZE[0], SIZE[1]), (0, SIZE[1])], fill=(88 + light, 90 + light, 94 + light))
    for left in range(40, SIZE[0], 200):
        draw.polygon([(left, 590), (left + 90, 590), (left + 84, 602), (left - 6, 602)], fill=(222, 222, 214))
    return picture


def _cover(draw: ImageDraw.ImageDraw, chance: random.Random) -> None:
    x, y = chance.randint(300, 560), chance.randint(520, 600)
    draw.ellipse((x, y, x + 220, y + 90), fill=(54, 52, 50), outline=(30, 28, 26), width=6)
    draw.chord((x + 14, y + 8, x + 206, y + 82), 200, 330, fill=(20, 20, 20))


def _bin(draw: ImageDraw.ImageDraw, chance: random.Random) -> None:
    x = chance.randint(260, 620)
    draw.rectangle((x, 300, x + 90, 440), fill=(44, 110, 84), outline=(28, 72, 56), width=5)
    for _ in range(14):
        left, top = x + chance.randint(-90, 150), chance.randint(430, 500)
        draw.ellipse(
            (left, top, left + chance.randint(16, 46), top + chance.randint(10, 28)), fill=tuple(chance.randint(90, 220) for _ in range(3))
        )


def _tree(draw: ImageDraw.ImageDraw, chance: random.Random) -> None:
    x = chance.randint(280, 620)
    draw.line((x, 440, x + chance.randint(-120, 120), 210), fill=(92, 70, 48), width=26)
    for _ in range(30):
        left, top = x + chance.randint(-170, 120), chance.randint(90, 280)
        draw.ellipse((left, top, left + 80, top + 60), fill=(58 + chance.randint(-18, 30), 104 + chance.randint(-18, 26), 62))
