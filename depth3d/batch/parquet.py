"""The manifest as Parquet, for many rows."""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING, Any

from depth3d.batch.manifest_row import Row
from depth3d.batch.storage import Folder, reason
from depth3d.core.errors import MissingExtraError, OutputError
from depth3d.io.temporary import temporary_folder

if TYPE_CHECKING:
    from depth3d.batch.manifest import Manifest

TABLE_NAME = "manifest.parquet"

_ROWS_AT_ONCE = 10_000


def check_table() -> None:
    """Raise MissingExtraError unless tables can be written."""
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError:
        raise MissingExtraError("a Parquet table", "pyarrow", "ray") from None


def write_table(manifest: Manifest, folder: Folder) -> None:
    """Write every row of a manifest into a Parquet file beside it; its columns are the fields of `Row`.

    Raises:
        OutputError: it cannot be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = _schema(pa)
    rows = (row for row in manifest.rows() if row is not None)
    try:
        with temporary_folder() as place:
            path = place / TABLE_NAME
            with pq.ParquetWriter(path, schema, compression="zstd") as writer:
                while some := list(islice(rows, _ROWS_AT_ONCE)):
                    writer.write_table(pa.Table.from_pylist([_plain(row) for row in some], schema=schema))
            folder.write(TABLE_NAME, path.read_bytes())
    except OSError as error:
        raise OutputError(f"cannot write {folder.url}/{TABLE_NAME}: {reason(error)}") from error


def _plain(row: Row) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(row.to_json(), object_hook=_with_text)
    return plain


def _with_text(entry: dict[str, Any]) -> dict[str, Any]:
    """Names with bytes that are no text are written as in the manifest's JSON, for a table holds nothing else."""
    return {
        key: value.encode("utf-8", "backslashreplace").decode("utf-8") if isinstance(value, str) else value
        for key, value in entry.items()
    }


def _schema(pa: Any) -> Any:
    text, number = pa.string(), pa.float64()
    output = pa.struct([("file", text), ("bytes", pa.int64())])
    fit = pa.struct([("a", number), ("b", number), ("unit", text), ("hints", pa.int64())])
    return pa.schema(
        [
            *(("photo", text), ("recipe", text), ("outputs", pa.list_(output))),
            *(("width", pa.int32()), ("height", pa.int32()), ("camera", text), ("fov_x_deg", number)),
            *(("depth", text), ("fit", fit), ("points_units", number)),
            *(("notes", pa.list_(text)), ("seconds", number), ("error", text), ("unreached", pa.bool_())),
        ]
    )
