"""Networks that others made: ONNX files, and models of the transformers library."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from depth3d.predictors import Predictor
    from depth3d.predictors.foreign.terms import NetworkTerms


def load_foreign(
    name: str, *, terms: NetworkTerms | None, runtime: str, precision: str, threads: int | None
) -> Predictor:
    """Load ``onnx:FILE``, ``hf:NAME_OR_FOLDER`` or a network of the catalogue, see `load_predictor`."""
    from depth3d.predictors.foreign.catalogue import KNOWN_NETWORKS
    from depth3d.predictors.foreign.terms import NetworkTerms

    stated = terms or NetworkTerms()
    known = KNOWN_NETWORKS.get(name)
    scheme, _, rest = name.partition(":")
    if scheme == "onnx" or (known is not None and known.file):
        from depth3d.predictors.foreign.hub import find_hub_file
        from depth3d.predictors.foreign.onnx_file import load_onnx

        path = Path(rest)
        if known is not None:
            path = find_hub_file(known.repo, known.revision, known.file).path / known.file
            stated = replace(stated, licence=known.licence)
        return load_onnx(path, terms=stated, runtime=runtime, precision=precision, threads=threads)
    from depth3d.predictors.foreign.hugging_face import load_hugging_face

    address = rest if known is None else known.address
    return load_hugging_face(address, terms=stated, runtime=runtime, precision=precision, threads=threads)
