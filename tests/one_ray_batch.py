"""Runs a batch on a Ray cluster of this machine's own, for a test that watches it; arguments: a folder, and a cluster.

Prints the exit code.
"""

from __future__ import annotations

import os
import sys


def main() -> None:
    """One photo, whose depth is read from a file."""
    os.chdir(sys.argv[1])
    from depth3d.cli import run

    line = "batch photo.png -o ray --engine ray --depth-map photo.npy --depth-kind metric --workers 1"
    print(run(line.split()))


if __name__ == "__main__":
    main()
