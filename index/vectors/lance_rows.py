"""The rows of a LanceDB table as arrays, and arrays as rows.

id       checksum   vector
───────  ─────────  ────────────────────
int64    uint64     float32 × d
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from index.vectors.distances import FloatMatrix
from index.vectors.row_checks import Checksums
from index.vectors.store import IdArray

if TYPE_CHECKING:
    import pyarrow as pa

RowIds = NDArray[np.uint64]
ROWS_PER_BATCH = 65_536


@dataclass(frozen=True, slots=True, eq=False)
class TableRows:
    """The rows of a version, by id. ids, checksums, row_ids: [n]"""

    ids: IdArray
    checksums: Checksums
    row_ids: RowIds
    """LanceDB's number of each row in this version."""


def reader_of(ids: IdArray, checksums: Checksums, vectors: FloatMatrix) -> "pa.RecordBatchReader":
    """The rows in batches of Arrow."""
    import pyarrow as pa

    size = vectors.shape[1]
    schema = pa.schema(
        [
            pa.field("id", pa.int64(), nullable=False),
            pa.field("checksum", pa.uint64(), nullable=False),
            pa.field("vector", pa.list_(pa.float32(), size), nullable=False),
        ]
    )

    def batches() -> Iterator[Any]:
        for start in range(0, len(ids), ROWS_PER_BATCH):
            rows = slice(start, start + ROWS_PER_BATCH)
            values = pa.array(np.ascontiguousarray(vectors[rows]).ravel())
            columns = [
                pa.array(np.asarray(ids[rows], dtype=np.int64)),
                pa.array(checksums[rows]),
                pa.FixedSizeListArray.from_arrays(values, size),
            ]
            yield pa.record_batch(columns, schema=schema)

    return pa.RecordBatchReader.from_batches(schema, batches())


def vectors_in(table: Any, size: int) -> FloatMatrix:
    """The column of vectors [n, size] of a table of Arrow."""
    values: FloatMatrix = table["vector"].combine_chunks().flatten().to_numpy()
    return values.reshape(-1, size)
