"""Networks of others worth having on a CPU, by short names with pinned revisions. Plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from depth3d.predictors.prediction import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownNetwork:
    """A network on the Hugging Face Hub.

    Attributes:
        name: the short name.
        repo: OWNER/NAME on the Hub.
        revision: the Hub's commit; empty where this project does not know one, so that the branch main is taken and the
            commit that was fetched is told in `doctor` and the provenance.
        file: the ONNX file in it; empty where it is a model of the transformers library.
        kind: what its output is.
        licence: under which it is offered.
        sha256: of its weights' file; empty where this project does not know it, see `KNOWN_NETWORKS`.
        mean: (red, green, blue) that an ONNX file wants subtracted from the picture in [0, 1]; None where that is told
            by its outputs, or by the library.
        std: (red, green, blue) that the picture is then divided by.
        size: longer side of the picture for an ONNX file that takes any size.
        multiple_of: both sides of that picture are multiples of this.
        mib: about what it weighs, in MiB.
        paper: where it is described.
    """

    name: str
    repo: str
    revision: str
    file: str = ""
    kind: Kind
    licence: str
    mib: float
    paper: str
    sha256: str = ""
    mean: tuple[float, float, float] | None = None
    std: tuple[float, float, float] | None = None
    size: int | None = None
    multiple_of: int | None = None

    @property
    def address(self) -> str:
        """Repository and revision, as `find_model` takes them."""
        return f"{self.repo}@{self.revision}" if self.revision else self.repo


KNOWN_NETWORKS = {
    one.name: one
    for one in (
        KnownNetwork(
            name="depth_anything_v2_small",
            repo="depth-anything/Depth-Anything-V2-Small-hf",
            revision="5426e4f0f36572d16453bbda7a8389317b1bef99",
            sha256="3152477ce0d8d6978d76b995120de97cb5b928701fd0f817769f59e249a16b70",
            kind="inverse",
            licence="Apache-2.0",
            mib=95,
            paper="Yang et al., arXiv 2406.09414",
        ),
        KnownNetwork(
            name="moge2_small",
            repo="Ruicheng/moge-2-vits-normal-onnx",
            revision="e50ffda41565591092adea54c6ac83d6212e1e23",
            sha256="24eacb5dc7a2c54c7bc98f7de085ffbed79ad006ea5b664c2c2cdc02ff3a52f0",
            file="model.onnx",
            kind="metric points",
            licence="MIT",
            mib=134,
            paper="Wang et al., arXiv 2507.02546",
        ),
        KnownNetwork(
            name="dpt_hybrid",
            repo="Xenova/dpt-hybrid-midas",  # Intel's own repository has no safetensors
            revision="8af5a62e326ba3e842759aa27e13008c1c758db5",
            file="onnx/model.onnx",
            mean=(0.5, 0.5, 0.5),
            std=(0.5, 0.5, 0.5),
            size=384,
            multiple_of=32,
            kind="inverse",
            licence="Apache-2.0",
            mib=508,
            paper="Ranftl et al., arXiv 2103.13413",
        ),
        KnownNetwork(
            name="dpt_swin2_tiny",
            repo="Intel/dpt-swinv2-tiny-256",
            revision="f7f350e1a10a5ea58671b68ab5f49dc18ec00483",
            kind="inverse",
            licence="MIT",
            mib=165,
            paper="Birkl et al., arXiv 2307.14460",
        ),
    )
}
"""A revision pins every file: it is the Hub's commit, of which each file's hash is a part, and the Hub's client checks
that. Where the hash of the weights is known besides, it is checked here at every load, whoever put the file there."""
