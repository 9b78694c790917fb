"""Draw the pictures on which converted networks are judged: python -m depth3d.lab.samples.draw_probes (minutes).

They are one sheet of 24 worlds that the bundled network was never trained on.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

import depth3d as d3
from depth3d.lab.training.augment import BatchRandom, develop
from depth3d.lab.training.procedural import ProceduralOptions, render_block
from depth3d.predictors.runtimes.probes import COLUMNS, ROWS, SHEET, SIZE

_UNSEEN = 3001
"""Training and validation begin at other seeds."""


def main() -> None:
    """Read the command line and draw."""
    parser = argparse.ArgumentParser(description="Draw the pictures on which converted networks are judged.")
    parser.add_argument("--out", type=Path, default=SHEET, help="the sheet to write")
    target = parser.parse_args().out
    width, height = SIZE
    options = ProceduralOptions(width=width, height=height, block=2, seed=_UNSEEN)  # a block shows one kind
    linear = torch.cat([render_block(options, number).rgb for number in range(COLUMNS * ROWS // 2)]).float()
    rgb = develop(linear, BatchRandom(0, len(linear), linear.device)).clamp(0, 1).movedim(1, 3).numpy()
    rows = rgb.reshape(ROWS, COLUMNS, height, width, 3).swapaxes(1, 2)
    sheet = np.rint(rows.reshape(ROWS * height, COLUMNS * width, 3) * 255).astype(np.uint8)
    d3.save(d3.Picture(sheet), target, quality=88, force=True)


if __name__ == "__main__":
    main()
