"""The run's figures on the page: PNG files, reduced so that all of them fit into one file of a few megabytes."""

from base64 import b64encode
from io import BytesIO

from PIL import Image, UnidentifiedImageError

WIDEST = 1400  # pixels
COLOURS = 48  # few colours, many flat areas


def small(png: bytes) -> str:
    """The PNG file as base64, at most WIDEST wide, in COLOURS colours; what is no picture stays as it is."""
    try:
        picture = Image.open(BytesIO(png)).convert("RGB")
    except UnidentifiedImageError:
        return b64encode(png).decode()
    if picture.width > WIDEST:
        picture = picture.resize((WIDEST, round(picture.height * WIDEST / picture.width)), Image.Resampling.LANCZOS)
    reduced, found = picture.quantize(COLOURS, dither=Image.Dither.NONE), BytesIO()
    reduced.save(found, "png", optimize=True)
    return b64encode(found.getvalue()).decode()
