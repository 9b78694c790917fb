"""Photos from where they lie: what is the photo's fault, what is the way's, and when to give up."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from depth3d.batch.storage import filesystem, is_local, reason
from depth3d.core.errors import PhotoError, StoreError
from depth3d.io.temporary import temporary_folder

_PAUSES_S = (1.0, 4.0)
"""Before the second and the third attempt."""
_OF_THE_PHOTO = (PermissionError, IsADirectoryError, NotADirectoryError, ValueError)
"""What another attempt would not mend."""
_CHUNK = 1 << 20


class UnreachedError(PhotoError):
    """A photo could not be had, though its store answers; the next run should try again."""


@contextmanager
def local_photo(photo: str) -> Iterator[Path]:
    """A photo as a file on this machine, under its own name.

    Raises:
        PhotoError: it cannot be had.
        UnreachedError: it could not be had in several attempts, or no longer exists.
        StoreError: its store does not answer.
    """
    system, path = filesystem(photo)
    if is_local(system):
        check_still_there(photo, most_bytes=_CHUNK)
        yield Path(path)
        return
    with temporary_folder() as folder:
        copy = folder / (PurePosixPath(path).name or "photo")
        _fetch(system, path, copy, photo)
        yield copy


def check_still_there(photo: str, *, most_bytes: int | None = None) -> None:
    """See whether a photo on this machine can still be read; elsewhere nothing is done.

    A disk that is pulled out and a share that is cut off take every photo with them, which is not a photo's fault.

    Args:
        photo: its path or URL.
        most_bytes: how much of it to read; None means all.

    Raises:
        UnreachedError: it no longer exists.
        StoreError: its folder has gone too, or the disk does not give its bytes.
    """
    system, path = filesystem(photo)
    if not is_local(system):
        return
    try:
        with Path(path).open("rb") as file:
            while file.read(_CHUNK) and most_bytes is None:
                pass
    except (PermissionError, IsADirectoryError, ValueError):
        return  # whoever reads it says so
    except FileNotFoundError:
        if not Path(path).parent.is_dir():
            raise StoreError(f"{Path(path).parent}: the folder has gone; run the same command again") from None
        raise UnreachedError(f"{photo}: no longer exists") from None
    except OSError as error:
        raise StoreError(f"{photo}: cannot be read: {reason(error)}; run the same command again") from error


def _fetch(system: Any, path: str, copy: Path, photo: str) -> None:
    for pause_s in (*_PAUSES_S, None):
        try:
            system.get_file(path, str(copy))
        except FileNotFoundError as error:
            _check_answers(system, path, photo)
            raise UnreachedError(f"{photo}: no longer exists") from error
        except _OF_THE_PHOTO as error:
            _check_answers(system, path, photo)  # permission may have ended for all of them
            raise PhotoError(f"{photo}: cannot be fetched: {reason(error)}") from error
        except Exception as error:
            if pause_s is None:
                _check_answers(system, path, photo)
                raise UnreachedError(f"{photo}: cannot be fetched: {reason(error)}") from error
            time.sleep(pause_s)
        else:
            return


def _check_answers(system: Any, path: str, photo: str) -> None:
    """Raise StoreError unless the store still lists the folder that the photo was found in."""
    try:
        system.invalidate_cache()
        system.ls(PurePosixPath(path).parent.as_posix(), detail=False)
    except Exception as error:
        raise StoreError(f"{photo}: its store has gone: {reason(error)}; run the same command again") from error
