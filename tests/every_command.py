"""Runs every command once, in one process, for a test that watches the process; argument: a folder to work in.

The folder holds what `tests/test_no_telemetry.py` puts there. Prints a line of JSON: the exit code of each command.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import urllib.request

COMMANDS = {
    "export": "export photo.png --weights tiny.safetensors -o cloud.ply -o mesh.glb",
    "depth": "depth photo.png --weights tiny.safetensors --runtime onnxruntime -o depth.png",
    "parallax": "parallax photo.png --weights tiny.safetensors -o moving.gif --fps 4 --width 48",
    "bokeh": "bokeh photo.png --weights tiny.safetensors --focus 40,30 -o bokeh.jpg",
    "stereo": "stereo photo.png --weights tiny.safetensors -o stereo.jpg",
    "panorama": "panorama panorama.jpg --weights tiny.safetensors -o panorama.ply",
    "measure": "measure photo.png --depth-map photo.npy --depth-kind metric --from 5,5 --to 60,40",
    "batch": "batch photo.png -o batch --weights tiny.safetensors --workers 1",
    "live": "live clip.mp4 --port 0 --frames 2 --as beside --weights tiny.safetensors",
    "view": "view mesh.glb --screenshot view.png",
    "fuse": "fuse room --depth-map {DEPTHS} --voxel 0.2 -o fused.ply",
    "serve": "serve --port {PORT} --weights tiny.safetensors",
    "mcp": "mcp --folder .",
    "weights": "weights list",
    "doctor": "doctor",
    "demo": "demo demo --no-open",
    "eval": "eval frames.json --weights tiny.safetensors",
    "bench": "bench edges frames.json",
    "train": "train --out training --data tum:capture --start tiny.safetensors --steps 1 --batch 1",
}

MORE = {
    "depth of an ONNX file": "depth photo.png --predictor onnx:known.onnx -o known.png --runtime onnxruntime",
    "depth of a transformers model": "depth photo.png --predictor hf:model -o model.png --runtime torch",
    "bare photos": "fuse room/images -o bare.ply --cache bare",
}
"""What other libraries do for the same commands. The bare photos have too little in common, which is found out late."""


def visit(port: int) -> None:
    """Open the page once it answers, then stop the server as Ctrl-C does."""
    try:
        for _ in range(6000):  # a loaded machine takes minutes to load the page under strace
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=60).read()
                return
            except OSError:
                threading.Event().wait(0.1)
    finally:
        os.kill(os.getpid(), signal.SIGINT)


def main() -> None:
    """Run all of them."""
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # an assistant that leaves at once
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background inherits that it is ignored
    os.chdir(sys.argv[1])
    port = int(sys.argv[2])
    from depth3d.cli import run

    codes = {}
    for name, line in (COMMANDS | MORE).items():
        words = [word.format(PORT=port, DEPTHS="room/depths/{name}.npy") for word in line.split()]
        if name == "serve":
            threading.Thread(target=visit, args=(port,)).start()
        codes[name] = run(words)
    print(json.dumps(codes))


if __name__ == "__main__":
    main()
