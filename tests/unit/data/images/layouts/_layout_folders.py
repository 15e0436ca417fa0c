"""Small data sets in the form in which the large ones are handed out."""

import gzip
import struct
from pathlib import Path

import numpy as np
from PIL import Image

CATEGORIES = ("Anorak", "Blazer", "Cut Offs", "Dress")


def write_celeba(folder: Path, n: int = 9, images: str = "img_align_celeba") -> Path:
    """Attributes that are +1 where the row number is divisible by 2, 3 and 4."""
    (folder / images).mkdir(parents=True)
    names = [f"{i + 1:06}.jpg" for i in range(n)]
    rows = [
        f"{name} " + " ".join(" 1" if i % d == 0 else "-1" for d in (2, 3, 4))
        for i, name in enumerate(names)
    ]
    lines = [str(n), "Smiling Young Bald ", *rows]
    (folder / "list_attr_celeba.txt").write_text("\r\n".join(lines) + "\r\n")
    sides = [f"{name} {i * 3 // n}" for i, name in enumerate(names)]
    (folder / "list_eval_partition.txt").write_text("\n".join(sides) + "\n")
    for i, name in enumerate(names):
        Image.new("RGB", (18, 22), (25 * i, 0, 0)).save(folder / images / name, quality=95)
    return folder


def write_deepfashion(folder: Path, n: int = 8) -> Path:
    """Row i is of category i modulo 4."""
    for part in ("Anno", "Eval", "img/Some_Dress"):
        (folder / part).mkdir(parents=True)
    kinds = "\n".join(f"{name:<20}{i % 3 + 1}" for i, name in enumerate(CATEGORIES))
    head = f"{len(CATEGORIES)}\ncategory_name  category_type\n"
    (folder / "Anno" / "list_category_cloth.txt").write_text(head + kinds + "\n")
    names = [f"img/Some_Dress/img_{i:08}.jpg" for i in range(n)]
    labels = "".join(f"{name:<70}{i % 4 + 1}\n" for i, name in enumerate(names))
    (folder / "Anno" / "list_category_img.txt").write_text(
        f"{n}\nimage_name  category_label\n{labels}"
    )
    sides = "".join(
        f"{name:<70}{('train', 'val', 'test')[i % 3]}\n" for i, name in enumerate(names)
    )
    (folder / "Eval" / "list_eval_partition.txt").write_text(
        f"{n}\nimage_name  evaluation_status\n{sides}"
    )
    for i, name in enumerate(names):
        Image.new("RGB", (30, 20), (0, 30 * i, 0)).save(folder / name, quality=95)
    return folder


def idx_bytes(array: np.ndarray) -> bytes:
    """An array as the content of an IDX file."""
    return (
        bytes([0, 0, 8, array.ndim])
        + struct.pack(f">{array.ndim}I", *array.shape)
        + (array.astype(np.uint8).tobytes())
    )


def write_idx(folder: Path, n_train: int = 20, n_test: int = 6) -> Path:
    """Images of 5 by 4 pixels, each as bright as ten times its label; the test files packed."""
    folder.mkdir(parents=True, exist_ok=True)
    for part, n in (("train", n_train), ("t10k", n_test)):
        labels = np.arange(n) % 10
        images = np.broadcast_to(10 * labels[:, None, None], (n, 5, 4))
        for what, array in (("images-idx3", images), ("labels-idx1", labels)):
            path = folder / f"{part}-{what}-ubyte"
            if part == "train":
                path.write_bytes(idx_bytes(array))
            else:
                path.with_name(path.name + ".gz").write_bytes(gzip.compress(idx_bytes(array)))
    return folder
