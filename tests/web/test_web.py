"""The browser page, driven by Chromium against the real server."""

from __future__ import annotations

import http.client
import json
import re
import socket
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from conftest import HUNG_S, ROOT, skip_module_without, wait_until
from PIL import Image

import depth3d as d3
from depth3d.cli import run
from depth3d.core.errors import UsageError
from depth3d.core.parsing import written_length
from depth3d.web.downloads import DOWNLOADS, Download
from depth3d.web.limits import Limits, safe_file_name
from depth3d.web.page_state import board_state, fit_in_words, links_to_files
from depth3d.web.session import Session
from depth3d.web.sessions import Sessions

FRAME = "rgbd_7scenes_redkitchen/frame-000000.color.jpg"
OTHER = "rgbd_7scenes_redkitchen/frame-000480.color.jpg"
NEAR, FAR = (320.0, 430.0), (120.0, 90.0)
"""Two pixels of FRAME, and how far the sensor says they are."""

skip_module_without("gradio", "the extra 'web' is not installed")
# Gradio counts its requests with calls that pandas 3 is about to drop.
pytestmark = pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")


@dataclass
class Site:
    """The server under test, and what it did."""

    address: str
    folder: Path
    predictions: list[str] = field(default_factory=list)
    foreign: list[object] = field(default_factory=list)

    @property
    def sessions(self) -> list[Path]:
        return sorted(self.folder.glob("session-*"))

    def ask(self, path: str, method: str = "GET", cookie: str = "") -> tuple[int, bytes]:
        """A request that no client library tidies up."""
        connection = http.client.HTTPConnection(urlsplit(self.address).netloc, timeout=HUNG_S)
        connection.request(method, path, headers={"Cookie": cookie})
        response = connection.getresponse()
        found = response.status, response.read()
        connection.close()
        return found


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    import uvicorn

    from depth3d.predictors.network import NetworkPredictor
    from depth3d.web.server import build_app, server_config

    folder = tmp_path_factory.mktemp("site")
    with pytest.MonkeyPatch.context() as patch, socket.create_server(("127.0.0.1", 0)) as listener:
        found = Site(f"http://127.0.0.1:{listener.getsockname()[1]}/", folder)
        connect, predict = socket.socket.connect, NetworkPredictor.predict

        def watched_connect(self: socket.socket, address: Any) -> None:
            if self.family != socket.AF_UNIX and address[0] not in ("127.0.0.1", "::1"):
                found.foreign.append(address)
            connect(self, address)

        def watched_predict(self: NetworkPredictor, photo: d3.Photo, *camera: Any) -> d3.InverseDepth:
            found.predictions.append(photo.name)
            return predict(self, photo, *camera)

        patch.setattr(socket.socket, "connect", watched_connect)
        patch.setattr(NetworkPredictor, "predict", watched_predict)
        patch.setenv("GRADIO_TEMP_DIR", "")
        app = build_app(folder, options=d3.Options.of(predictor="bundled"), limits=Limits(megabytes=2, megapixels=3))
        config = server_config(app)
        config.timeout_graceful_shutdown = 1
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield found
        server.should_exit = True
        thread.join()


class Visitor:
    """One browser on the page."""

    def __init__(self, chromium: Any, site: Site, **context: Any) -> None:
        self.site = site
        self.context = chromium.new_context(**context)
        self.context.set_default_timeout(1000 * HUNG_S)
        self.page = self.context.new_page()
        self.asked: list[str] = []
        self.errors: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda line: line.type == "error" and self.errors.append(line.text))
        self.page.goto(site.address)
        self.page.wait_for_selector("#board .d3-drop")
        self.page.wait_for_function("document.querySelector('#board .d3-examples img').complete")

    @property
    def cookie(self) -> str:
        (cookie,) = self.context.cookies()
        return f"{cookie['name']}={cookie['value']}"

    def bring(self, photo: Path) -> None:
        self.page.set_input_files("#board input[type=file]", photo)

    def wait_for_model(self) -> Any:
        """The model's frame, once it has drawn something."""
        frame = self.page.frame_locator("#model iframe")
        frame.locator("canvas").wait_for()
        return frame

    def click(self, pixel: tuple[float, float], view: str = "photo") -> None:
        """Click a pixel of the 640x480 photo."""
        box = self.page.locator(f"[data-view={view}]").bounding_box()
        self.page.locator(f"[data-view={view}]").click(
            position={"x": pixel[0] / 640 * box["width"], "y": pixel[1] / 480 * box["height"]}
        )

    def mode(self, name: str) -> None:
        self.page.click(f"[data-mode={name}]")

    def say(self, length: str) -> None:
        self.page.fill(".d3-ask input", length)
        self.page.keyboard.press("Enter")

    def complaint(self) -> str:
        self.page.wait_for_selector(".d3-error:not([hidden])")
        return str(self.page.inner_text(".d3-error"))

    def files(self) -> list[str]:
        """Paths of this session's files that the browser asked for."""
        return [urlsplit(url).path for url in self.asked if "/files/" in url]

    def leave(self) -> None:
        self.context.close()


@pytest.fixture
def visitor(chromium: Any, site: Site) -> Iterator[Visitor]:
    one = Visitor(chromium, site, viewport={"width": 1280, "height": 900})
    yield one
    one.leave()


def _distance(shared_data: Path, pixel: tuple[float, float]) -> float:
    """What the depth sensor measured: z, times the length of the ray whose z is 1."""
    z = np.asarray(Image.open(shared_data / FRAME.replace("color.jpg", "depth_registered.png")))
    u, v = pixel
    patch = z[int(v) - 6 : int(v) + 7, int(u) - 6 : int(u) + 7]
    ray = np.array([(u - 327) / 527.5, (v - 243.5) / 527.5, 1])
    return float(np.median(patch[patch > 0])) / 1000 * float(np.linalg.norm(ray))


def test_a_photo_becomes_a_measured_model(visitor: Visitor, site: Site, shared_data: Path, tmp_path: Path) -> None:
    page = visitor.page
    visitor.bring(shared_data / FRAME)
    page.wait_for_function("document.querySelector('[data-view=heatmap] img').naturalWidth === 640")
    page.wait_for_selector("#fit :text('No metres yet')")
    wide = d3.choose_intrinsics(d3.read_photo(shared_data / FRAME)).fov_x_deg
    assert f"{wide:.1f}° wide" in page.inner_text("#camera")

    metres = [_distance(shared_data, pixel) for pixel in (NEAR, FAR)]
    for pixel, distance, letter in zip((NEAR, FAR), metres, "AB", strict=True):
        visitor.click(pixel)
        visitor.say(f"{distance * 100:.0f} cm")
        page.wait_for_selector(f"#fit b:text-is('{letter}')")
    assert "In metres" in page.inner_text("#fit")
    assert page.locator(".d3-pins .d3-pending").count() == 0
    page.fill("#fov input", "62.5")
    page.keyboard.press("Enter")
    page.wait_for_selector("#camera :text('62.5° wide')")
    visitor.mode("measure")
    visitor.click(NEAR)
    visitor.click(FAR, view="heatmap")
    page.wait_for_selector(".d3-list .d3-span")

    # The command line's own call says the same, and the network has looked once only.
    assert site.predictions == [Path(FRAME).name]
    pins = page.eval_on_selector_all(
        "[data-view=photo] i.d3-mark", "all => all.map(one => [parseFloat(one.style.left), parseFloat(one.style.top)])"
    )
    placed = [(round(u * 6.4, 1), round(v * 4.8, 1)) for u, v in pins]
    np.testing.assert_allclose(placed, [NEAR, FAR], atol=1)
    hints = tuple(d3.DistanceAt(u, v, round(m, 2)) for (u, v), m in zip(placed, metres, strict=True))
    scene = d3.reconstruct(shared_data / FRAME, options=d3.Options.of(predictor="bundled", fov_x_deg=62.5, hints=hints))
    for (u, v), row in zip(placed, page.locator("#fit tbody tr, #fit table > tr").all(), strict=True):
        found = scene.measure((u, v))
        assert written_length(found.metres, found.sigma_m) in row.inner_text()
    span = re.search(r"([\d.]+) m ± ([\d.]+) m", page.inner_text(".d3-list .d3-span"))
    found = scene.measure(*placed)
    assert span is not None
    assert float(span[1]) == pytest.approx(found.metres, rel=0.03)
    # The clicks lie up to a pixel beside the hints, where depth is known best: the error bar grows quickly there.
    assert float(span[2]) == pytest.approx(found.sigma_m, rel=0.5)

    _turns(visitor)
    _downloads(visitor, scene, tmp_path)
    assert visitor.errors == []
    assert {urlsplit(url).netloc for url in visitor.asked if url.startswith("http")} == {urlsplit(site.address).netloc}
    assert site.foreign == []


def _turns(visitor: Visitor) -> None:
    canvas = visitor.wait_for_model().locator("canvas")
    canvas.scroll_into_view_if_needed()
    before = _settled(canvas)
    assert len(np.unique(before.reshape(-1, 3), axis=0)) > 200, "the model is drawn in the photo's colours"
    box = canvas.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    visitor.page.mouse.move(x, y)
    visitor.page.mouse.down()
    visitor.page.mouse.move(x + 80, y + 10, steps=4)
    visitor.page.mouse.up()
    after = _settled(canvas)
    assert np.mean(np.any(np.abs(after.astype(int) - before) > 16, axis=2)) > 0.1


def _settled(canvas: Any) -> np.ndarray:
    """The canvas, once two looks at it are alike."""
    last, end = np.zeros(0), time.monotonic() + HUNG_S
    while time.monotonic() < end:
        now = np.asarray(Image.open(BytesIO(canvas.screenshot())).convert("RGB"))
        if now.shape == last.shape and np.array_equal(now, last) and now.std() > 5:
            return now
        last = now
        time.sleep(0.25)
    raise AssertionError("the canvas never came to rest with a picture in it")


def _downloads(visitor: Visitor, scene: d3.Scene, folder: Path) -> None:
    import trimesh
    from plyfile import PlyData

    for words, name in (
        ("Points (PLY)", "frame-000000.color.ply"),
        ("Model (GLB)", "frame-000000.color.glb"),
    ):
        with visitor.page.expect_download() as download:
            visitor.page.click(f"button:text-is('{words}')")
        assert download.value.suggested_filename == name
        download.value.save_as(folder / name)
    cloud = PlyData.read(folder / "frame-000000.color.ply")["vertex"]
    expected = scene.cloud()
    assert len(cloud) == expected.count
    np.testing.assert_allclose(np.median(-cloud["z"]), np.median(expected.xyz[:, 2]), rtol=0.02)
    mesh = trimesh.load(folder / "frame-000000.color.glb", force="mesh")
    assert len(mesh.faces) > 1000
    width, height = mesh.visual.material.baseColorTexture.size
    assert width == 640
    assert height > 480, "below the photo is what was filled in"


def test_what_is_no_photo_is_refused_in_words(visitor: Visitor, site: Site, tmp_path: Path) -> None:
    text = tmp_path / "holiday.jpg"
    text.write_text("this is no photo")
    visitor.bring(text)
    assert re.fullmatch(r"holiday\.jpg: no picture, .*", visitor.complaint())

    noise = np.random.default_rng(0).integers(0, 256, (900, 900, 3)).astype(np.uint8)
    Image.fromarray(noise).save(tmp_path / "heavy.png")
    visitor.bring(tmp_path / "heavy.png")
    visitor.page.wait_for_selector(".d3-error:text('larger than the 2 MB')")
    # A browser that does not look at the size meets the server, which does.
    session = visitor.page.evaluate(
        "performance.getEntriesByType('resource').map(one => one.name).find(n => n.includes('/session/'))"
    )
    path = urlsplit(session).path
    connection = http.client.HTTPConnection(urlsplit(site.address).netloc)
    connection.request("POST", path, body=(tmp_path / "heavy.png").read_bytes(), headers={"Cookie": visitor.cookie})
    response = connection.getresponse()
    assert response.status == 413
    assert "larger than" in json.loads(response.read())["error"]
    connection.close()

    Image.new("RGB", (2000, 1600)).save(tmp_path / "wide.png")
    visitor.bring(tmp_path / "wide.png")
    visitor.page.wait_for_selector(".d3-error:text('2000x1600 is more than the 3 megapixels')")
    broken = (ROOT / "samples" / "room.jpg").read_bytes()[:20_000]
    (tmp_path / "broken.jpg").write_bytes(broken)
    visitor.bring(tmp_path / "broken.jpg")
    toast = visitor.page.wait_for_selector(":text('the picture is damaged')").inner_text()
    assert str(site.folder) not in toast
    assert site.folder.exists()
    session_folder = site.folder / f"session-{path.split('/')[2]}"
    assert [one.name for one in session_folder.rglob("*.*")] == [], "nothing refused is kept"


def test_two_visitors_see_their_own_and_leave_nothing(chromium: Any, site: Site, shared_data: Path) -> None:
    one, other = Visitor(chromium, site), Visitor(chromium, site)
    one.bring(shared_data / FRAME)
    other.bring(shared_data / OTHER)
    for visitor in (one, other):
        visitor.page.wait_for_selector("[data-view=heatmap] img[src]")
    cookie = one.cookie
    assert cookie != other.cookie
    _wait(lambda: len(site.sessions) == 2)  # those of the tests before may still be on their way out
    path = next(path for path in one.files() if path.endswith("_photo.jpg"))
    mine, content = site.ask(path, cookie=cookie)
    assert mine == 200
    assert np.asarray(Image.open(BytesIO(content))).shape == (480, 640, 3)
    for foreign in (other.cookie, "", "depth3d_visitor=", "depth3d_visitor=guessed"):
        assert site.ask(path, cookie=foreign)[0] == 404
    one.leave()
    other.leave()
    _wait(lambda: site.sessions == [])
    assert [path for path in site.folder.rglob("*") if path.is_file()] == []
    assert site.ask(path, cookie=cookie)[0] == 404


def _wait(condition: Callable[[], bool]) -> None:
    wait_until(condition, "it never came true")


@pytest.mark.parametrize(
    "path",
    [
        "/session/{token}/files/..%2f..%2f..%2f..%2fetc%2fpasswd",
        "/session/{token}/files/../../../../etc/passwd",
        "/session/{token}/files//etc/passwd",
        "/session/{token}/files/%00",
        "/example/..%2froom.jpg",
        "/static/../../../../../../etc/passwd",
        "/static/..%2f..%2f..%2f..%2f..%2f..%2fetc%2fpasswd",
        "/assets//etc/passwd",
        "/gradio_api/file=/etc/passwd",
        "/gradio_api/file=%2fetc%2fpasswd",
        "/file=/etc/passwd",
        "/gradio_api/proxy=http://127.0.0.1/",
        "/gradio_api/deep_link?session_hash=x",
        "/monitoring",
        "/docs",
    ],
)
def test_no_address_leads_out_of_the_session(path: str, site: Site) -> None:
    code, body = site.ask(path.format(token="x" * 22))
    assert code == 404
    assert b"root:" not in body


def test_nobody_uploads_past_the_limits(site: Site) -> None:
    assert site.ask("/gradio_api/upload", method="POST")[0] == 404
    assert site.ask("/session/unknown/photo", method="POST")[0] == 404


def test_an_example_and_a_webcam_on_a_telephone(chromium: Any, site: Site) -> None:
    visitor = Visitor(chromium, site, viewport={"width": 390, "height": 800}, has_touch=True)
    visitor.page.evaluate(
        """navigator.mediaDevices.getUserMedia = async () => {
             const canvas = document.createElement("canvas");
             [canvas.width, canvas.height] = [320, 240];
             setInterval(() => canvas.getContext("2d").fillRect(0, 0, 160, 240), 50);
             return canvas.captureStream();
           }"""
    )
    visitor.page.click("[data-do=webcam]")
    visitor.page.wait_for_function("document.querySelector('.d3-webcam video').videoWidth === 320")
    visitor.page.click("[data-do=snap]")
    visitor.page.wait_for_function("document.querySelector('[data-view=photo] img').naturalWidth === 320")
    assert site.predictions[-1] == "webcam.jpg"
    visitor.page.click("[data-do=again]")
    visitor.page.click("[data-example=room]")
    visitor.page.wait_for_selector("#fit b:text-is('F')")
    assert _covered_pins(visitor) == []
    visitor.click((500, 300))
    visitor.page.fill(".d3-ask input", "4.2 m")
    labels = visitor.page.evaluate(
        """() => {
             document.querySelector(".d3-ask").requestSubmit();
             return [...document.querySelectorAll("[data-view=photo] b.d3-pending")].map((one) => one.textContent);
           }"""
    )
    assert labels == ["4.2 m …"], "the mark stays while the server thinks"
    visitor.page.wait_for_selector("#fit b:text-is('G')")
    visitor.page.wait_for_function("!document.querySelector('.d3-pins .d3-pending')")
    assert _covered_pins(visitor) == []
    assert "--" not in visitor.page.inner_text("#fit")
    assert "camera file room_camera.json" in visitor.page.inner_text("#camera")
    assert visitor.page.evaluate("document.scrollingElement.scrollWidth") <= 390
    visitor.leave()


def _covered_pins(visitor: Visitor) -> list[str]:
    """Labels in the photo that lie over the middle of a pin."""
    return visitor.page.evaluate(
        """() => {
             const boxes = (what) => [...document.querySelectorAll(`[data-view=photo] ${what}`)].map(
               (one) => [one.textContent, one.getBoundingClientRect()]);
             const middles = boxes("i").map(([, box]) => [box.x + box.width / 2, box.y + box.height / 2]);
             return boxes("b").filter(([, box]) => middles.some(([x, y]) =>
               x > box.left && x < box.right && y > box.top && y < box.bottom)).map(([text]) => text);
           }"""
    )


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    """A session with a slanted plane, 2 m away on the left and 8 m on the right, that the network sees exactly."""
    plane = np.tile(np.linspace(0.5, 0.125, 64, dtype=np.float32), (48, 1))
    monkeypatch.setattr("depth3d.web.session.see", lambda *_, **__: d3.InverseDepth(plane, noise=0.01, source="exact"))
    session = Sessions(tmp_path / "sessions", limits=Limits(), options=d3.Options()).open("page", "owner")
    path = session.files.inbox("plane.png")
    Image.fromarray(np.zeros((48, 64, 3), np.uint8)).save(path)
    session.take(path)
    session.predict_depth()
    session.fit()
    session.state_camera(focal_px=1000)  # rays are as good as parallel: distances are depths
    return session


def _depth_at(u: float) -> float:
    return 1 / np.interp(u, [0.5, 63.5], [0.5, 0.125])


def test_the_page_says_which_hint_disagrees(session: Session) -> None:
    assert "No metres yet" in fit_in_words(session)
    for u in (5.5, 20.5, 40.5, 60.5):
        session.add_mark(((u, 20.5),), f"{_depth_at(u):.4f} m")
    session.add_mark(((30.5, 30.5),), "1m")
    session.fit()
    words = re.sub("<[^>]+>", " ", fit_in_words(session))
    rows = re.findall(r"<tr[^>]*>(?:(?!</tr>).)*</tr>", fit_in_words(session))[1:]
    assert [">agrees<" in row for row in rows] == [True, True, True, True, False]
    assert "disagrees" in rows[4]
    assert re.search(r"The hint E \(1 m\) means a depth of 1 m, the others say 3\.\d+ m there; it is left out\.", words)
    assert [mark["doubted"] for mark in board_state(session)["marks"]] == [False, False, False, False, True]
    session.remove_mark("E")
    session.fit()
    assert "disagrees" not in fit_in_words(session)
    found = re.search(r"20\.5|([\d.]+) m ± ([\d.]+) m", session.measured(((20.5, 20.5),)))
    assert found is not None
    assert float(found[1]) == pytest.approx(_depth_at(20.5), rel=0.02)


def test_hints_against_the_networks_order_are_used_and_the_network_is_doubted(session: Session) -> None:
    session.add_mark(((5.5, 20.5),), "2 m")
    session.fit()
    session.add_mark(((60.5, 20.5),), "50cm")
    session.fit()
    assert session.complaint is None
    assert "sees A (2 m) nearer than B (0.5 m); your distances say the opposite, and they are used" in fit_in_words(
        session
    )
    assert "disagrees" not in fit_in_words(session)
    for metres, pixel in ((2.0, (5.5, 20.5)), (0.5, (60.5, 20.5))):
        assert float(session.measured((pixel,)).split()[0]) == pytest.approx(metres, rel=0.1)


@pytest.mark.parametrize("download", DOWNLOADS, ids=lambda one: one.name)
def test_each_file_to_take_along_is_made(session: Session, download: Download) -> None:
    session.make(download)
    name = re.search(r'download="([^"]+)" data-newest', links_to_files(session))
    assert name is not None
    path = session.files.offered(name[1])
    assert path is not None
    assert download.words in links_to_files(session)
    if download.ending == ".obj":
        with zipfile.ZipFile(path) as archive:
            assert archive.namelist() == ["plane.obj", "plane.mtl", "plane_texture.jpg", "plane.obj.json"]
    elif download.kind in ("stereo", "bokeh"):
        with Image.open(path) as picture:
            assert picture.size == (128 if "sbs" in name[1] else 64, 48)
    else:
        assert path.stat().st_size > 100


def test_what_cannot_be_meant_changes_nothing(session: Session) -> None:
    for wrong in ("", "two metres", "-1m", "0", "nan"):
        with pytest.raises(UsageError):
            session.add_mark(((5.5, 20.5),), wrong)
    with pytest.raises(UsageError, match="not finite"):
        session.add_mark(((float("nan"), 20.5),), "2m")
    with pytest.raises(UsageError, match="one point or two"):
        session.add_mark(((1.0, 1.0), (2.0, 2.0), (3.0, 3.0)), "2m")
    with pytest.raises(UsageError, match="pixels"):
        session.state_camera(focal_px=0.1)
    with pytest.raises(UsageError, match="unknown motion"):
        session.choose_motion("/etc/secret.json", None)
    assert session.marks == ()
    assert session.scene is not None
    assert session.scene.camera.fx == 1000


def test_a_port_that_is_taken_is_said_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert run(["serve", "--port", str(port)]) == 1
    assert re.fullmatch(
        rf"depth3d: cannot listen on 127\.0\.0\.1 port {port}: .*; choose .*\n", capsys.readouterr().err
    )


def test_without_gradio_the_extra_is_named(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gradio", None)
    assert run(["serve"]) == 1
    assert "pip install 'depth3d[web]'" in capsys.readouterr().err


def test_the_examples_are_the_samples() -> None:
    from depth3d.scenes.examples import EXAMPLES, example_camera, example_hints, example_photo

    for name in EXAMPLES:
        for path in (example_photo(name), example_camera(name), example_hints(name)):
            assert path.read_bytes() == (ROOT / "samples" / path.name).read_bytes()


@pytest.mark.parametrize(
    ("name", "harmless"),
    [
        ("kitchen.JPG", "kitchen.JPG"),
        ("../../etc/pass wd.jpg", "pass_wd.jpg"),
        ("C:\\photos\\täglich.jpeg", "täglich.jpeg"),
        ("_model.html", "model.html"),
        (".hidden", "photo.hidde"),
        ("", "photo"),
        ("frame..0.colour.png", "frame.0.colour.png"),
        ("a\0b\n.png", "a_b.png"),
        ("x" * 300 + ".png", "x" * 60 + ".png"),
    ],
)
def test_a_photo_keeps_of_its_name_what_is_harmless(name: str, harmless: str) -> None:
    assert safe_file_name(name) == harmless


def test_limits_are_positive() -> None:
    with pytest.raises(UsageError, match="must be positive"):
        Limits(megabytes=0)
