"""The browser page: a photo dropped in, depth beside it, hints clicked into it, a model to turn. No geometry here."""

from depth3d.web.limits import Limits
from depth3d.web.server import serve

__all__ = ["Limits", "serve"]
