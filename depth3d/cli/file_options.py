"""Options that belong to single file formats."""

from __future__ import annotations

from typing import get_args

import click

from depth3d.cli.grouped_help import in_group
from depth3d.cli.param_types import BYTES, LENGTH, Command, RenamedOption, with_options
from depth3d.core.options import (
    DitherChoice,
    FileOptions,
    NormalsGreen,
    PaletteChoice,
    PlateOptions,
    TextureFormat,
    TiffBits,
)

_FILES, _PLATE = FileOptions(), PlateOptions()

_GLB_OPTIONS = (
    click.option(
        "--compact",
        is_flag=True,
        help="GLB of about half the size: rounded to 1/65535 of its extent. Web viewers and Blender read it, not every "
        "library does.",
    ),
    click.option(
        "--texture",
        "texture_format",
        type=click.Choice(get_args(TextureFormat)),
        default=_FILES.texture_format,
        show_default=True,
        help="How a GLB stores the photo: png loses nothing, webp is smaller and newer.",
    ),
)

_OPTIONS = (
    *_GLB_OPTIONS,
    click.option(
        "--tiff-bits",
        type=click.Choice([str(bits) for bits in get_args(TiffBits)]),
        default=str(_FILES.tiff_bits),
        callback=lambda _context, _option, bits: int(bits),
        show_default=True,
        help="Numbers in a TIFF: float32, or 16-bit integers as in a PNG.",
    ),
    click.option(
        "--normals-green",
        type=click.Choice(get_args(NormalsGreen)),
        default=_FILES.normals_green,
        show_default=True,
        help="Green in a picture of normals (--as normals): up as in OpenGL and Blender, or down as in DirectX and "
        "Unreal.",
    ),
    *(
        click.option(
            f"--plate-{side}",
            f"--relief-{side}",
            cls=RenamedOption,
            type=LENGTH,
            metavar="LENGTH",
            help=f"{help_text}  [default: {default:g}mm]",
        )
        for side, help_text, default in (
            ("width", "Width of an STL's plate.", _PLATE.plate_width_mm),
            ("height", "Height of the nearest point above the farthest.", _PLATE.plate_height_mm),
            ("base", "Thickness under the farthest.", _PLATE.plate_base_mm),
        )
    ),
)

_ANIMATION_OPTIONS = (
    click.option(
        "--palette",
        "gif_palette",
        type=click.Choice(get_args(PaletteChoice)),
        default=_FILES.gif_palette,
        show_default=True,
        help="Colours of a GIF: the first frame's until they no longer fit; the same for all; or each frame's own.",
    ),
    click.option(
        "--dither",
        "gif_dither",
        type=click.Choice(get_args(DitherChoice)),
        default=_FILES.gif_dither,
        show_default=True,
        help="How a GIF hides the steps of smooth colours; diffusion makes large files.",
    ),
    click.option(
        "--quality",
        type=click.IntRange(1, 100),
        metavar="N",
        help="Quality of WebP, AVIF, MP4 and WebM animations, 1 to 100.",
    ),
    click.option(
        "--max-size",
        "max_bytes",
        type=BYTES,
        metavar="SIZE",
        help="Largest size of an animation, such as 8MB. To fit, these are given up, in this order and only as "
        "needed: colours or quality, every second frame, width. The command says which.",
    ),
)


@in_group("Files of moving pictures")
def animation_options(command: Command) -> Command:
    """How moving pictures are stored."""
    return with_options(command, *_ANIMATION_OPTIONS)


def glb_options(command: Command) -> Command:
    """How a GLB stores what it holds."""
    return with_options(command, *_GLB_OPTIONS)


@in_group("Single formats")
def file_options(command: Command) -> Command:
    """What only some formats know."""
    return with_options(command, *_OPTIONS)
