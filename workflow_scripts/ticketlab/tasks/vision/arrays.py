"""Pixels in [0, 1] and classes 0, 1, …, whatever the numbers in which images and labels were stored."""

import numpy as np

from workflow_scripts.ticketlab.core.errors import TicketlabError

# White in images of real numbers (or of 0 and 1), of 8 bits and of 16 bits.
WHITES = (1, 255, 65535)
ROUNDING = 1e-6  # how far beyond black and white a pixel may lie, in units of white
CHANNELS = (1, 3, 4)


def pixels(images: dict[str, np.ndarray], source: str) -> dict[str, np.ndarray]:
    """Images (N, …) by split, of any real type, to (N, features) float32 in [0, 1]: row by row, channels last.

    White is the least of WHITES that no pixel of the split exceeds, so that the same pictures come out alike whatever
    type holds them, and splits that were scaled differently come out on one scale.
    Raises TicketlabError with the range that was found if a pixel is negative or not finite, or if the brightest pixel
    of a split is at most half of white: then the scale is another.
    """
    flat, whites = {}, {}
    for split, array in images.items():
        if array.dtype.kind not in "buif" or array.ndim < 2 or not array.size:
            raise TicketlabError(
                f"{source}: the {split} images are an array of {array.dtype} of shape {array.shape}; give one of "
                "numbers, (images, height, width), with a further axis for colour, or (images, features)"
            )
        flat[split] = _channels_last(array).reshape(len(array), -1)
        low, high = float(array.min()), float(array.max())
        # A range that is NaN is within none.
        known = [white for white in WHITES if low >= -white * ROUNDING and white / 2 < high <= white * (1 + ROUNDING)]
        if not known:
            raise TicketlabError(
                f"{source}: the pixels of the {split} images range from {low:g} to {high:g}, which is not known as "
                "0 to 1, 0 to 255 or 0 to 65535; scale them so that black is 0 and white is 1"
            )
        whites[split] = known[0]
    sizes = {split: array.shape[1] for split, array in flat.items()}
    if len(set(sizes.values())) > 1:
        shown = ", ".join(f"{split} {images[split].shape[1:]}" for split in sizes)
        raise TicketlabError(f"{source}: images differ in shape ({shown}); bring all to the same")
    scaled = {split: np.divide(array, whites[split], dtype=np.float32) for split, array in flat.items()}
    return {split: array.clip(0, 1, out=array) for split, array in scaled.items()}


def _channels_last(images: np.ndarray) -> np.ndarray:
    """(N, C, H, W) to (N, H, W, C); any other array as it is, and so one whose last axis can be the channels too."""
    first = images.ndim == 4 and images.shape[1] in CHANNELS and images.shape[3] not in CHANNELS
    return np.moveaxis(images, 1, -1) if first else images


def classes(labels: dict[str, np.ndarray], counts: dict[str, int], source: str) -> tuple[dict[str, np.ndarray], list]:
    """Labels by split to classes (N,) int64, and what they are called: the labels of all splits, sorted.

    Labels are whole numbers of any type or names; one per image, as (N,) or (N, 1), or one-hot, (N, classes).
    counts: the number of images of each split.
    Raises TicketlabError if labels are of another form, or all of one class.
    """
    plain = {
        split: _one_per_image(array, counts[split], f"{source}: the {split} labels") for split, array in labels.items()
    }
    if len({array.dtype.kind for array in plain.values()}) > 1:
        raise TicketlabError(f"{source}: labels are names in one split and numbers in another; use one of both")
    known, numbers = np.unique(np.concatenate(list(plain.values())), return_inverse=True)
    if len(known) < 2:
        raise TicketlabError(f"{source}: all images are of class {known[0]}; give images of two classes or more")
    ends = np.cumsum([len(array) for array in plain.values()])[:-1]
    return dict(zip(plain, np.split(numbers.astype(np.int64), ends), strict=True)), known.tolist()


def _one_per_image(labels: np.ndarray, count: int, what: str) -> np.ndarray:
    """Labels as (N,) int64 or str."""
    if labels.ndim == 0 or len(labels) != count:
        raise TicketlabError(
            f"{what} have shape {labels.shape}, and there are {count} images; give one label per image"
        )
    if labels.dtype.kind not in "buifUS":
        raise TicketlabError(f"{what} are an array of {labels.dtype}; give whole numbers or names")
    if labels.size == count:
        labels = labels.reshape(count)
    elif labels.ndim == 2 and labels.dtype.kind in "buif" and _is_one_hot(labels):
        return labels.argmax(axis=1)
    else:
        raise TicketlabError(f"{what} have shape {labels.shape} and are not one-hot; give one label per image")
    if labels.dtype.kind in "US":
        return np.char.decode(labels, "utf-8", "replace") if labels.dtype.kind == "S" else labels
    wrong = ~np.isfinite(labels) | (labels != np.floor(labels)) | (labels < 0)
    if wrong.any():
        raise TicketlabError(f"{what} hold {labels[wrong][0]}; give whole numbers from 0 on, or names")
    return labels.astype(np.int64)


def _is_one_hot(labels: np.ndarray) -> bool:
    return bool(((labels == 0) | (labels == 1)).all() and (labels.sum(axis=1) == 1).all())
