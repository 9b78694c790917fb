"""Video: frames come upright and in order; one scale for a shot; files of every kind in one pass."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from plyfile import PlyData
from posed_room import room_on_an_orbit
from test_audio import heard, write_clip_with_tone

from depth3d.cli import run
from depth3d.core.depth import InverseDepth
from depth3d.core.errors import MissingExtraError, OutputError, UsageError
from depth3d.io.photos.photo import Photo
from depth3d.io.photos.video import Video, VideoError, is_video, read_video
from depth3d.scale import DistanceAt, Farthest, Nearest
from depth3d.scenes import lazy_network
from depth3d.scenes.options import Options, OutputOptions
from depth3d.scenes.video.pipeline import reconstruct_video
from depth3d.scenes.video.save import save_video

av = pytest.importorskip("av")

SIZE = (96, 72)
ORBIT = room_on_an_orbit(4, SIZE)
OTHER = cv2.resize(
    np.random.default_rng(2).integers(0, 255, (9, 12, 3), dtype=np.uint8), SIZE, interpolation=cv2.INTER_CUBIC
)


def write_clip(path: Path, frames: list[NDArray[np.uint8]], *, fps: int = 10) -> Path:
    """A video that loses little."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=fps, options={"crf": "4"})
        stream.width, stream.height, stream.pix_fmt = frames[0].shape[1], frames[0].shape[0], "yuv420p"
        for rgb in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24")))
        container.mux(stream.encode())
    return path


def opened(path: Path) -> tuple[NDArray[np.uint16], dict[str, str], int]:
    """A picture's numbers, its texts, and its number of frames."""
    with Image.open(path) as image:
        return np.asarray(image), dict(getattr(image, "text", {})), getattr(image, "n_frames", 1)


@pytest.fixture
def shot(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "shot.mp4", [view.rgb for view in ORBIT])


@pytest.fixture
def cut(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "cut.mp4", [ORBIT[0].rgb, ORBIT[1].rgb, OTHER, OTHER])


@dataclass
class Grey:
    """A network that takes bright for near; another a and b each time."""

    name: str = "grey"
    weights_id: str = "0"
    calls: int = 0

    def predict(self, photo: Photo) -> InverseDepth:
        self.calls += 1
        grey = cv2.GaussianBlur(photo.rgb.mean(axis=2).astype(np.float32), (0, 0), 2)
        return InverseDepth(grey * np.float32(0.8 + 0.1 * self.calls) + np.float32(self.calls), source="grey")


@pytest.fixture(autouse=True)
def grey(monkeypatch: pytest.MonkeyPatch) -> Grey:
    network = Grey()
    monkeypatch.setattr(lazy_network, "load_predictor", lambda *_, **__: network)
    return network


def test_frames_come_as_they_were(shot: Path) -> None:
    video = read_video(shot)
    assert (video.fps, video.count) == (10, 4)
    frames = list(video.frames())
    assert len(frames) == 4
    for frame, view in zip(frames, ORBIT, strict=True):
        assert frame.shape == view.rgb.shape
        assert np.abs(frame.astype(int) - view.rgb).mean() < 12  # 4:2:0 and the colours of video


@pytest.mark.parametrize(("matrix", "turns"), [((0, 1, -1, 0), 3), ((-1, 0, 0, -1), 2), ((0, -1, 1, 0), 1)])
def test_phones_videos_come_upright(shot: Path, matrix: tuple[int, ...], turns: int) -> None:
    """The track's matrix as in ISO 14496-12: (0, 1, -1, 0) turns clockwise by 90 degrees, as phones write upright."""
    plain = next(read_video(shot).frames())
    content = bytearray(shot.read_bytes())
    place = content.index(b"tkhd") + 4 + 40
    a, b, c, d = (value << 16 for value in matrix)
    content[place : place + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    shot.write_bytes(bytes(content))
    assert np.array_equal(next(read_video(shot).frames()), np.rot90(plain, turns))


def test_one_scale_holds_until_the_cut(cut: Path, grey: Grey) -> None:
    frames = list(reconstruct_video(read_video(cut), options=Options.of(hints=(Nearest(1.0), Farthest(4.0)))))
    assert [frame.is_new_shot for frame in frames] == [True, False, True, False]
    fits = [frame.scene.fit for frame in frames]
    assert fits[0] is fits[1]
    assert fits[2] is fits[3]
    assert fits[0] is not fits[2]
    first, second = (np.median(frame.scene.depth.z) for frame in frames[:2])
    assert second == pytest.approx(first, rel=0.03)
    assert all(frame.scene.unit == "m" for frame in frames)
    assert all(frame.scene.camera == frames[0].scene.camera for frame in frames)


def test_hints_for_pixels_do_not_outlive_a_cut(cut: Path) -> None:
    frames = reconstruct_video(read_video(cut), options=Options.of(hints=(DistanceAt(40, 30, 2.0),)))
    with pytest.raises(UsageError, match=r"cut at 0\.20 s"):
        list(frames)


def test_every_kind_of_file_in_one_pass(shot: Path, tmp_path: Path, grey: Grey) -> None:
    outputs = [tmp_path / name for name in ("heat.mp4", "depth_%03d.png", "cloud_%d.ply")]
    options = Options.of(hints=(Nearest(1.0), Farthest(4.0)))
    saved = save_video(read_video(shot), outputs, options=options)
    assert grey.calls == 4
    assert [one.what for one in saved] == ["4 frames at 10 per second"] * 3
    assert read_video(tmp_path / "heat.mp4").count == 4
    depths = [opened(tmp_path / f"depth_{number:03d}.png") for number in range(1, 5)]
    assert len({texts["depth3d:units_per_metre"] for _, texts, _ in depths}) == 1
    assert np.median(depths[3][0]) == pytest.approx(np.median(depths[0][0]), rel=0.1)
    assert PlyData.read(tmp_path / "cloud_4.ply")["vertex"].count == SIZE[0] * SIZE[1]
    told = json.loads((tmp_path / "depth_001.png.json").read_text())
    assert (told["video"], told["frames"], told["first_frames_of_shots"]) == ("shot.mp4", 4, [1])
    with pytest.raises(OutputError, match="exists already"):
        save_video(read_video(shot), outputs, options=options)


def test_relative_pictures_of_a_shot_have_the_same_ends(shot: Path, tmp_path: Path) -> None:
    save_video(read_video(shot), [tmp_path / "d_%d.png"], kind="relative")
    ends = {opened(tmp_path / f"d_{number}.png")[1]["depth3d:value_at_65535"] for number in range(1, 5)}
    assert len(ends) == 1


def test_a_file_with_fewer_frames_than_announced_is_filled_up(shot: Path, tmp_path: Path) -> None:
    video = read_video(shot)
    saved = save_video(Video(video.path, video.fps, 6), [tmp_path / "heat.gif"])
    assert saved[0].what.startswith("4 frames")
    assert 4 <= opened(tmp_path / "heat.gif")[2] <= 6  # equal frames may be one that stays longer


def test_the_command_line(
    shot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["depth", "shot.mp4", "--near", "1m", "--far", "4m", "-o", "heat.gif", "-o", "{name}_%02d.npy"]) == 0
    assert "{name}" not in capsys.readouterr().out
    assert np.load("shot_04.npy").shape == SIZE[::-1]
    assert run(["depth", "shot.mp4", "-o", "depth.png"]) == 2
    assert "depth_%04d.png" in capsys.readouterr().err
    assert run(["depth", "shot.mp4", "-o", "a.gif", "-o", "b.gif"]) == 2
    assert "one moving picture" in capsys.readouterr().err
    assert run(["parallax", "shot.mp4", "--motion", "circle", "--seconds", "0.4", "-o", "round.gif"]) == 0
    assert opened(Path("round.gif"))[2] == 4
    assert run(["parallax", "shot.mp4", "--max-size", "1MB", "-o", "small.gif"]) == 2
    assert "of a photo" in capsys.readouterr().err
    assert run(["bokeh", "shot.mp4", "-o", "a.gif"]) == 2
    assert "put a number into the name, such as a_%04d.jpg" in capsys.readouterr().err
    assert run(["bokeh", "shot.mp4", "--focus", "10,10", "-o", "soft_%02d.jpg"]) == 0
    assert Path("soft_02.jpg").stat().st_size > 0
    assert run(["depth", "shot.mp4", "--depth-map", "shot_01.npy", "--force", "-o", "c.gif"]) == 2


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({"depth_units": 1000.0}, "depth units: a video takes no depth map"),
        ({"depth_kind": "depth"}, "depth kind: a video takes no depth map"),
        ({"brighter_is_farther": True}, "brighter is farther: a video takes no depth map"),
        ({"embedded_depth": False}, "embedded depth: a video holds no depth"),
        ({"points_units": 1000.0}, "points units and points confidence describe sparse points"),
    ],
)
def test_options_that_a_video_cannot_follow_are_refused(shot: Path, chosen: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        list(reconstruct_video(read_video(shot), options=Options.of(**chosen)))


def test_what_lies_deeper_than_wanted_is_left_out_of_every_frame(shot: Path) -> None:
    options = Options.of(hints=(Nearest(1.0), Farthest(4.0)), max_depth_m=3.0)
    for frame in reconstruct_video(read_video(shot), options=options):
        assert np.nanmax(frame.scene.depth.z) <= 3.0
        assert np.isnan(frame.scene.depth.z).any()
    with pytest.raises(UsageError, match="needs metres"):
        next(reconstruct_video(read_video(shot), options=Options.of(max_depth_m=3.0)))


def test_a_gif_of_a_video_has_the_palette_that_was_chosen(shot: Path, tmp_path: Path) -> None:
    for name, palette, dither in (("a", "adaptive", "ordered"), ("b", "frame", "none")):
        options = OutputOptions.of(gif_palette=palette, gif_dither=dither)
        save_video(read_video(shot), [tmp_path / f"{name}.gif"], output_options=options)
    assert (tmp_path / "a.gif").read_bytes() != (tmp_path / "b.gif").read_bytes()


def test_camera_scale_and_unit_are_told(
    cut: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["depth", "cut.mp4", "--fov", "70", "-o", "a.gif", "--json"]) == 0
    told = capsys.readouterr()
    assert "cut.mp4: camera: 70.0 degrees wide, stated" in told.err
    assert "cut.mp4: scale: " in told.err
    assert "cut.mp4 from frame 3: scale: " in told.err
    assert json.loads(told.out) | {"what": ""} == {"path": "a.gif", "what": "", "video": "cut.mp4", "unit": "arbitrary"}
    assert run(["depth", "cut.mp4", "--near", "1m", "--far", "4m", "-o", "b_%d.png", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["unit"] == "m"
    assert run(["depth", "cut.mp4", "--depth-units", "1000", "-o", "c.gif"]) == 2
    assert not Path("c.gif").exists()


def test_two_eyes_keep_their_distance(shot: Path, tmp_path: Path) -> None:
    options, two_eyes = Options.of(hints=(Nearest(1.0), Farthest(4.0))), OutputOptions.of(layout="side-by-side")
    outputs = [tmp_path / "sbs.mp4", tmp_path / "sbs_%d.png"]
    saved = save_video(read_video(shot), outputs, options=options, output_options=two_eyes, kind="stereo")
    assert len(saved) == 2
    frames = list(read_video(tmp_path / "sbs.mp4").frames())
    assert len(frames) == 4
    assert frames[0].shape[1] == 2 * SIZE[0]
    pair = opened(tmp_path / "sbs_1.png")[0].astype(int)
    left, right = pair[:, : SIZE[0]], pair[:, SIZE[0] :]
    assert 1 < np.abs(left - right).mean() < 60
    with pytest.raises(UsageError, match="moves a photo"):
        save_video(read_video(shot), [tmp_path / "w.gif"], options=options, kind="wigglegram")


def test_a_camera_moves_through_the_video(shot: Path, tmp_path: Path, grey: Grey) -> None:
    options = OutputOptions.of(motion="horizontal", seconds=0.4, amount_percent=5)
    save_video(read_video(shot), [tmp_path / "p_%d.png", tmp_path / "p.mp4"], output_options=options, kind="parallax")
    assert grey.calls == 4
    frames = [opened(tmp_path / f"p_{number}.png")[0].astype(int) for number in (1, 2, 3, 4)]
    assert {frame.shape for frame in frames} == {(*SIZE[::-1], 3)}
    flow = [cv2.phaseCorrelate(*(np.float32(f.mean(axis=2)) for f in (frames[0], frames[k])))[0][0] for k in (1, 3)]
    assert flow[0] * flow[1] < 0  # a quarter of the pass to one side, three quarters to the other
    moving = list(read_video(tmp_path / "p.mp4").frames())
    assert np.abs(moving[1] - frames[1]).mean() < 6
    (tmp_path / "way.json").write_text('{"keys": [{"move": [0, 0, 0]}, {"move": [2, 0, 0]}], "loop": false}')
    own = OutputOptions.of(motion=str(tmp_path / "way.json"), amount_percent=5)
    with pytest.raises(UsageError, match="amount goes with a motion by name"):
        save_video(read_video(shot), [tmp_path / "own.gif"], output_options=own, kind="parallax")
    save_video(
        read_video(shot), [tmp_path / "own.gif"], output_options=own.changed(amount_percent=None), kind="parallax"
    )
    assert opened(tmp_path / "own.gif")[2] == 4


def test_what_is_no_video_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_video(Path("A.MOV"))
    assert not is_video(Path("a.jpg"))
    (tmp_path / "text.mp4").write_text("hello")
    (tmp_path / "empty.mp4").touch()
    for name, words in (("text.mp4", "no video"), ("empty.mp4", "empty"), ("none.mp4", "no such file")):
        with pytest.raises(VideoError, match=words) as caught:
            read_video(tmp_path / name)
        assert "\n" not in str(caught.value)
    import sys

    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(MissingExtraError, match=r"depth3d\[video\]"):
        read_video(tmp_path / "text.mp4")


def test_a_cut_off_video_ends_in_one_line_or_early(shot: Path) -> None:
    content = shot.read_bytes()
    shot.write_bytes(content[: len(content) // 2])
    with pytest.raises(VideoError) as caught:
        list(read_video(shot).frames())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["stereo", "parallax", None])
def test_videos_keep_their_sound_and_say_so(tmp_path: Path, kind: str | None) -> None:
    clip = write_clip_with_tone(tmp_path / "tone.mp4")
    made = {"stereo": OutputOptions.of(eye_width=64), "parallax": OutputOptions.of(width=64)}
    saved = save_video(read_video(clip), [tmp_path / "made.mp4"], output_options=made.get(kind), kind=kind)
    assert saved[0].what.startswith("20 frames at 10 per second")
    assert saved[0].what.endswith(", with its sound")
    codec, samples, rate = heard(tmp_path / "made.mp4")
    assert codec == "aac"
    assert np.flatnonzero(np.abs(samples) > 0.1)[0] / rate == pytest.approx(0.5, abs=0.05)


def test_formats_without_sound_say_that_it_is_lost(tmp_path: Path) -> None:
    clip = write_clip_with_tone(tmp_path / "tone.mp4")
    saved = save_video(
        read_video(clip), [tmp_path / "made.gif"], output_options=OutputOptions.of(width=64), kind="parallax"
    )
    assert saved[0].what.endswith(", without its sound, which .gif cannot hold")
