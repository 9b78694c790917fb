"""Processes that work for another one."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading


def cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def begin_worker(threads: int) -> None:
    """Begin a worker: it ends with its parent, keeps to its threads, and leaves Ctrl-C to the parent.

    Nothing here loads numpy, which reads its number of threads when it is loaded, and nothing can fail, because the
    pool would not say why.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(threads)


def end_with_parent() -> None:
    """Let this process end when the one that started it is gone: a killed parent cannot end its workers."""
    threading.Thread(target=_wait, daemon=True).start()


def _wait() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
