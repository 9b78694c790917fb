"""The page's texts: a session's state as plain data for the browser, and the fit in plain words."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np

from depth3d.core.camera import Intrinsics
from depth3d.core.notes import plain
from depth3d.scenes.outputs import provenance_path
from depth3d.scenes.scene import Scene
from depth3d.web.clicked_hints import Mark, Pixel
from depth3d.web.session import HEATMAP, MODEL, MOVING, PHOTO, Session


def board_state(session: Session) -> dict[str, Any]:
    """Photo, heat map, marks and measurements, as the page's script draws them."""
    scene = session.scene
    return {
        "session": session.token,
        "photo": session.files.address_of(PHOTO),
        "heatmap": session.files.address_of(HEATMAP),
        "size": list(session.photo_size),
        "marks": [_mark(mark, session) for mark in session.marks],
        "spans": [] if scene is None else [_span(span, session) for span in session.spans],
        "metric": scene is not None and scene.unit == "m",
    }


def fit_in_words(session: Session) -> str:
    """How the metres were obtained and how far to trust them, as HTML."""
    scene = session.scene
    if scene is None:
        return ""
    parts = [f'<p class="d3-lead">{_lead(scene)}</p>']
    if session.complaint is not None:
        words = escape(_capitalised(session.complaint))
        parts.append(f'<p class="d3-bad">{words} The model still shows the last fit that worked.</p>')
    if session.marks:
        rows = "".join(_row(mark, session) for mark in session.marks)
        parts.append(
            f"<table><thead><tr><th></th><th>you said</th><th>the model says</th><th></th></tr></thead>{rows}</table>"
        )
    if scene.notes:
        parts.append(
            "<ul>" + "".join(f"<li>{escape(_capitalised(plain(note)))}</li>" for note in scene.notes) + "</ul>"
        )
    parts.append(f'<p class="d3-small">Depth: {escape(scene.depth.source)}.</p>')
    return "".join(parts)


def camera_in_words(camera: Intrinsics) -> str:
    """What camera is used and where that is known from, as HTML."""
    angles = f"{camera.fov_x_deg:.1f}° wide and {camera.fov_y_deg:.1f}° high"
    return (
        f"<p><b>{angles}</b>: {escape(camera.source)}.</p>"
        '<p class="d3-small">If you know better, type one of these and press Enter.</p>'
    )


def model_html(session: Session) -> str:
    """The model that turns in the page, as HTML."""
    return f'<iframe src="{session.files.address_of(MODEL)}" title="the model; drag to turn it"></iframe>'


def moving_html(session: Session) -> str:
    """The moving picture, as HTML."""
    return f'<img src="{session.files.address_of(MOVING)}" alt="the photo with a moving camera">'


def links_to_files(session: Session) -> str:
    """The files made to download, the newest first, as HTML."""
    rows = []
    for index, saved in enumerate(session.made):
        name = escape(saved.path.name)
        newest = " data-newest" if index == 0 else ""
        file = session.files.address_of(saved.path.name)
        how = session.files.address_of(provenance_path(saved.path).name)
        told = f'; <a href="{how}" download="{name}.json">how it was obtained</a>' if how else ""
        rows.append(
            f'<li><a class="d3-file" href="{file}" download="{name}"{newest}>{name}</a> '
            f"<span>{saved.path.stat().st_size / 1e6:.3g} MB, {escape(saved.what)}{told}</span></li>"
        )
    return f"<ul>{''.join(rows)}</ul>"


def is_doubted(mark: Mark, scene: Scene) -> bool:
    """Whether a hint disagrees with the others."""
    return scene.fit is not None and mark.hint.name in scene.fit.doubted


def _lead(scene: Scene) -> str:
    metres = scene.depth.z
    near, far = np.nanpercentile(metres, [2, 98])
    if scene.unit != "m":
        return (
            "<b>No metres yet.</b> Click something in the photo whose distance you know, and type it. "
            "Two at different depths are much better than one."
        )
    words = f"<b>In metres:</b> the nearest things are {near:.3g} m away, the farthest {far:.3g} m"
    if scene.depth.sigma is None:
        return f"{words}. This depth brings no error bar."
    share = float(np.nanmedian(scene.depth.sigma / metres))
    return f"{words}; half of the picture is known to <b>± {share:.0%}</b> or better."


def _mark(mark: Mark, session: Session) -> dict[str, Any]:
    doubted = session.scene is not None and is_doubted(mark, session.scene)
    return {"letter": mark.letter, "pixels": [list(p) for p in mark.pixels], "text": mark.text, "doubted": doubted}


def _span(pixels: tuple[Pixel, ...], session: Session) -> dict[str, Any]:
    return {"pixels": [list(p) for p in pixels], "text": session.measured(pixels)}


def _row(mark: Mark, session: Session) -> str:
    scene = session.scene
    fitted = session.complaint is None and scene is not None and scene.unit == "m"
    doubted = scene is not None and is_doubted(mark, scene)
    what = "away" if len(mark.pixels) == 1 else "long"
    says = session.measured(mark.pixels, with_range=False) if fitted else "-"
    verdict = "disagrees" if doubted else "agrees" if fitted else ""
    look = ' class="d3-bad"' if doubted else ""
    cells = (f"<b>{mark.letter}</b>", f"{escape(mark.text)} {what}", escape(says), verdict)
    return f"<tr{look}>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".") + "."
