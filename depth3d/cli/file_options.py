"""Options that belong to single file formats."""

from __future__ import annotations

from typing import Any

import click

from depth3d.cli.grouped_help import in_group
from depth3d.cli.values import BYTES, LENGTH, Command, RenamedOption

_OPTIONS = (
    click.option(
        "--compact",
        is_flag=True,
        help="GLB of about half the size: rounded to 1/65535 of its extent. Web viewers and Blender read it, not every "
        "library does.",
    ),
    click.option(
        "--texture",
        "texture_format",
        type=click.Choice(["jpeg", "png", "webp"]),
        default="jpeg",
        show_default=True,
        help="How a GLB stores the photo: png loses nothing, webp is smaller and newer.",
    ),
    click.option(
        "--tiff-bits",
        type=click.Choice(["16", "32"]),
        default="32",
        callback=lambda _context, _option, bits: int(bits),
        show_default=True,
        help="Numbers in a TIFF: float32, or whole ones of 16 bits as in a PNG.",
    ),
    *(
        click.option(
            f"--plate-{side}", f"--relief-{side}", cls=RenamedOption, type=LENGTH, metavar="LENGTH", help=help_text
        )
        for side, help_text in (
            ("width", "Width of an STL's plate.  [default: 100mm]"),
            ("height", "Nearest over farthest.  [default: 8mm]"),
            ("base", "Thickness under the farthest.  [default: 2mm]"),
        )
    ),
)
_LENGTHS = ("plate_width", "plate_height", "plate_base")


_ANIMATION_OPTIONS = (
    click.option(
        "--palette",
        "gif_palette",
        type=click.Choice(["adaptive", "global", "frame"]),
        default="adaptive",
        show_default=True,
        help="Colours of a GIF: the first frame's until they no longer fit; the same for all; or each frame's own.",
    ),
    click.option(
        "--dither",
        "gif_dither",
        type=click.Choice(["ordered", "diffusion", "none"]),
        default="ordered",
        show_default=True,
        help="How a GIF hides the steps of smooth colours; diffusion makes large files.",
    ),
    click.option(
        "--quality",
        type=click.IntRange(1, 100),
        metavar="N",
        help="Of WebP, AVIF, MP4 and WebM animations, 1 to 100.",
    ),
    click.option(
        "--max-size",
        "max_bytes",
        type=BYTES,
        metavar="SIZE",
        help="Greatest size of an animation, such as 8MB. Given up for it, in this order and only as needed: colours "
        "or quality, every second frame, width. What was is said.",
    ),
)


@in_group("Files of moving pictures")
def animation_options(command: Command) -> Command:
    """How moving pictures are stored."""
    for option in reversed(_ANIMATION_OPTIONS):
        command = option(command)
    return command


@in_group("Single formats")
def file_options(command: Command) -> Command:
    """What only some formats know."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def in_millimetres(chosen: dict[str, Any]) -> dict[str, Any]:
    """The plate's lengths, of those that were chosen, under the names of Options; taken out of `chosen`."""
    given = {name: chosen.pop(name, None) for name in _LENGTHS}
    return {f"{name}_mm": length.metres * 1000 for name, length in given.items() if length is not None}
