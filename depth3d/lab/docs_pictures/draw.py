"""Draw the manual's pictures: python -m depth3d.lab.docs_pictures.draw (extras `view` and `web`, and Chromium).

The overview and the moving pictures show what the bundled network makes of the rendered samples; `networks.jpg` shows
that beside the exact depth, which the other pictures use.
"""

from __future__ import annotations

import argparse
import io
import math
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import uvicorn
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import sync_playwright

import depth3d as d3
from depth3d.lab.docs_pictures import read_picture
from depth3d.lab.docs_pictures.fuse_picture import walk
from depth3d.lab.docs_pictures.html_page_picture import sent_file
from depth3d.lab.docs_pictures.output_pictures import kinds
from depth3d.viewers.open3d import show
from depth3d.web import Limits
from depth3d.web.server import build_app

_ROOT = Path(__file__).resolve().parents[3]
SAMPLES = _ROOT / "samples"
_PANEL = (640, 480)
_GAP = 8


def main() -> None:
    """Read the command line and draw."""
    parser = argparse.ArgumentParser(description="Draw the manual's pictures again.")
    parser.add_argument("--out", type=Path, default=_ROOT / "docs" / "pictures", help="folder to write to")
    parser.add_argument("--only", nargs="*", choices=PICTURES, default=list(PICTURES), help="those to draw")
    arguments = parser.parse_args()
    arguments.out.mkdir(exist_ok=True)
    for name in arguments.only:
        PICTURES[name](arguments.out / name)


def _still(draw: Callable[[], NDArray[np.uint8]], quality: int) -> Callable[[Path], None]:
    def save(path: Path) -> None:
        d3.save(d3.Picture(draw()), path, quality=quality, force=True)

    return save


def _moving(name: str, motion: str) -> Callable[[Path], None]:
    def save(path: Path) -> None:
        """A sample that moves, small enough for a page."""
        small = d3.OutputOptions.of(motion=motion, width=300, fps=12, max_bytes=280_000, provenance=False)
        seen(name).save(path, options=small, force=True)

    return save


def networks() -> NDArray[np.uint8]:
    """The samples' exact inverse depth above, the bundled network's below."""
    network = d3.load_predictor("bundled")
    columns = []
    for name in ("room", "courtyard", "desk"):
        photo = d3.read_photo(SAMPLES / f"{name}.jpg")
        exact = d3.read_depth_map(SAMPLES / f"{name}_depth.png", kind="metric", size=photo.size)
        shown = [photo.rgb, d3.to_heatmap(exact).rgb, d3.to_heatmap(network.predict(photo)).rgb]
        columns.append(np.vstack([cv2.resize(rgb, (480, 360), interpolation=cv2.INTER_AREA) for rgb in shown]))
    return np.hstack(columns)


def bokeh() -> NDArray[np.uint8]:
    """The desk, sharp everywhere, and focused on two things."""
    scene = exact("desk")
    shown = [scene.photo.rgb]
    for focus in ((415.0, 830.0), (800.0, 530.0)):
        picture = d3.defocus(scene.rgbd, focus=focus, blur_percent=4)
        shown.append(picture.rgb)
    return np.hstack([cv2.resize(rgb, (480, 360), interpolation=cv2.INTER_AREA) for rgb in shown])


def page() -> NDArray[np.uint8]:
    """`depth3d serve` in the browser, with a sample in it."""
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as address, sync_playwright() as driver:
        software = ["--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
        chromium = shutil.which("chromium") or shutil.which("google-chrome")
        browser = driver.chromium.launch(executable_path=chromium, args=software, chromium_sandbox=False)
        tab = browser.new_page(viewport={"width": 1280, "height": 1100})
        tab.goto(address)
        tab.click("[data-example=room]")
        tab.frame_locator("#model iframe").locator("canvas").wait_for(timeout=120_000)
        tab.wait_for_timeout(5000)
        shot = tab.screenshot()
        browser.close()
    with Image.open(io.BytesIO(shot)) as image:
        return np.asarray(image.convert("RGB"))


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The page's address while it is served."""
    app = build_app(folder, options=d3.Options.of(predictor="bundled"), limits=Limits())
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        server.should_exit = True
        thread.join()


def stereo() -> NDArray[np.uint8]:
    """The courtyard for red and cyan glasses, and for crossed eyes."""
    scene = exact("courtyard")
    shown = [d3.to_stereo(scene.rgbd, layout=layout, width=480).rgb for layout in ("anaglyph", "cross-eyed")]
    return np.hstack(shown)


def overview(name: str, *, yaw_deg: float, pitch_deg: float) -> NDArray[np.uint8]:
    """A sample's photo, the bundled network's depth as a heat map, and the model turned to the side."""
    scene = seen(name)
    turned = _turned(scene.mesh(max_points=None), float(np.nanmedian(scene.depth.z)), yaw_deg, pitch_deg)
    with tempfile.TemporaryDirectory() as folder:
        shot = Path(folder) / "shot.png"
        show([turned], camera=scene.camera, screenshot=shot)
        model = read_picture(shot)
    panels = [
        cv2.resize(p, _PANEL, interpolation=cv2.INTER_AREA) for p in (scene.photo.rgb, scene.heatmap().rgb, model)
    ]
    gap = np.full((_PANEL[1], _GAP, 3), 255, np.uint8)
    return np.hstack([panels[0], gap, panels[1], gap, panels[2]])


def seen(name: str) -> d3.Scene:
    """A sample as the bundled network sees it, with its true camera and the distances in its hints."""
    options = d3.Options.of(
        predictor="bundled",
        camera_file=SAMPLES / f"{name}_camera.json",
        hints_files=(SAMPLES / f"{name}_hints.json",),
    )
    return d3.reconstruct(SAMPLES / f"{name}.jpg", options=options)


def exact(name: str) -> d3.Scene:
    """A sample with its true camera and depth."""
    options = d3.Options.of(
        camera_file=SAMPLES / f"{name}_camera.json",
        depth_map=SAMPLES / f"{name}_depth.png",
        depth_kind="metric",
    )
    return d3.reconstruct(SAMPLES / f"{name}.jpg", options=options)


def _turned(mesh: d3.Mesh, pivot_m: float, yaw_deg: float, pitch_deg: float) -> d3.Mesh:
    """The mesh seen from the side and from above: turned about a point on the optical axis, a little farther away."""
    yaw, pitch = math.radians(yaw_deg), math.radians(pitch_deg)
    about_y = np.array([[math.cos(yaw), 0, math.sin(yaw)], [0, 1, 0], [-math.sin(yaw), 0, math.cos(yaw)]])
    about_x = np.array([[1, 0, 0], [0, math.cos(pitch), -math.sin(pitch)], [0, math.sin(pitch), math.cos(pitch)]])
    pivot = np.array([0, 0, pivot_m])
    xyz = (mesh.xyz - pivot) @ (about_x @ about_y).T + pivot * (1, 1, 1.25)
    return replace(mesh, xyz=xyz.astype(np.float32), normals=None)


PICTURES: dict[str, Callable[[Path], None]] = {
    "room_overview.jpg": _still(lambda: overview("room", yaw_deg=24.0, pitch_deg=14.0), 88),
    "networks.jpg": _still(networks, 88),
    "kinds.jpg": _still(lambda: kinds(exact("desk")), 82),
    "bokeh.jpg": _still(bokeh, 88),
    "serve.jpg": _still(page, 80),
    "page.jpg": _still(sent_file, 82),
    "stereo.jpg": _still(stereo, 88),
    "fused.jpg": _still(lambda: walk(exact("room")), 86),
    "room_orbit.webp": _moving("room", "orbit"),
    "courtyard_swing.webp": _moving("courtyard", "swing"),
    "desk_vertigo.webp": _moving("desk", "vertigo"),
}
"""Each picture of the manual, and what draws it."""


if __name__ == "__main__":
    main()
