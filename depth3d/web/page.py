"""The page: its layout, and the call that each click makes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gradio as gr

from depth3d.core.errors import Depth3DError, UsageError
from depth3d.predictors.download import Progress
from depth3d.render.parallax import DEFAULT_MOTION, MOTIONS
from depth3d.scenes.examples import EXAMPLES
from depth3d.web.clicked_hints import Pixel
from depth3d.web.cookies import COOKIE
from depth3d.web.downloads import DOWNLOADS, Download
from depth3d.web.page_state import board_state, camera_in_words, fit_in_words, links_to_files, model_html, moving_html
from depth3d.web.session import Session
from depth3d.web.sessions import Sessions

_BOARD_SCRIPT = (Path(__file__).parent / "assets" / "board.js").read_text(encoding="utf-8")
_SORRY = "That does not work"
_START_DOWNLOAD = "() => document.querySelector('#made a[data-newest]')?.click()"
_ANSWERED = "() => document.dispatchEvent(new Event('d3-answered'))"
_PROGRESS = gr.Progress()
_ONE_PREDICTION: dict[str, Any] = {"concurrency_limit": 1, "concurrency_id": "predict"}
_ONE_FILE: dict[str, Any] = {"concurrency_limit": 1, "concurrency_id": "write"}

State = tuple[dict[str, Any], str, str, float | None, float | None]


class Clicks:
    """What happens when something on the page is clicked: find the session, make one call, say what it shows now."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def open(self, request: gr.Request) -> dict[str, Any]:
        """Begin a session for a page that was opened."""
        try:
            return board_state(self._sessions.open(*_page_and_owner(request)))
        except Depth3DError as error:
            raise gr.Error(str(error), title=_SORRY, print_exception=False) from None

    def leave(self, request: gr.Request) -> None:
        """Delete the session of a page that was closed."""
        self._sessions.close(*_page_and_owner(request))

    def predict_depth(self, request: gr.Request, progress: gr.Progress = _PROGRESS) -> dict[str, Any]:
        """Predict the depth of a new photo and show its heat map."""
        with self._session(request) as session:
            fetching = _share(progress, "Fetching the network, this once")
            session.predict_depth(fetching, lambda words, done: progress(done, desc=words))
            return board_state(session)

    def fit(self, request: gr.Request, progress: gr.Progress = _PROGRESS) -> State:
        """Fit camera and scale."""
        progress(0.3, desc="Finding camera and scale")
        with self._session(request) as session:
            session.fit()
            return _state(session)

    def mark(self, event: gr.EventData, request: gr.Request) -> State:
        """Add a hint."""
        with self._session(request) as session:
            session.add_mark(_pixels(event), _text(event, "length"))
            session.fit()
            return _state(session)

    def unmark(self, event: gr.EventData, request: gr.Request) -> State:
        """Remove a hint."""
        with self._session(request) as session:
            session.remove_mark(_text(event, "letter"))
            session.fit()
            return _state(session)

    def measure(self, event: gr.EventData, request: gr.Request) -> dict[str, Any]:
        """Measure between two pixels, or from the camera to one."""
        with self._session(request) as session:
            session.add_span(_pixels(event))
            return board_state(session)

    def unmeasure(self, event: gr.EventData, request: gr.Request) -> dict[str, Any]:
        """Remove a measurement."""
        with self._session(request) as session:
            session.remove_span(_index(event))
            return board_state(session)

    def state_fov(self, degrees: float | None, request: gr.Request) -> State:
        """Use the field of view that the user states."""
        with self._session(request) as session:
            session.state_camera(fov_x_deg=_number(degrees))
            return _state(session)

    def state_focal(self, pixels: float | None, request: gr.Request) -> State:
        """Use the focal length that the user states."""
        with self._session(request) as session:
            session.state_camera(focal_px=_number(pixels))
            return _state(session)

    def find_camera(self, request: gr.Request) -> State:
        """Use the camera found in the photo again."""
        with self._session(request) as session:
            session.state_camera()
            return _state(session)

    def model(self, request: gr.Request, progress: gr.Progress = _PROGRESS) -> str:
        """Build the model that turns in the page."""
        progress(0.3, desc="Building the model")
        with self._session(request) as session:
            session.show_model()
            return model_html(session)

    def move(self, motion: str, amount: float, request: gr.Request, progress: gr.Progress = _PROGRESS) -> str:
        """Preview a moving picture."""
        with self._session(request) as session:
            session.choose_motion(motion, _number(amount) or None)
            session.show_moving(progress=_drawn(progress))
            return moving_html(session)

    def write(self, download: Download) -> Callable[..., str]:
        """Return the function that writes this file to download."""

        def write(request: gr.Request, progress: gr.Progress = _PROGRESS) -> str:
            progress(0.3, desc=f"Making: {download.words}")
            with self._session(request) as session:
                session.make(download, progress=_drawn(progress))
                return links_to_files(session)

        return write

    @contextmanager
    def _session(self, request: gr.Request) -> Iterator[Session]:
        """The visitor's session; what is wrong is said on the page in one line."""
        try:
            yield self._sessions.of_page(*_page_and_owner(request))
        except Depth3DError as error:
            raise gr.Error(str(error), title=_SORRY, print_exception=False) from None
        except MemoryError:
            raise gr.Error("not enough memory for a photo of this size; make it smaller", title=_SORRY) from None


# Long: the layout, one line for each part of the page.
def build_page(sessions: Sessions) -> gr.Blocks:
    """The page; what visitors do on it happens in their sessions."""
    clicks = Clicks(sessions)
    page = gr.Blocks(title="depth3d", analytics_enabled=False, fill_width=True)
    with page:
        gr.HTML("<h1>depth3d</h1><p>A photo in three dimensions, in metres.</p>", elem_id="title")
        board = _board(sessions)
        with gr.Row(elem_classes="d3-later"):
            with gr.Column(scale=2, min_width=320):
                gr.Markdown("### How far is everything?")
                fit = gr.HTML(elem_id="fit", min_height=90)
                gr.Markdown("### Camera")
                camera = gr.HTML(elem_id="camera")
                with gr.Row():
                    fov = gr.Number(label="Degrees wide", min_width=120, elem_id="fov")
                    focal = gr.Number(label="Focal length in pixels", min_width=120, elem_id="focal")
                found = gr.Button("Back to what the photo says", size="sm")
            with gr.Column(scale=3, min_width=320):
                gr.Markdown("### The model")
                model = gr.HTML(elem_id="model", min_height=90)
        with gr.Row(elem_classes="d3-later"):
            with gr.Column(scale=2, min_width=320):
                gr.Markdown("### Take it with you")
                _downloads(clicks)
            with gr.Column(scale=3, min_width=320):
                gr.Markdown("### Moving picture")
                _moving_picture(clicks)
        state = [board, fit, camera, fov, focal]
        predicted = board.photo(clicks.predict_depth, None, board, **_ONE_PREDICTION)
        fitted = [
            predicted.success(clicks.fit, None, state, show_progress_on=fit, **_ONE_PREDICTION),
            board.hint(clicks.mark, None, state, show_progress_on=fit, **_ONE_PREDICTION),
            board.unhint(clicks.unmark, None, state, show_progress_on=fit, **_ONE_PREDICTION),
            fov.submit(clicks.state_fov, fov, state, show_progress_on=fit, **_ONE_PREDICTION),
            focal.submit(clicks.state_focal, focal, state, show_progress_on=fit, **_ONE_PREDICTION),
            found.click(clicks.find_camera, None, state, show_progress_on=fit, **_ONE_PREDICTION),
        ]
        for event in fitted:
            event.success(clicks.model, None, model, **_ONE_FILE)
            event.then(None, js=_ANSWERED)
        board.measure(clicks.measure, None, board, show_progress="hidden").then(None, js=_ANSWERED)
        board.unmeasure(clicks.unmeasure, None, board, show_progress="hidden")
        page.load(clicks.open, None, board, show_progress="hidden")
        page.unload(clicks.leave)
    return page


def _board(sessions: Sessions) -> gr.HTML:
    return gr.HTML(
        {},
        html_template="",
        js_on_load=_BOARD_SCRIPT,
        apply_default_css=False,
        elem_id="board",
        megabytes=sessions.limits.megabytes,
        megapixels=sessions.limits.megapixels,
        examples=list(EXAMPLES),
    )


def _downloads(clicks: Clicks) -> None:
    with gr.Row():
        buttons = [gr.Button(one.words, size="sm", min_width=150, elem_id=f"take-{one.name}") for one in DOWNLOADS]
    made = gr.HTML(elem_id="made", min_height=60)
    for one, button in zip(DOWNLOADS, buttons, strict=True):
        button.click(clicks.write(one), None, made, **_ONE_FILE).success(None, js=_START_DOWNLOAD)


def _moving_picture(clicks: Clicks) -> None:
    choices = [(f"{name}: {preset.help}", name) for name, preset in MOTIONS.items()]
    motion = gr.Dropdown(choices, value=DEFAULT_MOTION, label="The camera", elem_id="motion")
    amount = gr.Slider(0, 10, 0, step=0.5, label="How far, in % of the width (0: as suits the motion)")
    preview = gr.Button("Preview", size="sm")
    moving = gr.HTML(elem_id="moving", min_height=60)
    preview.click(clicks.move, [motion, amount], moving, **_ONE_FILE)


def _state(session: Session) -> State:
    """Everything that a new fit changes on the page."""
    camera = session.scene.camera if session.scene is not None else None
    return (
        board_state(session),
        fit_in_words(session),
        camera_in_words(camera) if camera else "",
        round(camera.fov_x_deg, 2) if camera else None,
        round(camera.fx, 1) if camera else None,
    )


def _page_and_owner(request: gr.Request) -> tuple[str, str]:
    return str(request.session_hash), request.cookies.get(COOKIE, "")


def _drawn(progress: gr.Progress) -> Progress:
    return _share(progress, "Drawing the moving picture")


def _share(progress: gr.Progress, words: str) -> Progress:
    """Shows how much of a whole is done."""

    def show(done: int, total: int | None) -> None:
        progress(done / total if total else 0.0, desc=words)

    return show


def _pixels(event: gr.EventData) -> tuple[Pixel, ...]:
    try:
        return tuple((float(u), float(v)) for u, v in event.pixels)
    except (AttributeError, TypeError, ValueError):
        raise UsageError("the points could not be understood; click again") from None


def _text(event: gr.EventData, name: str) -> str:
    return str(getattr(event, name, ""))


def _index(event: gr.EventData) -> int:
    index = getattr(event, "index", None)
    return index if isinstance(index, int) else -1


def _number(value: object) -> float | None:
    """What stands in a field for numbers; None where it is empty."""
    if value is None or value == "":
        return None
    try:
        return float(str(value))
    except ValueError:
        raise UsageError(f"{str(value)[:50]!r} is not a number") from None
