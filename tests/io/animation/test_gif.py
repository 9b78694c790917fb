from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageSequence

from depth3d.core.errors import UsageError
from depth3d.core.images import Animation
from depth3d.io.save import save


def scene(width: int = 160, height: int = 90, count: int = 12) -> list[NDArray[np.uint8]]:
    """A soft gradient behind a disc that moves."""
    u, v = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    behind = np.stack([200 * u, 120 * v + 60, 255 * (1 - u * v)], axis=-1)
    frames = []
    for i in range(count):
        disc = (u - 0.3 - 0.02 * i) ** 2 + (v - 0.5) ** 2 < 0.03
        frames.append(np.where(disc[..., None], [240, 40 + 100 * 0.5, 20], behind).astype(np.uint8))
    return frames


def animation(frames: list[NDArray[np.uint8]], *, fps: float = 30, loops: bool = True) -> Animation:
    return Animation(lambda: iter(frames), len(frames), fps, loops)


def read(path: Path) -> tuple[list[NDArray[np.uint8]], list[int]]:
    with Image.open(path) as image:
        shown = [(np.asarray(frame.convert("RGB")), frame.info["duration"]) for frame in ImageSequence.Iterator(image)]
    return [rgb for rgb, _ in shown], [duration for _, duration in shown]


def psnr(frames: list[NDArray[np.uint8]], others: list[NDArray[np.uint8]]) -> float:
    error = np.mean([np.mean((a.astype(float) - b) ** 2) for a, b in zip(frames, others, strict=True)])
    return float(10 * np.log10(255**2 / error))


def test_every_frame_is_shown_for_its_time(tmp_path: Path) -> None:
    frames = scene()
    shown, times = read(save(animation(frames), tmp_path / "a.gif"))
    assert psnr(frames, shown) > 36
    assert min(psnr([a], [b]) for a, b in zip(frames, shown, strict=True)) > 36
    assert times[:6] == [30, 40, 30, 30, 40, 30]
    assert sum(times) == 400


def test_another_decoder_shows_the_same(tmp_path: Path) -> None:
    import cv2

    path = save(animation(scene()), tmp_path / "a.gif")
    capture = cv2.imreadanimation(str(path))[1]
    shown, _ = read(path)
    assert len(capture.frames) == len(shown)
    for theirs, ours in zip(capture.frames, shown, strict=True):
        assert np.array_equal(theirs[..., 2::-1], ours)


def test_better_and_smaller_than_pillow_on_a_photo(tmp_path: Path, shared_data: Path) -> None:
    with Image.open(shared_data / "depthy_lensblur" / "tunnel-image.jpg") as image:
        photo = np.asarray(image.convert("RGB").resize((200, 260)))
    frames = [photo[20:150, i : i + 180].copy() for i in range(0, 10, 2)]
    ours = save(animation(frames), tmp_path / "ours.gif")
    first, *rest = (Image.fromarray(frame) for frame in frames)
    first.save(tmp_path / "pillow.gif", save_all=True, append_images=rest, duration=33, loop=0)
    assert psnr(frames, read(ours)[0]) > psnr(frames, read(tmp_path / "pillow.gif")[0])
    assert ours.stat().st_size < (tmp_path / "pillow.gif").stat().st_size


def test_without_dither_it_is_closer_but_in_steps(tmp_path: Path) -> None:
    frames = scene()
    plain, _ = read(save(animation(frames), tmp_path / "a.gif", dither="none"))
    dithered, _ = read(save(animation(frames), tmp_path / "b.gif"))
    assert psnr(frames, plain) > psnr(frames, dithered)

    def longest_flat_run(rgb: NDArray[np.uint8]) -> int:
        steps = np.flatnonzero(np.any(np.diff(rgb[5].astype(int), axis=0), axis=1))
        return int(np.diff(steps).max())

    assert longest_flat_run(dithered[0]) < longest_flat_run(plain[0])


def test_a_cut_to_other_colours_brings_a_new_palette(tmp_path: Path) -> None:
    ramp = np.tile(np.linspace(0, 255, 100, dtype=np.uint8), (60, 1))
    zero = np.zeros_like(ramp)
    red, blue = np.stack([ramp, zero, zero], axis=-1), np.stack([zero, zero, ramp], axis=-1)
    frames = [red, red, blue, blue, red]
    shown, _ = read(save(animation(frames), tmp_path / "a.gif"))
    assert min(psnr([a], [b]) for a, b in zip(frames, shown, strict=True)) > 38


def test_the_noise_of_small_changes_brings_none(tmp_path: Path) -> None:
    path = save(animation(scene()), tmp_path / "a.gif")
    with Image.open(path) as image:
        tables = {tuple(frame.palette.getdata()[1]) for frame in ImageSequence.Iterator(image) if frame.palette}
    assert len(tables) <= 1


def test_still_parts_cost_nothing(tmp_path: Path) -> None:
    frames = scene(count=1)
    one = save(animation(frames), tmp_path / "one.gif").stat().st_size
    many = save(animation(frames * 10), tmp_path / "many.gif").stat().st_size
    assert many < 1.3 * one
    assert len(read(tmp_path / "many.gif")[0]) == 10


@pytest.mark.parametrize(("loops", "expected"), [(True, 0), (False, None)])
def test_loops_run_for_ever_and_others_once(tmp_path: Path, loops: bool, expected: int | None) -> None:
    path = save(animation(scene(), loops=loops), tmp_path / "a.gif")
    with Image.open(path) as image:
        assert image.info.get("loop") == expected


def test_notes_are_comments(tmp_path: Path) -> None:
    path = save(animation(scene(count=1)), tmp_path / "a.gif", notes={"photo": "kü.jpg", "camera": "x" * 600})
    assert b"photo: k\\xfc.jpg" in path.read_bytes()
    with Image.open(path) as image:
        assert image.info["comment"].endswith(b"camera: " + b"x" * 600)


def test_more_than_fifty_frames_a_second_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="at most 50 frames per second, got 60"):
        save(animation(scene(), fps=60), tmp_path / "a.gif")
    assert read(save(animation(scene(), fps=50), tmp_path / "b.gif"))[1] == [20] * 12


def test_frames_are_not_collected(tmp_path: Path) -> None:
    import tracemalloc

    frame = np.random.default_rng(0).integers(0, 256, (360, 640, 3)).astype(np.uint8)

    def frames() -> Iterator[NDArray[np.uint8]]:
        for i in range(40):
            yield np.roll(frame, i, axis=1)

    tracemalloc.start()
    save(Animation(frames, 40, 25), tmp_path / "a.gif")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 25 * frame.nbytes


def test_palettes_and_dithers_may_be_chosen(tmp_path: Path) -> None:
    frames = scene(count=6)
    sizes, quality = {}, {}
    for palette in ("adaptive", "global", "frame"):
        for dither in ("ordered", "diffusion", "none"):
            path = save(animation(frames), tmp_path / f"{palette}_{dither}.gif", palette=palette, dither=dither)
            sizes[palette, dither], quality[palette, dither] = path.stat().st_size, psnr(frames, read(path)[0])
    assert min(quality.values()) > 34
    assert quality["frame", "none"] >= quality["adaptive", "none"] - 0.1
    assert sizes["frame", "none"] > sizes["global", "none"]
    assert sizes["global", "diffusion"] > sizes["global", "none"]


def test_fewer_colours_are_smaller_and_fewer(tmp_path: Path) -> None:
    paths = {n: save(animation(scene()), tmp_path / f"{n}.gif", colours=n, dither="none") for n in (255, 64, 8)}
    sizes = [path.stat().st_size for path in paths.values()]
    assert sizes[0] > sizes[1] > sizes[2]
    assert len(np.unique(read(paths[8])[0][0].reshape(-1, 3), axis=0)) <= 8


@pytest.mark.parametrize("wrong", [{"palette": "mine"}, {"dither": "much"}, {"colours": 1}, {"colours": 256}])
def test_options_out_of_range_are_refused(tmp_path: Path, wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="GIF: "):
        save(animation(scene()), tmp_path / "a.gif", **wrong)
