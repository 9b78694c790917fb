"""Where the networks' weights are: which files are official, where they lie, how they are fetched and verified."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from depth3d.core.errors import UsageError, WeightsError
from depth3d.io.open_input import is_file, open_regular_file

if TYPE_CHECKING:
    from depth3d.predictors.download import Progress

_LONGEST_HEADER = 10_000_000
_BUNDLED = Path(__file__).parent / "bundled"
_RELEASE = "https://github.com/isl-org/MiDaS/releases/download/v2_1/"


@dataclass(frozen=True, slots=True)
class OfficialWeights:
    """A weights file of the original authors.

    Attributes:
        name: of the network, such as ``midas_small``.
        file: its name in the release and in the cache.
        url: where the release offers it.
        sha256: hex digits its hash begins with; all 64 where they are known.
        mib: size in MiB, about.
        other_names: names under which torch hub may have stored it.
        licence: under which it is offered.
    """

    name: str
    file: str
    url: str
    sha256: str
    mib: float
    other_names: tuple[str, ...] = ()
    licence: str = "MIT"

    @property
    def hash_fully_known(self) -> bool:
        """Whether all 64 digits are pinned."""
        return len(self.sha256) == 64


@dataclass(frozen=True, slots=True)
class FoundWeights:
    """A weights file on this machine.

    Attributes:
        path: where it lies.
        sha256: of its bytes, 64 hex digits.
        origin: ``cache``, ``torch hub``, ``package`` or ``file``.
        official: the release's file whose hash it has, or None.
    """

    path: Path
    sha256: str
    origin: str
    official: OfficialWeights | None

    @property
    def licence(self) -> str:
        """Under which the weights are offered; files of one's own say so themselves, or nothing."""
        if self.official is not None:
            return self.official.licence
        return self.notes.get("licence", "not stated")

    @property
    def notes(self) -> dict[str, str]:
        """What a safetensors file says about its making, such as "licence" and "encoder"; empty for other files."""
        return _safetensors_notes(self.path, self.sha256)

    @property
    def verdict(self) -> str:
        """What the hash says, in words."""
        short = self.sha256[:8]
        if self.official is None:
            return f"sha256 {short}..., not a file of the official release"
        if not self.official.hash_fully_known:
            return f"sha256 {short}... begins as the official one; only these 8 digits of it are known"
        return f"sha256 {short}... is the official one"


OFFICIAL_WEIGHTS = {
    weights.name: weights
    for weights in (
        OfficialWeights(
            name="midas_small",
            file="midas_v21_small_256.pt",
            url=f"{_RELEASE}midas_v21_small_256.pt",
            sha256="70d6b9c891758c67f974a6097fb0c608c7ee67fb81ac3e5588847d5596d56fca",
            mib=81.8,
            other_names=("midas_v21_small-70d6b9c8.pt",),
        ),
        OfficialWeights(
            name="midas_large",
            file="midas_v21_384.pt",
            url=f"{_RELEASE}midas_v21_384.pt",
            sha256="f6b98070",
            mib=403,
            other_names=("midas_v21-f6b98070.pt",),
        ),
    )
}


def find_weights(name: str) -> FoundWeights | None:
    """Look for official weights in the cache, then among torch hub's files.

    Args:
        name: of an official network.

    Returns:
        The file, its hash checked, or None if there is none. A torch hub file with another hash is passed over.

    Raises:
        UsageError: the name is unknown.
        WeightsError: the cached file is damaged or cannot be read.
    """
    official = _official(name)
    cached = cache_folder() / official.file
    if is_file(cached):
        found = examine_weights(cached, origin="cache")
        if found.official is not official:
            raise WeightsError(
                f"{cached} is damaged: its sha256 begins with {found.sha256[:8]}, expected {official.sha256[:8]}; "
                f"replace it: depth3d weights fetch {name}"
            )
        return found
    for path in _torch_hub_files(official):
        found = examine_weights(path, origin="torch hub")
        if found.official is official:
            return found
    return None


def fetch_weights(name: str, *, progress: Progress | None = None) -> FoundWeights:
    """Return official weights, downloading them into the cache if they are not on this machine.

    Args:
        name: of an official network.
        progress: called with the bytes that are there and those there will be.

    Raises:
        UsageError: the name is unknown.
        WeightsError: the file cannot be downloaded or stored, or is not the official one.
    """
    official = _official(name)
    try:
        found = find_weights(name)
    except WeightsError:  # damaged: replaced below
        found = None
    return found or _download_official(official, progress)


def verify_weights(name_or_file: str | Path) -> FoundWeights:
    """Check that an official network's weights, or a file, are what the official release offers.

    Args:
        name_or_file: an official network's name, or a file.

    Raises:
        WeightsError: there is no such file, or it is not an official one.
    """
    if str(name_or_file) in OFFICIAL_WEIGHTS:
        found = find_weights(str(name_or_file))
        if found is None:
            raise WeightsError(f"{name_or_file} is not on this machine; fetch it: depth3d weights fetch {name_or_file}")
        return found
    found = examine_weights(Path(name_or_file))
    if found.official is None:
        raise WeightsError(
            f"{name_or_file}: sha256 {found.sha256} is not that of an official file "
            f"({', '.join(f'{w.name} {w.sha256[:8]}...' for w in OFFICIAL_WEIGHTS.values())})"
        )
    return found


def examine_weights(path: Path, *, origin: str = "file") -> FoundWeights:
    """Hash a weights file and recognise an official one.

    Raises:
        WeightsError: the file does not exist or cannot be read.
    """
    try:
        stat = path.stat()
        if not path.is_file():
            raise WeightsError(f"weights {path} are no file; name a .pt or .safetensors file")
        sha256 = _sha256(path, stat.st_size, stat.st_mtime_ns)
    except OSError as error:
        raise WeightsError(f"cannot read weights {path}: {error.strerror or error}") from error
    official = next((w for w in OFFICIAL_WEIGHTS.values() if sha256.startswith(w.sha256)), None)
    return FoundWeights(path=path, sha256=sha256, origin=origin, official=official)


def chosen_weights_file(weights: Path | None) -> Path | None:
    """Return the file the user chose, by option or by DEPTH3D_WEIGHTS, or None.

    Raises:
        WeightsError: DEPTH3D_WEIGHTS names no file.
    """
    if weights is not None:
        return weights
    named = os.environ.get("DEPTH3D_WEIGHTS")
    if not named:
        return None
    path = Path(named).expanduser()
    if not is_file(path):
        raise WeightsError(f"the environment variable DEPTH3D_WEIGHTS names no file: {named}; correct or unset it")
    return path


def bundled_weights() -> FoundWeights:
    """Return the weights that came with the package.

    Raises:
        WeightsError: this copy of depth3d brings none.
    """
    path = next(iter(sorted(_BUNDLED.glob("*.safetensors"))), None)
    if path is None:
        raise WeightsError(
            "this copy of depth3d brings no bundled network; use --predictor midas_small or --weights FILE"
        )
    return examine_weights(path, origin="package")


def cache_folder() -> Path:
    """Return the folder for weights in the user's cache, or below DEPTH3D_CACHE if that is set; it may not exist."""
    chosen = os.environ.get("DEPTH3D_CACHE")
    if chosen:
        return Path(chosen).expanduser() / "weights"
    import platformdirs

    return platformdirs.user_cache_path("depth3d", appauthor=False) / "weights"


@lru_cache(maxsize=16)
def _safetensors_notes(path: Path, sha256: str) -> dict[str, str]:
    """The metadata in a file's header: eight bytes of length, then JSON. The hash is in the key only."""
    del sha256
    with open_regular_file(path, WeightsError) as file:
        start = file.read(8)
        length = int.from_bytes(start, "little")
        content = file.read(length) if len(start) == 8 and length <= _LONGEST_HEADER else b""
    try:
        header = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    notes = header.get("__metadata__") if isinstance(header, dict) else None
    if not isinstance(notes, dict):
        return {}
    return {str(key): str(value) for key, value in notes.items() if key != "depth3d.network"}


@lru_cache(maxsize=16)
def _sha256(path: Path, size: int, mtime_ns: int) -> str:
    """Hash a file; its size and time are in the key, so that a changed file is hashed again."""
    del size, mtime_ns
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _official(name: str) -> OfficialWeights:
    if name not in OFFICIAL_WEIGHTS:
        raise UsageError(f"unknown network {name!r}; official weights exist for {', '.join(OFFICIAL_WEIGHTS)}")
    return OFFICIAL_WEIGHTS[name]


def _download_official(official: OfficialWeights, progress: Progress | None) -> FoundWeights:
    from depth3d.predictors.download import ConnectionFailedError, download

    folder = cache_folder()
    part = folder / f"{official.file}.part"
    by_hand = f"put {official.file} from {official.url} into {folder}, or give it with --weights"
    if os.environ.get("DEPTH3D_OFFLINE"):
        raise WeightsError(f"{official.name} is not on this machine and DEPTH3D_OFFLINE forbids fetching it; {by_hand}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        download(official.url, part, progress=progress)
        found = examine_weights(part, origin="cache")
        if found.official is not official:
            part.unlink()
            raise WeightsError(
                f"{official.url}: sha256 is {found.sha256}, expected {official.sha256}; "
                f"what arrived was removed; run again, or {by_hand}"
            )
        part.replace(folder / official.file)
    except ConnectionFailedError as error:
        _remove_if_empty(part)
        raise WeightsError(f"{official.name} cannot be fetched, {error}; {by_hand}") from error
    except OSError as error:
        raise WeightsError(
            f"cannot store weights in {folder}: {error.strerror or error}; set DEPTH3D_CACHE to another folder"
        ) from error
    return FoundWeights(path=folder / official.file, sha256=found.sha256, origin="cache", official=official)


def _remove_if_empty(part: Path) -> None:
    if part.is_file() and part.stat().st_size == 0:
        part.unlink()


def _torch_hub_files(official: OfficialWeights) -> Iterator[Path]:
    """Where ``torch.hub.load_state_dict_from_url`` stores files, found without torch."""
    home = os.environ.get("TORCH_HOME")
    caches = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    folder = (Path(home).expanduser() if home else caches / "torch") / "hub" / "checkpoints"
    for name in (official.file, *official.other_names):
        if is_file(folder / name):
            yield folder / name
