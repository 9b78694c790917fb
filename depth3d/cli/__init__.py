"""The command line: options become Options, one call, one message. No geometry here."""

from __future__ import annotations

import importlib
import os
import sys
import warnings
from typing import TextIO

import click

from depth3d.cli.suggestions import suggest_nearest
from depth3d.cli.terminal import say
from depth3d.core.errors import Depth3DError, Depth3DNotice, Depth3DWarning, is_out_of_memory, nearest

_ROOM_OF_COMMAND = {
    "export": "depth3d.cli.export:export",
    "depth": "depth3d.cli.depth:depth",
    "parallax": "depth3d.cli.parallax:parallax",
    "bokeh": "depth3d.cli.bokeh:bokeh",
    "stereo": "depth3d.cli.stereo:stereo",
    "panorama": "depth3d.cli.panorama:panorama",
    "measure": "depth3d.cli.measure:measure",
    "batch": "depth3d.cli.batch:batch",
    "view": "depth3d.cli.view:view",
    "live": "depth3d.cli.live:live",
    "fuse": "depth3d.cli.fuse:fuse",
    "serve": "depth3d.cli.serve:serve",
    "mcp": "depth3d.cli.mcp:mcp",
    "weights": "depth3d.cli.weights:weights",
    "doctor": "depth3d.cli.doctor:doctor",
    "demo": "depth3d.cli.demo:demo",
    "eval": "depth3d.cli.eval:eval_command",
    "bench": "depth3d.cli.bench:bench",
    "train": "depth3d.cli.train:train",
}

_INTERRUPTED = 130


class _LazyGroup(click.Group):
    """A group whose commands are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_ROOM_OF_COMMAND)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _ROOM_OF_COMMAND:
            return None
        room, _, attribute = _ROOM_OF_COMMAND[cmd_name].partition(":")
        command = getattr(importlib.import_module(room), attribute)
        assert isinstance(command, click.Command)
        return suggest_nearest(command)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is meant; an unknown one is refused with the nearest there is."""
        if args and args[0] not in _ROOM_OF_COMMAND and not args[0].startswith("-"):
            ctx.fail(f"no such command {args[0]!r}{nearest(args[0], _ROOM_OF_COMMAND)}")
        return super().resolve_command(ctx, args)


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="depth3d", message="%(prog)s %(version)s")
def cli() -> None:
    """Turn an ordinary photo into 3D that you can measure.

    \b
    depth3d export photo.jpg -o photo.ply -o photo.glb    a point cloud and a textured mesh
    depth3d parallax photo.jpg -o photo.gif               a moving picture
    depth3d export photo.jpg --at 412,300=2.4m -o room.ply   in metres: the thing at pixel 412,300 is 2.4 m away
    """


def main() -> None:
    """Run the command line and exit: 0 done, 2 wrong usage, 1 any other known error, 130 stopped by Ctrl-C."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code; every known error becomes one line."""
    warnings.simplefilter("ignore")
    warnings.simplefilter("always", Depth3DWarning)
    warnings.showwarning = _show_warning
    try:
        code = cli.main(arguments, prog_name="depth3d", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())  # a bare command shows its help
        return error.exit_code
    except click.NoSuchOption as error:
        elsewhere = "; depth3d export takes it" if error.option_name == "--as" else ""
        return _fail(error.format_message() + elsewhere, error.exit_code)
    except click.ClickException as error:
        return _fail(error.format_message(), error.exit_code)
    except Depth3DError as error:
        return _fail(str(error), error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        return _fail("stopped", _INTERRUPTED)
    except BrokenPipeError:
        # Whoever read our output has gone; keep Python from complaining while it shuts down.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if not is_out_of_memory(error):
            raise  # a fault of ours
        return _fail("not enough memory for a picture of this size; make it smaller, or lower --max-points", 1)
    return code if isinstance(code, int) else 0


def _fail(message: str, code: int) -> int:
    say(" ".join(message.split()), who="depth3d", colour="red")
    return code


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    is_notice = issubclass(category, Depth3DNotice)
    say(str(message), who="depth3d" if is_notice else "depth3d: warning", colour="cyan" if is_notice else "yellow")
