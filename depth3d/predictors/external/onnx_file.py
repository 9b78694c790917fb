"""A network in an ONNX file, whoever exported it."""

from __future__ import annotations

import hashlib
import json
import warnings
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from depth3d.core.depth import InverseDepth
from depth3d.core.errors import Depth3DNotice, UsageError, WeightsError
from depth3d.core.options import DepthOptions
from depth3d.predictors.external.detect_output_kind import FoundKind, Run, UnclearKindError, explained_share, find_kind
from depth3d.predictors.external.graph import Graph
from depth3d.predictors.external.network_terms import NetworkTerms, terms_beside, terms_in_metadata
from depth3d.predictors.external.outputs import METRIC_SCALES, Outputs, read_outputs
from depth3d.predictors.external.picture_input import NORMALISATIONS, PictureInput, Triple, find_picture_input
from depth3d.predictors.prediction import Kind, Prediction
from depth3d.predictors.runtimes.converted_cache import write_then_rename
from depth3d.predictors.runtimes.runtime_errors import RuntimeFailedError
from depth3d.predictors.to_inverse import to_inverse_depth
from depth3d.predictors.weights import cache_folder, examine_weights

if TYPE_CHECKING:
    from depth3d.core.camera import Intrinsics
    from depth3d.io.photos.photo import Photo

FINDING = 1
"""Raise this when a kind would be found out in another way."""

_TOKENS = 1800
"""What MoGe-2's input num_tokens is given, as its authors export it."""


@dataclass(frozen=True, slots=True, eq=False)
class OnnxPredictor:
    """Photo to depth of a kind, with an ONNX file.

    Attributes:
        graph: the file, ready to run.
        picture: how its input is made.
        normalisation: mean and std of that.
        kind: what its output is.
        found: how that was found out; None where it was stated.
        weights_id: the first 16 hex digits of the file's sha256.
    """

    graph: Graph
    picture: PictureInput
    normalisation: tuple[Triple, Triple]
    kind: Kind
    found: FoundKind | None
    weights_id: str

    @property
    def name(self) -> str:
        """The file's name."""
        return self.graph.path.stem

    def see(self, photo: Photo) -> Prediction:
        """What the network says.

        Raises:
            WeightsError: the graph fails, or gives numbers that are not finite where it should.
        """
        outputs = _outputs(self.graph, self.picture, self.normalisation, photo.rgb)
        values = outputs.values if self.found is None else self.found.applied(outputs.values)
        terms = self.picture.terms
        sigma = terms.metric_sigma or (self.found.metric_sigma if self.found else None)
        focal_px = outputs.focal_px
        if focal_px is not None:
            focal_px *= photo.size[0] / self.picture.size_for(*photo.size)[0]
        return Prediction(
            values,
            self.kind,
            metric_sigma=sigma,
            mask=outputs.mask,
            confidence=outputs.confidence,
            normals=outputs.normals,
            focal_px=focal_px,
            source=f"{self.graph.path.name} {self.weights_id[:8]}, {self.kind}",
            details=(
                ("network", self.graph.path.name),
                ("weights_sha256_begins", self.weights_id),
                ("licence", terms.licence or "not stated"),
                ("runtime", self.graph.runtime),
                ("precision", "as in the file"),
                ("output_kind", self.kind if self.found is None else self.found.in_words),
            ),
        )

    def predict(self, photo: Photo, camera: Intrinsics | None = None) -> InverseDepth:
        """What it says, as inverse depth of the photo's size."""
        return to_inverse_depth(self.see(photo), photo.size, camera)


def load_onnx(
    path: Path,
    *,
    terms: NetworkTerms,
    runtime: str = DepthOptions().runtime,
    precision: str = DepthOptions().precision,
    threads: int | None = None,
) -> OnnxPredictor:
    """Load an ONNX file as a predictor; the same one is loaded once per process.

    What is not stated in `terms`, in a JSON file beside it or in its metadata is found out by running it on photos of
    known depth, once; the result is kept in the cache and said.

    Args:
        path: the file.
        terms: what the user states; it goes before what the file says.
        runtime: ``auto``, ``onnxruntime`` or ``openvino``.
        precision: ``auto`` or ``fp32``; how exact the network is lies in the file.
        threads: how many threads it may use, or None for the library's own choice.

    Raises:
        UsageError: a precision that is not the file's own, or torch as runtime.
        MissingExtraError: neither onnxruntime nor OpenVINO is installed.
        WeightsError: the file cannot be read or run, is no network from a photo to depth, or its kind is unclear.
    """
    if precision not in ("auto", "fp32"):
        raise UsageError(f"an ONNX file computes as it was exported, not in {precision}; leave --precision out")
    found = examine_weights(path)
    return _loaded(path, found.sha256, terms, runtime, threads)


@lru_cache(maxsize=2)
def _loaded(path: Path, sha256: str, terms: NetworkTerms, runtime: str, threads: int | None) -> OnnxPredictor:
    graph = Graph(path, runtime=runtime, threads=threads)
    terms = terms.over(terms_beside(path)).over(terms_in_metadata(graph.metadata, path.name))
    picture = find_picture_input(graph.inputs, terms, path.name)
    _other_inputs(graph, picture)
    normalisation, kind, found = _understood(graph, picture, sha256)
    return OnnxPredictor(graph, picture, normalisation, kind, found, sha256[:16])


def _understood(
    graph: Graph, picture: PictureInput, sha256: str
) -> tuple[tuple[Triple, Triple], Kind, FoundKind | None]:
    """Normalisation and kind, as stated or as found out."""
    terms = picture.terms
    stated = _stated_normalisation(terms)
    names = {port.name for port in graph.outputs}
    if terms.output is None and "points" in names:
        if terms.output_kind is not None and terms.output_kind not in ("points", "metric points"):
            raise UsageError(f"{graph.path.name}: gives points; leave --output-kind out")
        is_metric = not names.isdisjoint(METRIC_SCALES)
        return stated or NORMALISATIONS["0 to 1"], "metric points" if is_metric else "points", None
    if terms.output_kind is not None and (stated is not None or not picture.is_normalised):
        return stated or NORMALISATIONS["0 to 255"], terms.output_kind, None
    usual, found = _remembered_or_found(graph, picture, sha256, stated)
    kind = terms.output_kind
    if kind is None:
        assert found is not None
        kind = found.kind
    return stated or NORMALISATIONS[usual], kind, found


def _stated_normalisation(terms: NetworkTerms) -> tuple[Triple, Triple] | None:
    if terms.mean is None and terms.std is None:
        return None
    return terms.mean or (0.0, 0.0, 0.0), terms.std or (1.0, 1.0, 1.0)


def _remembered_or_found(
    graph: Graph, picture: PictureInput, sha256: str, stated: tuple[Triple, Triple] | None
) -> tuple[str, FoundKind | None]:
    """The range of the input, and the kind unless that is stated: as found before, else found now and said."""
    key = hashlib.sha256(repr((FINDING, picture.terms)).encode()).hexdigest()[:12]
    kept = cache_folder() / "kinds" / f"{sha256[:16]}-{key}.json"
    try:
        given = json.loads(kept.read_text(encoding="utf-8"))
        return str(given["range"]), None if given["found"] is None else FoundKind(**given["found"])
    except (OSError, LookupError, TypeError, ValueError):
        pass
    tried = {"as stated": stated} if stated is not None else NORMALISATIONS
    if not picture.is_normalised:
        tried = {"0 to 255": NORMALISATIONS["0 to 255"]}
    runs = {name: _depth_of(graph, picture, normalisation) for name, normalisation in tried.items()}
    usual, found = _best(runs, graph.path.name, find=picture.terms.output_kind is None)
    words = [] if found is None else [f"its output is {found.in_words}"]
    words += [f"its input is taken as {usual}"] if stated is None and picture.is_normalised else []
    warnings.warn(Depth3DNotice(f"{graph.path.name}: {'; '.join(words)}"), stacklevel=2)
    _keep(kept, {"range": usual, "found": None if found is None else asdict(found)})
    return usual, found


def _best(runs: dict[str, Run], name: str, *, find: bool) -> tuple[str, FoundKind | None]:
    """The range of input under which the output follows depth best, and if wanted the kind under it."""
    if not find:
        explained = {one: explained_share(run) for one, run in runs.items()}
        return max(explained, key=lambda one: explained[one]), None
    results: dict[str, FoundKind] = {}
    unclear: list[UnclearKindError] = []
    problem: WeightsError | None = None
    for one, run in runs.items():
        try:
            results[one] = find_kind(run, name)
        except UnclearKindError as error:
            unclear.append(error)
        except WeightsError as error:
            problem = problem or error
    best = max(results, key=lambda one: results[one].explained, default="")
    least = results[best].explained if results else 0.0
    if any(one.explained > least for one in unclear):
        raise max(unclear, key=lambda one: one.explained)
    if not results:
        assert problem is not None
        raise problem
    return best, results[best]


def _depth_of(graph: Graph, picture: PictureInput, normalisation: tuple[Triple, Triple]) -> Run:
    return lambda rgb: _outputs(graph, picture, normalisation, rgb).values


def _outputs(
    graph: Graph, picture: PictureInput, normalisation: tuple[Triple, Triple], rgb: NDArray[np.uint8]
) -> Outputs:
    inputs: dict[str, Any] = {picture.port.name: picture.prepare(rgb, normalisation)}
    inputs |= _other_inputs(graph, picture)
    return read_outputs(graph(inputs), graph.path.name, depth=picture.terms.output)


def _other_inputs(graph: Graph, picture: PictureInput) -> dict[str, NDArray[Any]]:
    """MoGe-2's number of tokens; no other input is known here."""
    others = [port for port in graph.inputs if port.name != picture.port.name]
    strange = next((port.name for port in others if port.name != "num_tokens"), None)
    if strange is not None:
        raise WeightsError(f"{graph.path.name}: wants an input {strange!r} besides the photo; export it without")
    return {port.name: np.full([one or 1 for one in port.shape], _TOKENS, port.dtype) for port in others}


def _keep(path: Path, content: dict[str, Any]) -> None:
    """Remember what was found; where nothing can be stored it is found again the next time."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with write_then_rename(path) as temporary:
            temporary.write_text(json.dumps(content), encoding="utf-8")
    except (OSError, RuntimeFailedError):
        return
