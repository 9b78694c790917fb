"""Folders of models by name: local ones, the Hugging Face Hub's cache, the Hub itself; and their licences."""

from __future__ import annotations

import logging
import os
import re
import warnings
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from depth3d.core.errors import Depth3DNotice, MissingExtraError, UsageError, WeightsError

if TYPE_CHECKING:
    from depth3d.predictors.external.catalogue import KnownNetwork

_WANTED_FILES = ["config.json", "preprocessor_config.json", "README.md", "*.safetensors", "*.safetensors.index.json"]
_NAME = re.compile(r"[\w.-]+/[\w.-]+(@[\w./-]+)?")
_NON_COMMERCIAL = re.compile(r"(^|[-_ ])nc([-_ ]|$)|non-?commercial|research|amlr|apple-as", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A model's files on this machine.

    Attributes:
        path: the folder.
        name: as the Hub calls it, or the folder's name.
        revision: the Hub's commit; empty for a local folder.
        licence: as its card says, else "not stated".
    """

    path: Path
    name: str
    revision: str
    licence: str

    @property
    def forbids_commerce(self) -> bool:
        """Whether its licence is one for non-commercial use or research only, as far as its name tells."""
        return bool(_NON_COMMERCIAL.search(self.licence))


def find_model(name_or_folder: str) -> ModelFolder:
    """The files of a model: a folder that is there, else the Hub's cache, else, if that is allowed, the Hub.

    Args:
        name_or_folder: a folder, or OWNER/NAME or OWNER/NAME@REVISION on the Hub.

    Raises:
        MissingExtraError: the extra hf is not installed.
        UsageError: neither a folder nor a name.
        WeightsError: not in the cache and not to be had from the Hub, or without safetensors.
    """
    folder = Path(name_or_folder).expanduser()
    if folder.is_dir():
        return _checked(ModelFolder(folder, folder.resolve().name, "", read_licence(folder)))
    if not _NAME.fullmatch(name_or_folder):
        raise UsageError(f"hf:{name_or_folder}: is neither a folder here nor an OWNER/NAME on the Hugging Face Hub")
    repo, _, revision = name_or_folder.partition("@")
    path = _fetched(repo, revision or None)
    return _checked(ModelFolder(path, repo, path.name, read_licence(path)))


def find_hub_file(repo: str, revision: str, file: str) -> ModelFolder:
    """One file of a repository, such as an ONNX file, with its card; as `find_model` does.

    Raises:
        MissingExtraError: the extra hf is not installed.
        WeightsError: not in the cache and not to be had from the Hub.
    """
    path = _fetched(repo, revision or None, file)
    return ModelFolder(path, repo, path.name, read_licence(path))


def cached_model(repo: str, revision: str = "", file: str = "*.safetensors") -> ModelFolder | None:
    """The same, if the Hub's cache on this machine has it; found by its paths, without the Hub's client.

    Args:
        repo: OWNER/NAME.
        revision: the commit; empty for the one that the branch main last named.
        file: what must be there.
    """
    folder = hub_cache() / f"models--{repo.replace('/', '--')}"
    try:
        commit = revision or (folder / "refs" / "main").read_text(encoding="utf-8").strip()
    except OSError:
        return None
    path = folder / "snapshots" / commit
    return ModelFolder(path, repo, commit, read_licence(path)) if any(path.glob(file)) else None


def cached_known(known: KnownNetwork) -> ModelFolder | None:
    """A network of the catalogue, if the Hub's cache on this machine has it."""
    return cached_model(known.repo, known.revision, known.file or "*.safetensors")


def check_pinned(known: KnownNetwork, model: ModelFolder) -> str:
    """Compare a catalogued network's weights with the hash that is pinned for them.

    Returns:
        What was found, in words.

    Raises:
        WeightsError: they have another hash.
    """
    from depth3d.predictors.weights import examine_weights

    path = model.path / (known.file or "model.safetensors")
    if not known.sha256:
        return f"revision {model.revision[:8]} is the pinned one; no hash of {path.name} is known here"
    sha256 = examine_weights(path).sha256
    if sha256 != known.sha256:
        raise WeightsError(
            f"{known.name}: {path} has sha256 {sha256[:8]}..., expected {known.sha256[:8]}...; remove it and fetch it "
            f"again: depth3d weights fetch {known.name}"
        )
    return f"sha256 {sha256[:8]}... is the pinned one"


def hub_cache() -> Path:
    """Where the Hub's client keeps what it fetched."""
    stated = os.environ.get("HF_HUB_CACHE")
    if stated:
        return Path(stated).expanduser()
    home = os.environ.get("HF_HOME")
    caches = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    return (Path(home).expanduser() if home else caches / "huggingface") / "hub"


def is_offline() -> bool:
    """Whether nothing may be fetched: DEPTH3D_OFFLINE, or the Hub's own HF_HUB_OFFLINE."""
    return bool(os.environ.get("DEPTH3D_OFFLINE") or os.environ.get("HF_HUB_OFFLINE"))


def read_licence(folder: Path) -> str:
    """What the model card's front matter says, such as "apache-2.0"; "not stated" where it says nothing."""
    try:
        lines = (folder / "README.md").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return "not stated"
    if not lines or lines[0].strip() != "---":
        return "not stated"
    front = list(takewhile(lambda line: line.strip() != "---", lines[1:]))
    said = {key: text.strip().strip("\"'") for key, colon, text in (line.partition(":") for line in front) if colon}
    stated = said.get("license", "")
    if stated == "other":
        return said.get("license_name") or "other, see its card"
    return stated or "not stated"


def _checked(model: ModelFolder) -> ModelFolder:
    if not (model.path / "config.json").is_file():
        raise WeightsError(f"{model.path}: holds no config.json; name a folder that save_pretrained wrote")
    if not any(model.path.glob("*.safetensors")):
        raise WeightsError(
            f"{model.name}: has no .safetensors, and other weights may run code; convert it with save_pretrained"
        )
    return model


def _fetched(repo: str, revision: str | None, file: str | None = None) -> Path:
    found = cached_model(repo, revision or "", file or "*.safetensors")
    if found is not None:
        return found.path
    by_hand = f"fetch it where there is a network: hf download {repo}"
    if is_offline():
        raise WeightsError(f"{repo} is not in the Hugging Face cache, and nothing may be fetched offline; {by_hand}")
    hub = import_hub()
    warnings.warn(Depth3DNotice(f"fetching {repo} from the Hugging Face Hub, once"), stacklevel=5)
    wanted = _WANTED_FILES if file is None else [file, f"{file}.*", "README.md"]
    try:
        hub.utils.disable_progress_bars()
        fetch = hub.snapshot_download  # whose first use sets the level of what the client says
        logging.getLogger("huggingface_hub").setLevel(logging.CRITICAL)  # it tells of every try; we say how it ended
        return Path(fetch(repo, revision=revision, allow_patterns=wanted))
    except Exception as error:  # the Hub's client has no common base: httpx's, OSError, ValueError
        raise WeightsError(_why(repo, error, by_hand)) from error


def _why(repo: str, error: Exception, by_hand: str) -> str:
    """One line for what the Hub's client raised."""
    kind = type(error).__name__
    if kind == "GatedRepoError":
        return f"{repo}: its licence must be accepted at https://huggingface.co/{repo}, then log in: hf auth login"
    if kind in ("RepositoryNotFoundError", "RevisionNotFoundError"):
        return f"{repo}: the Hugging Face Hub has no such model or revision; check the name"
    words = " ".join(str(error).split()).removeprefix("Got: ").partition(" An error happened")[0] or kind
    return f"{repo} cannot be fetched from the Hugging Face Hub ({words[:160]}); {by_hand}"


def import_hub() -> Any:
    """Import huggingface_hub.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import huggingface_hub
        import huggingface_hub.utils  # an attribute of the package only once it was imported
    except ImportError:
        raise MissingExtraError("a Hugging Face model", "huggingface_hub", "hf") from None
    return huggingface_hub
