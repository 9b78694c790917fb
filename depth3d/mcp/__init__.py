"""Tools for assistants: a server of the Model Context Protocol on standard input and output. No geometry here."""

from depth3d.mcp.server import build_server, serve

__all__ = ["build_server", "serve"]
