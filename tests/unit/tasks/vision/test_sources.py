import gzip
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from workflow_scripts.ticketlab.core.errors import TicketlabError
from workflow_scripts.ticketlab.tasks.vision import sources

RANDOM = np.random.default_rng(0)
IMAGES = {
    "train": RANDOM.integers(256, size=(12, 4, 5), dtype=np.uint8),
    "test": np.eye(4, 5, dtype=np.uint8)[None] * 255,
}
IMAGES["test"] = np.repeat(IMAGES["test"], 3, axis=0)
LABELS = {"train": np.arange(12, dtype=np.uint8) % 3, "test": np.arange(3, dtype=np.uint8)}


def save_npz(path: Path, names: str = "x_{0} y_{0}", splits: tuple[str, ...] = ("train", "test")) -> None:
    images, labels = names.split()
    arrays = {images.format(split): IMAGES[split.replace("val", "test")] for split in splits}
    np.savez(path, **arrays, **{labels.format(split): LABELS[split.replace("val", "test")] for split in splits})


def save_idx(folder: Path, pack: bool = False, prefix: str = "") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for split, name in (("train", "train"), ("test", "t10k")):
        for what, array in (("images-idx3", IMAGES[split]), ("labels-idx1", LABELS[split])):
            content = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.tobytes()
            path = folder / f"{prefix}{name}-{what}-ubyte{'.gz' * pack}"
            path.write_bytes(gzip.compress(content) if pack else content)


def save_folder(root: Path, *splits: str) -> None:
    for split in splits:
        for number, (image, label) in enumerate(zip(IMAGES[split], LABELS[split], strict=True)):
            path = root / split / "abc"[label] / f"{number:02}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(path)


def is_the_set(found: sources.Splits) -> bool:
    return found.keys() == IMAGES.keys() and all(
        (images == IMAGES[split]).all() and (labels == LABELS[split]).all() for split, (images, labels) in found.items()
    )


@pytest.mark.parametrize("names", ["x_{0} y_{0}", "X_{0} Y_{0}", "{0}_images {0}_labels"])
def test_npz_files_of_keras_and_medmnist_are_read(tmp_path, names):
    save_npz(tmp_path / "x.npz", names)
    assert is_the_set(sources.npz(tmp_path / "x.npz"))
    save_npz(tmp_path / "x.npz", names, ("train", "val", "test"))
    assert [*sources.npz(tmp_path / "x.npz")] == ["train", "validation", "test"]


def foreign_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("readme.txt", "hello")


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]), "not a whole .npz"),
        (lambda path: path.write_bytes(path.read_bytes()[:300] + bytes(40) + path.read_bytes()[340:]), "CRC-32"),
        (lambda path: path.write_bytes(b""), "not a whole .npz"),
        (lambda path: path.write_text("hello"), "not a whole .npz"),
        (lambda path: path.write_bytes(pickle.dumps(IMAGES)), "not a whole .npz"),
        (lambda path: np.save(path.open("wb"), IMAGES["train"]), "a single array; save x_train, y_train"),
        (foreign_zip, "it holds readme.txt; save x_train, y_train"),
        (lambda path: np.savez(path), "it holds no arrays; save"),
        (
            lambda path: np.savez(path, x_train=IMAGES["train"], y_train=LABELS["train"]),
            "it holds x_train, y_train; save",
        ),
        (lambda path: save_npz(path, "a_{0} b_{0}"), "it holds a_train"),
    ],
    ids=["half", "flipped", "empty", "text", "pickle", "npy", "zip", "no-arrays", "no-test", "other-names"],
)
def test_a_broken_or_foreign_npz_file_is_named_with_the_remedy(tmp_path, spoil, fault):
    path = tmp_path / "x.npz"
    save_npz(path)
    spoil(path)
    with pytest.raises(TicketlabError, match=rf"^{path}: .*{fault}") as caught:
        sources.npz(path)
    assert "\n" not in str(caught.value)


def test_idx_files_are_read_plain_packed_and_as_torchvision_leaves_them(tmp_path):
    save_idx(tmp_path / "plain")
    save_idx(tmp_path / "packed", pack=True)
    for pack in (False, True):
        save_idx(tmp_path / "data/MNIST/raw", pack, prefix="emnist-digits-")
    for name in ("plain", "packed", "data"):
        assert is_the_set(sources.idx(tmp_path / name))


@pytest.mark.parametrize("pack", [False, True])
def test_a_broken_idx_file_is_named_wherever_it_is_cut(tmp_path, pack):
    save_idx(tmp_path, pack)
    path = next(tmp_path.glob("train-images*"))
    content = path.read_bytes()
    for length in range(0, len(content), 7):
        path.write_bytes(content[:length])
        with pytest.raises(TicketlabError, match=f"^{path}: not a whole IDX file .*fetch it again"):
            sources.idx(tmp_path)


def test_two_image_sets_or_none_in_an_idx_folder_are_refused(tmp_path):
    with pytest.raises(TicketlabError, match=r"one file train-images-idx.* there is: none"):
        sources.idx(tmp_path)
    for name in ("MNIST", "FashionMNIST"):
        save_idx(tmp_path / name)
    with pytest.raises(
        TicketlabError, match=r"FashionMNIST/train-images.*, .*MNIST/train-images.*folder of one image set"
    ):
        sources.idx(tmp_path)


def test_class_folders_are_read_with_or_without_splits_and_through_links(tmp_path):
    save_folder(tmp_path, "train", "test")
    (tmp_path / "train/a/.hidden.png").write_text("")
    (tmp_path / "train/a/Thumbs.db").write_text("")
    (tmp_path / "train/b").rename(tmp_path / ".elsewhere")
    (tmp_path / "train/b").symlink_to(tmp_path / ".elsewhere")
    found = sources.folder(tmp_path)
    order = np.argsort(LABELS["train"], kind="stable")
    np.testing.assert_array_equal(found["train"][0], IMAGES["train"][order] / np.float32(255))
    assert found["train"][1].tolist() == [*"aaaabbbbcccc"]
    assert [*found] == ["train", "test"]
    assert [*sources.folder(tmp_path / "train")] == ["train"]
    (tmp_path / "train").rename(tmp_path / "Training")
    (tmp_path / "test").rename(tmp_path / "val")
    assert [*sources.folder(tmp_path)] == ["train", "validation"]


@pytest.mark.parametrize("mode", ["L", "RGB", "P", "1", "LA", "RGBA", "I;16", "CMYK"])
def test_images_of_every_mode_are_the_same_picture(tmp_path, mode):
    """Black and white, so that a mode of two colours can hold it."""
    picture = IMAGES["train"][0] > 127
    save_folder(tmp_path, "train")
    if mode == "I;16":
        image = Image.fromarray(picture * np.uint16(65535))
    else:
        image = Image.fromarray(picture * np.uint8(255)).convert(mode)
    image.save(tmp_path / "train/a/00.png" if mode != "CMYK" else tmp_path / "train/a/00.tif")
    if mode == "CMYK":
        (tmp_path / "train/a/00.png").unlink()
    found = sources.folder(tmp_path)["train"][0]
    assert found.shape == (12, 4, 5, 3) if mode in ("RGB", "P", "RGBA", "CMYK") else found.shape == (12, 4, 5)
    np.testing.assert_array_equal(
        found[0].reshape(4, 5, -1), np.repeat(picture[..., None], found[0].size // 20, axis=2)
    )


def transparent(path: Path) -> None:
    image = Image.fromarray(IMAGES["train"][0]).convert("RGBA")
    image.putalpha(9)
    image.save(path)


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:60]), "00.png: not a whole image"),
        (lambda path: path.write_bytes(b""), "00.png: not a whole image"),
        (lambda path: path.write_text("hello"), "00.png: not a whole image"),
        (lambda path: Image.new("L", (7, 4)).save(path), "03.png: 5×4 pixels, but .*00.png has 7×4; bring all"),
        (transparent, "00.png: the image is transparent; lay it"),
        (lambda path: [file.unlink() for file in path.parent.iterdir()], "train/a: no image in this class folder"),
        (lambda path: (path.parents[1] / "d").mkdir(), "train/d: no image in this class folder"),
        (lambda path: path.parents[1].rename(path.parents[2] / "test"), "there is a folder test but none train"),
        (lambda path: (path.parents[2] / "Train").mkdir(), "Train and train are both train"),
    ],
    ids=["half", "empty", "text", "size", "transparent", "emptied", "no-images", "no-train", "twice"],
)
def test_a_broken_image_or_folder_is_named_with_the_remedy(tmp_path, spoil, fault):
    save_folder(tmp_path, "train")
    spoil(tmp_path / "train/a/00.png")
    with pytest.raises(TicketlabError, match=fault):
        sources.folder(tmp_path)


def test_a_folder_of_images_without_classes_is_refused(tmp_path):
    Image.new("L", (7, 4)).save(tmp_path / "1.png")
    with pytest.raises(TicketlabError, match="no class folders in it; put images into folders train/<class>"):
        sources.folder(tmp_path)
