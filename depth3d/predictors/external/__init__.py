"""Networks that others made: ONNX files, and models of the transformers library."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from depth3d.predictors import Predictor
    from depth3d.predictors.external.network_terms import NetworkTerms


def load_foreign(
    name: str, *, terms: NetworkTerms | None, runtime: str, precision: str, threads: int | None
) -> Predictor:
    """Load ``onnx:FILE``, ``hf:NAME_OR_FOLDER`` or a network of the catalogue, see `load_predictor`."""
    from depth3d.predictors.external.catalogue import KNOWN_NETWORKS
    from depth3d.predictors.external.network_terms import NetworkTerms, terms_of

    stated = terms or NetworkTerms()
    known = KNOWN_NETWORKS.get(name)
    scheme, _, rest = name.partition(":")
    if scheme == "onnx" or (known is not None and known.file):
        from depth3d.predictors.external.hub import check_pinned, find_hub_file
        from depth3d.predictors.external.onnx_file import load_onnx

        path = Path(rest)
        if known is not None:
            folder = find_hub_file(known.repo, known.revision, known.file)
            check_pinned(known, folder)
            path, stated = folder.path / known.file, stated.over(terms_of(known))
        return load_onnx(path, terms=stated, runtime=runtime, precision=precision, threads=threads)
    from depth3d.predictors.external.hugging_face import load_hugging_face

    if known is not None:
        from depth3d.predictors.external.hub import check_pinned, find_model

        check_pinned(known, find_model(known.address))
    address = rest if known is None else known.address
    return load_hugging_face(address, terms=stated, runtime=runtime, precision=precision, threads=threads)
