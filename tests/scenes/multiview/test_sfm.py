"""Where photos were taken, found from nothing but the photos: a room whose exact poses are known."""

from __future__ import annotations

import errno
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from posed_room import PosedRoom, posed_room, textured

from depth3d.cli import run
from depth3d.core.camera import Intrinsics
from depth3d.core.errors import GeometryError, OutputError, UsageError
from depth3d.io.captures import Capture, holds_poses, place, read_capture
from depth3d.io.photos.gps import GpsPosition, east_north_up, read_gps
from depth3d.io.photos.photo import read_photo
from depth3d.scenes.multiview.sfm import find_poses
from depth3d.scenes.multiview.sfm.failure_reasons import groups_note
from depth3d.scenes.multiview.sfm.gps_scale import unit_from_gps
from depth3d.scenes.multiview.sfm.match_pairs import pairs_to_compare, similarity
from depth3d.scenes.multiview.sfm.photo_set import photo_files
from depth3d.scenes.options import Options

pytest.importorskip("pycolmap")

SIZE = (320, 240)


@pytest.fixture(scope="module")
def room() -> PosedRoom:
    return textured(posed_room(5, SIZE))


@dataclass(frozen=True)
class FirstRun:
    """Photos, the cache that their poses were found in, and the steps that were reported."""

    photos: Path
    cache: Path
    capture: Capture
    told: tuple[str, ...]


@pytest.fixture(scope="module")
def first_run(room: PosedRoom, tmp_path_factory: pytest.TempPathFactory) -> FirstRun:
    folder = tmp_path_factory.mktemp("bare")
    photos, told = room.write_photos(folder / "photos"), list[str]()
    capture = find_poses([photos], folder / "cache", report=lambda what, done, total: told.append(what))
    return FirstRun(photos, folder / "cache", capture, tuple(told))


@pytest.fixture(scope="module")
def found(first_run: FirstRun) -> Capture:
    return first_run.capture


def _centres(capture: Capture) -> NDArray[np.float64]:
    return np.array([posed.pose.world_from_cam[:3, 3] for posed in capture.photos])


def test_places_of_bare_photos_are_the_true_ones_but_for_their_size(found: Capture, room: PosedRoom) -> None:
    by_name = {posed.photo.stem: posed for posed in found.photos}
    assert sorted(by_name) == sorted(room.names)
    posed = [by_name[name] for name in room.names]
    step = np.linalg.norm(posed[-1].pose.world_from_cam[:3, 3] - posed[0].pose.world_from_cam[:3, 3])
    units = step / 1.6  # the cameras stand 1.6 m apart
    for one, view in zip(posed, room.views, strict=True):
        assert one.points is not None
        u, v = np.floor(one.points.xy).astype(int).T
        z = view.z[np.clip(v, 0, SIZE[1] - 1), np.clip(u, 0, SIZE[0] - 1)]
        assert len(z) > 100
        assert np.median(np.abs(one.points.z / units / z - 1)) < 0.02
        first = posed[0].pose.cam_from_world @ one.pose.world_from_cam
        true = room.views[0].pose.cam_from_world @ view.pose.world_from_cam
        assert first[:3, :3] == pytest.approx(true[:3, :3], abs=0.02)
    assert not found.is_metric
    assert found.left_out == ()


def test_a_second_run_takes_what_the_first_found_and_other_photos_start_anew(
    first_run: FirstRun, room: PosedRoom, tmp_path: Path
) -> None:
    assert {"reading photos", "finding keypoints", "comparing keypoints", "finding places"} <= set(first_run.told)
    photos, found, told = first_run.photos, first_run.capture, list[str]()
    shutil.copytree(first_run.cache, tmp_path / "cache")
    again = find_poses([photos], tmp_path / "cache", report=lambda what, done, total: told.append(what))
    assert told == []
    assert [posed.photo.name for posed in again.photos] == [posed.photo.name for posed in found.photos]
    (tmp_path / "cache" / "places.json").unlink()  # as if it had been stopped before the end
    find_poses([photos], tmp_path / "cache", report=lambda what, done, total: told.append(what))
    assert "finding places" in told
    assert "comparing keypoints" not in told
    told.clear()
    options = Options.of(fov_x_deg=70)
    stated = find_poses([photos], tmp_path / "cache", options, report=lambda what, done, total: told.append(what))
    assert "comparing keypoints" in told
    assert stated.photos[0].camera_as_taken is not None
    assert stated.photos[0].camera_as_taken.fx == pytest.approx(room.views[0].camera.fx, rel=1e-6)


@pytest.mark.parametrize("call", ["replace", "write_text"])
def test_a_full_disk_is_told_in_one_line_and_the_next_run_does_what_is_left(
    call: str, room: PosedRoom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos, usual = room.write_photos(tmp_path / "photos"), getattr(Path, call)

    def refused(path: Path, *_: object, **__: object) -> None:
        monkeypatch.setattr(Path, call, usual)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, call, refused)
    with pytest.raises(OutputError, match="^cannot work in the folder .*cache: No space left on device$"):
        find_poses([photos], tmp_path / "cache")
    assert len(find_poses([photos], tmp_path / "cache").photos) == len(room.names)


def test_a_cache_that_holds_something_else_is_left_alone(room: PosedRoom, tmp_path: Path) -> None:
    photos = room.write_photos(tmp_path / "photos")
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "letter.txt").write_text("mine")
    with pytest.raises(UsageError, match="holds something else"):
        find_poses([photos], tmp_path / "cache")
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["letter.txt"]


def test_one_photo_and_several_videos_are_refused_with_the_remedy(room: PosedRoom, tmp_path: Path) -> None:
    photos = sorted(room.write_photos(tmp_path / "photos").iterdir())
    with pytest.raises(UsageError, match="one photo in .* give two or more; .* depth3d export"):
        find_poses(photos[:1], tmp_path / "cache")
    clip = tmp_path / "a.mp4"
    clip.write_bytes(b"a video")
    with pytest.raises(UsageError, match="a video goes alone"):
        find_poses([clip, *photos], tmp_path / "cache")
    (tmp_path / "more").mkdir()
    photos[0].rename(tmp_path / "more" / photos[1].name)
    with pytest.raises(UsageError, match="have one name; rename one"):
        find_poses([tmp_path / "photos", tmp_path / "more"], tmp_path / "cache")


def test_photos_are_found_in_the_folder_of_a_project(room: PosedRoom, tmp_path: Path) -> None:
    photos = room.write_photos(tmp_path / "project" / "images")
    (photos / "K.txt").write_text("1 0 0 0 1 0 0 0 1")
    (tmp_path / "project" / "config.yaml").write_text("")
    assert photo_files([tmp_path / "project"]) == sorted(photos.glob("*.png"))
    assert photo_files([photos]) == sorted(photos.glob("*.png"))


def test_photos_of_nothing_in_common_are_refused_in_plain_words(tmp_path: Path) -> None:
    for seed in range(3):
        noise = np.random.default_rng(seed).integers(0, 255, (60, 80, 3), np.uint8)
        cv2.imwrite(str(tmp_path / f"{seed}.png"), cv2.resize(noise, SIZE, interpolation=cv2.INTER_CUBIC))
    with pytest.raises(GeometryError, match="no two of the 3 photos have 15 points in common.*overlap by two thirds"):
        find_poses([tmp_path], tmp_path / "cache")


def test_a_camera_that_only_turns_is_told_to_walk(room: PosedRoom, tmp_path: Path) -> None:
    wide = cv2.resize(room.views[2].rgb, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    camera = Intrinsics.from_fov(*SIZE, fov_x_deg=40)
    matrix = np.array([[camera.fx, 0, 160], [0, camera.fy, 120], [0, 0, 1]])
    whole = np.array([[room.views[2].camera.fx * 2, 0, 320], [0, room.views[2].camera.fy * 2, 240], [0, 0, 1]])
    for number, yaw in enumerate((-8, 0, 8)):
        turn, _ = cv2.Rodrigues(np.array([0.0, np.radians(yaw), 0.0]))
        homography = whole @ turn @ np.linalg.inv(matrix)
        seen = cv2.warpPerspective(wide, homography, SIZE, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        cv2.imwrite(str(tmp_path / f"{number}.png"), seen)
    with pytest.raises(GeometryError, match="only turned and did not move.*sideways.*depth3d panorama"):
        find_poses([tmp_path], tmp_path / "cache", Options.of(fov_x_deg=40))


def test_a_photo_of_something_else_is_named_with_its_reason(room: PosedRoom, tmp_path: Path) -> None:
    photos = room.write_photos(tmp_path / "photos")
    noise = np.random.default_rng(5).integers(0, 255, (60, 80, 3), np.uint8)
    cv2.imwrite(str(photos / "odd.png"), cv2.resize(noise, SIZE, interpolation=cv2.INTER_CUBIC))
    (photos / "torn.jpg").write_bytes(b"not a picture")
    capture = find_poses([photos], tmp_path / "cache")
    assert len(capture.photos) == 5
    reasons = dict(capture.left_out)
    assert "too little of what the other photos show" in reasons["odd.png"]
    assert "no picture" in reasons["torn.jpg"]


def test_photos_of_two_places_are_told_apart(room: PosedRoom, tmp_path: Path) -> None:
    names, views = room.names[:4], room.views[:4]
    photos = PosedRoom(views, names).write_photos(tmp_path / "photos")
    for name, view in zip(names[:3], views[:3], strict=True):
        cv2.imwrite(str(photos / f"other {name}.png"), view.rgb[::-1, :, ::-1])  # a mirrored room
    capture = find_poses([photos], tmp_path / "cache")
    assert sorted(one.photo.stem for one in capture.photos) == sorted(names)
    assert "fall into 2 groups that share too little, of 4 and 3 photos" in capture.notes[0]
    assert "on the way from one to the other would join them" in capture.notes[0]
    reasons = dict(capture.left_out)
    assert set(reasons) == {f"other {name}.png" for name in names[:3]}
    assert all("add" in why and "between" in why for why in reasons.values())


def test_photos_turned_by_exif_are_placed_as_they_stand_upright(room: PosedRoom, tmp_path: Path) -> None:
    for name, view in zip(room.names, room.views, strict=True):
        exif = Image.Exif()
        exif[0x0112] = 6  # stored so that it has to be turned clockwise
        Image.fromarray(np.rot90(view.rgb)).save(tmp_path / f"{name}.jpg", exif=exif, quality=95)
    capture = find_poses([tmp_path], tmp_path / "cache")
    posed = next(one for one in capture.photos if one.photo.stem == room.names[0])
    photo = read_photo(posed.photo)
    assert photo.size == SIZE
    placed = place(posed, photo)
    assert placed.camera is not None
    assert placed.camera.size == SIZE
    (points,) = placed.hints
    assert points.u.max() > 240  # type: ignore[attr-defined]


def test_the_command_takes_bare_photos_and_keeps_the_model(
    room: PosedRoom, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("open3d")
    photos = room.write_photos(tmp_path / "photos")
    depths = room.write_inverse_depths(tmp_path / "inverse depths")
    arguments = ["fuse", str(photos), "-o", str(tmp_path / "room.glb"), "--keep-model", str(tmp_path / "model")]
    assert run([*arguments, "--depth-map", f"{depths}/{{name}}.npy"]) == 0
    said = capsys.readouterr()
    assert "5 of 5 on one scale" in said.err
    assert (tmp_path / "room.cache").is_dir()
    assert (tmp_path / "room.glb").stat().st_size > 10_000
    kept = read_capture(tmp_path / "model", [photos])
    assert len(kept.photos) == 5
    assert run(["fuse", str(tmp_path / "model"), str(photos), "--keep-model", "b", "-o", str(tmp_path / "b.glb")]) == 2
    assert "--keep-model is for photos whose places are to be found" in capsys.readouterr().err


def test_what_holds_poses(room: PosedRoom, tmp_path: Path) -> None:
    photos = room.write_photos(tmp_path / "photos")
    assert not holds_poses(photos)
    assert not holds_poses(photos / f"{room.names[0]}.png")
    assert holds_poses(room.write_colmap(tmp_path / "sparse"))
    assert holds_poses(room.write_nerfstudio(tmp_path / "transforms.json"))
    assert holds_poses(room.write_tum(tmp_path / "poses.txt"))
    assert holds_poses(tmp_path)


def test_a_video_gives_frames_that_moved_on(room: PosedRoom, tmp_path: Path) -> None:
    from depth3d.io.photos.video import Video
    from depth3d.scenes.multiview.progress import silent
    from depth3d.scenes.multiview.sfm.video_keyframes import extract_keyframes

    class Clip(Video):
        def frames(self):  # type: ignore[no-untyped-def] # noqa: ANN201
            wide = cv2.resize(room.views[2].rgb, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
            for number in range(60):  # 4 pixels a frame of 320: 3 % of the width in two and a half
                yield np.ascontiguousarray(wide[100:340, 4 * number : 4 * number + 320])

    frames = extract_keyframes(Clip(tmp_path / "walk.mp4", 25, 60), tmp_path / "frames", silent)
    numbers = [int(path.stem.rpartition("_")[2]) for path in frames]
    assert numbers[0] == 0
    assert 18 <= len(numbers) <= 28
    assert max(np.diff(numbers)) <= 5
    assert extract_keyframes(Clip(tmp_path / "walk.mp4", 25, 60), tmp_path / "frames", silent) == frames


def test_large_sets_compare_photos_that_look_alike() -> None:
    rng = np.random.default_rng(3)
    things = rng.normal(size=(200, 128)).astype(np.float32)
    things /= np.linalg.norm(things, axis=1, keepdims=True)
    order = rng.permutation(100)
    seen = [things[2 * place : 2 * place + 20][rng.permutation(20)[:16]] for place in range(90)]
    photos = [seen[place] for place in order if place < 90]
    where = [int(place) for place in order if place < 90]
    pairs = pairs_to_compare(photos, in_order=False)
    assert len(pairs) < 90 * 89 / 4
    compared = {frozenset((where[i], where[j])) for i, j in pairs}
    assert all(frozenset((place, place + 1)) in compared for place in range(89))
    assert similarity(photos[:2])[0, 0] == 0
    assert pairs_to_compare(photos[:3], in_order=False) == [(0, 1), (0, 2), (1, 2)]


def test_gps_sets_the_unit_in_spite_of_errors_and_a_liar() -> None:
    rng = np.random.default_rng(0)
    true = np.column_stack([np.linspace(0, 80, 12), 10 * np.sin(np.arange(12)), np.zeros(12)])
    turn, _ = cv2.Rodrigues(np.array([0.3, -1.0, 0.5]))
    centres = true @ turn.T / 7.5 + (3, 4, 5)
    off = rng.normal(0, 2.0, (12, 2))
    positions: list[GpsPosition | None] = [
        GpsPosition(55.7 + (y + dy) / 111_342.0, 13.2 + (x + dx) / (111_320.0 * np.cos(np.radians(55.7))), 30.0)
        for (x, y, _), (dx, dy) in zip(true, off, strict=True)
    ]
    positions[4] = replace(positions[4], latitude_deg=55.8)  # type: ignore[type-var]
    unit = unit_from_gps(centres, positions)
    assert unit is not None
    assert unit.count == 11
    assert unit.metres == pytest.approx(7.5, rel=0.08)
    assert 0.02 < unit.relative_sigma < 0.2
    assert unit_from_gps(centres[:2], positions[:2]) is None


def test_only_photos_that_the_model_lacks_make_a_second_group() -> None:
    assert groups_note([{"a", "b", "c"}, {"b", "c"}]) == ()
    (note,) = groups_note([{"a", "b", "c"}, {"c", "d", "e"}])
    assert "2 groups" in note
    assert "3 and 2 photos" in note


def test_degrees_become_metres() -> None:
    places = [GpsPosition(0, 179.9999), GpsPosition(0, -179.9999), GpsPosition(0.001, 179.9999, 5.0)]
    xyz = east_north_up(places)
    assert xyz[1] == pytest.approx((22.26, 0, 0), abs=0.01)  # 2e-4 degrees of the equator, across the date line
    assert xyz[2] == pytest.approx((0, 110.57, 0), abs=0.01)


def test_a_position_is_read_as_exif_has_it(tmp_path: Path) -> None:
    exif = Image.Exif()
    gps = {1: "S", 2: (33.0, 30.0, 36.0), 3: "W", 4: (70.0, 15.0, 0.0), 5: b"\x01", 6: 12.5, 31: 4.0}
    exif[0x8825] = gps
    Image.new("RGB", (8, 8)).save(tmp_path / "a.jpg", exif=exif)
    assert read_gps(tmp_path / "a.jpg") == GpsPosition(-33.51, -70.25, -12.5, 4.0)
    Image.new("RGB", (8, 8)).save(tmp_path / "b.jpg")
    assert read_gps(tmp_path / "b.jpg") is None
