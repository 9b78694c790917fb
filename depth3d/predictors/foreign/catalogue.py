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
            kind="inverse",
            licence="Apache-2.0",
            mib=95,
            paper="Yang et al., arXiv 2406.09414",
        ),
        KnownNetwork(
            name="moge2_small",
            repo="Ruicheng/moge-2-vits-normal-onnx",
            revision="",
            file="model.onnx",
            kind="metric points",
            licence="MIT",
            mib=140,
            paper="Wang et al., arXiv 2507.02546",
        ),
        KnownNetwork(
            name="dpt_hybrid",
            repo="Intel/dpt-hybrid-midas",
            revision="",
            kind="inverse",
            licence="Apache-2.0",
            mib=470,
            paper="Ranftl et al., arXiv 2103.13413",
        ),
        KnownNetwork(
            name="dpt_swin2_tiny",
            repo="Intel/dpt-swinv2-tiny-256",
            revision="",
            kind="inverse",
            licence="MIT",
            mib=165,
            paper="Birkl et al., arXiv 2307.14460",
        ),
    )
}
"""Their files' hashes are not known here: what is fetched is verified by the Hub's revision, of whose commit each
file's hash is a part. A revision that is written here therefore pins every file."""
