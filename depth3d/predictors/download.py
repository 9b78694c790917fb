"""One file over HTTP into a partial file that the next attempt continues. Standard library only."""

from __future__ import annotations

import contextlib
import http.client
import queue
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import IO, BinaryIO

from depth3d.core.errors import WeightsError

Progress = Callable[[int, int | None], None]
"""Called with the bytes that are there and the bytes there will be, or None where the server does not say."""

_OPEN_WITHIN_S = 4.0
_SILENCE_S = 15.0
_ATTEMPTS = 5
_CHUNK = 1 << 18


class ConnectionFailedError(WeightsError):
    """The server cannot be reached at all."""


def download(url: str, part: Path, *, progress: Progress | None = None) -> None:
    """Download into ``part``, continuing what an earlier attempt left there.

    A connection that breaks is taken up again where it broke. What has arrived stays in ``part`` if the download fails
    for good, except where the disk is at fault.

    Args:
        url: what to download.
        part: the partial file, in a folder that exists.
        progress: called after every piece.

    Raises:
        ConnectionFailedError: no answer within seconds.
        WeightsError: the server refuses, the connection keeps breaking, another process is downloading the same file,
            or ``part`` cannot be written.
    """
    try:
        with part.open("ab") as file:
            _lock(file, part)
            _download_into(file, url, progress)
    except WeightsError:
        raise
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        reason = error.strerror or str(error)
        raise WeightsError(
            f"cannot write {part}: {reason}; make room or set DEPTH3D_CACHE to another folder"
        ) from error


def _download_into(file: BinaryIO, url: str, progress: Progress | None) -> None:
    for attempt in range(_ATTEMPTS):
        have = file.seek(0, 2)
        try:
            response = _open(url, have)
        except ConnectionFailedError as error:
            if attempt == 0:
                raise
            raise WeightsError(f"download interrupted after {have} bytes ({error}); run again to resume") from error
        if response is None:  # the server has nothing beyond what is here
            return
        with response:
            if have and not _continues_at(response, have):
                file.truncate(0)
                have = 0
            if _copy(response, file, have, progress):
                return
    raise WeightsError(f"download of {url} broke off {_ATTEMPTS} times; run again to resume")


def _copy(response: http.client.HTTPResponse, file: BinaryIO, have: int, progress: Progress | None) -> bool:
    """Append the response to the file; False if it broke off early."""
    length = response.headers.get("Content-Length", "")
    total = have + int(length) if length.isdigit() else None
    while True:
        try:
            chunk = response.read(_CHUNK)
        except (OSError, http.client.HTTPException):  # the connection, not the disk: only the read is inside
            return False
        if not chunk:
            return total is None or have >= total
        file.write(chunk)
        file.flush()
        have += len(chunk)
        if progress is not None:
            progress(have, total)


def _continues_at(response: http.client.HTTPResponse, have: int) -> bool:
    partial = response.status == http.client.PARTIAL_CONTENT
    return partial and response.headers.get("Content-Range", "").startswith(f"bytes {have}-")


def _open(url: str, have: int) -> http.client.HTTPResponse | None:
    """Open the URL from byte ``have`` on; None if the server says that nothing is left.

    A resolver without a network may think for a long time and cannot be interrupted, so it thinks in a thread of its
    own that is abandoned after a few seconds.
    """
    request = urllib.request.Request(url, headers={"User-Agent": "depth3d"})  # noqa: S310 - the URL is the registry's
    if have:
        request.add_header("Range", f"bytes={have}-")
    answers: queue.SimpleQueue[http.client.HTTPResponse | OSError | http.client.HTTPException] = queue.SimpleQueue()
    abandoned = threading.Event()
    threading.Thread(target=_open_into, args=(request, answers, abandoned), daemon=True).start()
    try:
        answer = answers.get(timeout=_OPEN_WITHIN_S)
    except queue.Empty:
        abandoned.set()
        raise ConnectionFailedError(f"no answer from {request.host} within {_OPEN_WITHIN_S:g} s") from None
    if isinstance(answer, urllib.error.HTTPError):
        answer.close()
        if answer.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE and have:
            return None
        raise WeightsError(f"{request.host} answers {answer.code} {answer.reason} for {url}") from answer
    if isinstance(answer, OSError | http.client.HTTPException):
        reason = getattr(answer, "reason", None) or answer
        reason = getattr(reason, "strerror", None) or reason
        raise ConnectionFailedError(f"no connection to {request.host}: {reason}") from answer
    return answer


def _open_into(
    request: urllib.request.Request,
    answers: queue.SimpleQueue[http.client.HTTPResponse | OSError | http.client.HTTPException],
    abandoned: threading.Event,
) -> None:
    try:
        response: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=_SILENCE_S)  # noqa: S310
    except (OSError, http.client.HTTPException) as error:
        answers.put(error)
        return
    if abandoned.is_set():
        response.close()
    else:
        answers.put(response)


def _lock(file: IO[bytes], part: Path) -> None:
    """Hold the partial file for this process until it is closed."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError) as error:
        raise WeightsError(f"another process is downloading {part.name}; wait for it and run again") from error
    except OSError:
        return  # a file system without locks; the hash would show two writers
