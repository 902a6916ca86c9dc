"""The shapes that embedded data sets are made of: scanned handwritten digits and printed letters."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image, ImageDraw, ImageFont

Part = Literal["train", "val"]

LETTERS = "ABCDEFGHJKLMNPRSTUXY"  # without those that look like digits or like each other
FONTS = ("DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSansMono", "DejaVuSansMono-BoldOblique",
         "DejaVuSerif", "DejaVuSerif-Bold", "DejaVuSerif-Italic", "STIXGeneral", "STIXGeneralBol",
         "STIXGeneralItalic", "cmr10", "cmb10", "cmss10", "cmtt10")  # matplotlib carries these
MOST_TO_LEAST = 8  # the most frequent digit appears this many times as often as the rarest
HELD_OUT = 5  # every fifth shape of a class is kept for validation
LETTER_PIXELS = 12  # letters are reduced to a resolution close to the scans' 8 px


@dataclass(frozen=True)
class Alphabet:
    """K classes of shapes. A shape is float32 [h, w] in [0, 1], 1 where there is ink."""

    names: tuple[str, ...]  # K
    weights: np.ndarray  # float64 [K], how often each is drawn; sums to 1
    shapes: tuple[list[np.ndarray], ...]  # K lists


def digits(part: Part) -> Alphabet:
    """Return the scans of one part (1,797 in both, from 13 hands, 8 x 8 px), as scikit-learn carries them.

    They are the test set of "Optical recognition of handwritten digits" (Alpaydin & Kaynak, UCI, 1998).
    """
    from sklearn.datasets import load_digits  # takes a second, and only this function needs it

    scans, labels = load_digits(return_X_y=True)
    images = (scans / scans.max(axis=1, keepdims=True)).reshape(-1, 8, 8).astype(np.float32)
    weights = float(MOST_TO_LEAST) ** (-np.arange(10) / 9)
    return Alphabet(tuple("0123456789"), weights / weights.sum(),
                    tuple(_part(list(images[labels == digit]), part) for digit in range(10)))


def letters(part: Part) -> Alphabet:
    """Return printed capitals of one part, one shape per font, all equally frequent."""
    import matplotlib

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    fonts = [ImageFont.truetype(folder / f"{name}.ttf", 64) for name in FONTS]
    return Alphabet(tuple(LETTERS), np.full(len(LETTERS), 1 / len(LETTERS)),
                    tuple(_part([_print(letter, font) for font in fonts], part) for letter in LETTERS))


def _part(shapes: list[np.ndarray], part: Part) -> list[np.ndarray]:
    return [s for i, s in enumerate(shapes) if (i % HELD_OUT == HELD_OUT - 1) == (part == "val")]


def _print(letter: str, font: ImageFont.FreeTypeFont) -> np.ndarray:
    """Return `letter` cut out tightly, float32 [LETTER_PIXELS, w]."""
    sheet = Image.new("L", (128, 128))
    ImageDraw.Draw(sheet).text((24, 24), letter, fill=255, font=font)
    cut = sheet.crop(sheet.getbbox())
    width = max(1, round(cut.width * LETTER_PIXELS / cut.height))
    small = np.asarray(cut.resize((width, LETTER_PIXELS), Image.Resampling.LANCZOS), np.float32)
    return small / small.max()
