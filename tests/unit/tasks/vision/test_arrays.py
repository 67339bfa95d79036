import numpy as np
import pytest

from workflow_scripts.ticketlab.core.errors import TicketlabError
from workflow_scripts.ticketlab.tasks.vision.arrays import classes, pixels

BYTES = np.array([[[0, 51, 255], [102, 7, 153]], [[200, 204, 1], [0, 3, 254]]], dtype=np.uint8)  # two images, 2×3
PICTURES = BYTES.reshape(2, 6).astype(np.float32) / 255
FORMS = {
    "uint8": BYTES,
    "int64": BYTES.astype(np.int64),
    "big-endian": BYTES.astype(">i4"),
    "float 0–255": BYTES.astype(np.float64),
    "float16 0–255": BYTES.astype(np.float16),
    "float 0–1": BYTES / 255,
    "uint16": BYTES.astype(np.uint16) * 257,
    "flat": BYTES.reshape(2, 6),
    "one channel": BYTES[..., None],
    "channel first": BYTES[:, None],
}


@pytest.mark.parametrize("form", FORMS)
def test_pixels_of_any_type_and_range_are_the_same_picture(form):
    found = pixels({"train": FORMS[form], "test": BYTES}, "x.npz")
    for split in ("train", "test"):
        assert found[split].dtype == np.float32
        np.testing.assert_array_equal(found[split], PICTURES)


@pytest.mark.parametrize("kind", [bool, np.uint8, np.int64, np.float32])
def test_black_and_white_are_0_and_1(kind):
    np.testing.assert_array_equal(pixels({"train": (BYTES > 100).astype(kind)}, "x")["train"], PICTURES * 255 > 100)


def test_colour_comes_out_alike_with_channels_first_or_last():
    last = np.random.default_rng(0).integers(256, size=(5, 6, 7, 3), dtype=np.uint8)
    found = pixels({"train": last, "test": np.moveaxis(last, -1, 1)}, "x")
    np.testing.assert_array_equal(found["train"], last.reshape(5, -1) / np.float32(255))
    np.testing.assert_array_equal(found["test"], found["train"])


@pytest.mark.parametrize(
    ("train", "fault"),
    [
        (BYTES.astype(np.int16) - 1, "train images range from -1 to 254"),
        ((BYTES / 255 - 0.1307) / 0.3081, "train images range from -0.424213 to 2.82149"),
        (BYTES / 127.5 - 1, "range from -1 to 1"),
        (BYTES.astype(np.uint16) * 16, "range from 0 to 4080"),
        (BYTES.astype(np.int64) << 20, r"range from 0 to 2.67387e\+08"),
        (BYTES / 255**2, "range from 0 to 0.00392157"),
        (BYTES // 16, "range from 0 to 15"),
        (BYTES * 0, "range from 0 to 0"),
        (np.where(BYTES == 7, np.nan, BYTES), "range from nan to nan"),
        (np.where(BYTES == 7, np.inf, BYTES), "range from 0 to inf"),
        (BYTES.astype(complex), "array of complex128"),
        (BYTES.astype(str), "array of <U3"),
        (BYTES[:0], r"shape \(0, 2, 3\)"),
        (BYTES[0, 0], r"shape \(3,\)"),
        (BYTES[:, :1], r"differ in shape \(train \(1, 3\), test \(2, 3\)\)"),
    ],
)
def test_pixels_on_no_known_scale_are_refused_with_their_range(train, fault):
    with pytest.raises(TicketlabError, match=rf"^x\.npz: .*{fault}.*; "):
        pixels({"train": train, "test": BYTES.astype(np.float16)}, "x.npz")


LABELS = np.array([2, 0, 1, 2])


@pytest.mark.parametrize(
    "given",
    [
        *(LABELS.astype(kind) for kind in (np.uint8, np.int64, np.float32, ">i2")),
        LABELS[:, None],
        LABELS.astype(float)[:, None],
        *(np.eye(3, dtype=kind)[LABELS] for kind in (int, float, bool)),
    ],
    ids=str,
)
def test_labels_in_any_usual_form_are_the_same_classes(given):
    found, names = classes({"train": given, "test": LABELS[:1]}, {"train": 4, "test": 1}, "x")
    assert found["train"].dtype == np.int64
    assert (found["train"].tolist(), found["test"].tolist(), names) == ([2, 0, 1, 2], [2], [0, 1, 2])


@pytest.mark.parametrize(
    ("given", "names"),
    [
        (np.array(["cat", "ant", "bee", "cat"]), ["ant", "bee", "cat"]),
        (np.array([b"cat", b"ant", "bée".encode(), b"cat"]), ["ant", "bée", "cat"]),
        (np.array([7, 1, 3, 7]), [1, 3, 7]),
    ],
    ids=["names", "bytes", "other numbers"],
)
def test_classes_are_numbered_in_the_order_of_their_names(given, names):
    found, known = classes({"train": given}, {"train": 4}, "x")
    assert (found["train"].tolist(), known) == ([2, 0, 1, 2], names)


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        (LABELS[:3], r"shape \(3,\), and there are 4 images"),
        (np.array(2), r"shape \(\), and there are 4 images"),
        (np.eye(4)[:3].T, "not one-hot"),
        (np.full((4, 3), 1 / 3), "not one-hot"),
        (LABELS + 0.5, "hold 2.5; give whole numbers"),
        (LABELS - 1, "hold -1; give whole numbers"),
        (LABELS * np.nan, "hold nan"),
        (LABELS.astype(complex), "array of complex128"),
        (LABELS.astype(object), "array of object"),
        (LABELS * 0 + 5, "all images are of class 5"),
    ],
)
def test_labels_that_are_not_one_class_per_image_are_refused(given, fault):
    with pytest.raises(TicketlabError, match=rf"^x\.npz: .*{fault}"):
        classes({"train": given}, {"train": 4}, "x.npz")


def test_names_in_one_split_and_numbers_in_another_are_refused():
    with pytest.raises(TicketlabError, match="names in one split and numbers in another"):
        classes({"train": LABELS, "test": LABELS.astype(str)}, {"train": 4, "test": 4}, "x")
