"""The server: three tools, errors as one line each."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from depth3d import __version__
from depth3d.core.errors import Depth3DError, MissingExtraError
from depth3d.scenes.options import Options

if TYPE_CHECKING:
    from mcp.server import MCPServer

_Arguments = ParamSpec("_Arguments")
_Answer = TypeVar("_Answer")

_INSTRUCTIONS = (
    "depth3d turns one photo into 3D. A photo holds no scale: ask the user for one or more known distances or lengths "
    "and pass them as hints, otherwise every number is in an arbitrary unit. Lengths have error bars; pass them on."
)


def serve(folders: Sequence[Path], options: Options | None = None) -> None:
    """Answer on standard input and output until the input ends.

    Args:
        folders: what may be read and written.
        options: predictor, weights and threads.

    Raises:
        MissingExtraError: the protocol's package is not installed.
        UsageError: a folder is none.
    """
    build_server(folders, options or Options()).run("stdio")


def build_server(folders: Sequence[Path], options: Options) -> MCPServer:
    """The server with its tools, not yet connected to anything; see `serve`."""
    try:
        from mcp.server import MCPServer
    except ImportError:
        raise MissingExtraError("the server for assistants", "mcp", "mcp") from None
    from depth3d.mcp.allowed_paths import Folders
    from depth3d.mcp.tools import PhotoTools

    tools = PhotoTools(Folders(folders), options)
    server: MCPServer = MCPServer("depth3d", version=__version__, instructions=_INSTRUCTIONS, log_level="ERROR")
    for tool in (tools.reconstruct, tools.measure, tools.depth):
        server.add_tool(_told(tool))
    return server


def _told(tool: Callable[_Arguments, _Answer]) -> Callable[_Arguments, _Answer]:
    """The same tool, whose known errors reach the assistant as their one line."""
    from mcp.server.mcpserver.exceptions import ToolError

    @functools.wraps(tool)
    def answer(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> _Answer:
        try:
            return tool(*args, **kwargs)
        except Depth3DError as error:
            raise ToolError(str(error)) from None

    answer.__signature__ = inspect.signature(tool, eval_str=True)  # type: ignore[attr-defined]  # its own module's names
    return answer
