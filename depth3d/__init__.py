"""Turn an ordinary photo into 3D that you can measure.

The public names stand in `__init__.pyi`; each is loaded on first use.
"""

import lazy_loader

from depth3d.core.telemetry import switch_off_reports

__version__ = "0.1.0"

switch_off_reports()  # before anything that reports is loaded

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
