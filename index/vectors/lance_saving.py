"""Writing the changes of a store as a new version of its table."""

import numpy as np

from index.vectors.faiss_store import FaissStore
from index.vectors.kinds import StoreSettings
from index.vectors.lance_part import LanceTable, LanceWriter, TablePlace
from index.vectors.lance_plan import (
    MAX_GROWTH,
    LancePlan,
    grown_kind,
    is_due,
    lance_plan,
    plan_of_kind,
)
from index.vectors.lance_pointer import FORMAT, LancePointer, digest_of
from index.vectors.lance_rows import TableRows
from index.vectors.lance_search import TableSearch
from index.vectors.row_checks import row_checksums
from index.vectors.store import IdArray


def saved_version(
    place: TablePlace,
    settings: StoreSettings,
    *,
    pointer: LancePointer | None,
    table: TableSearch | None,
    recent: FaissStore,
) -> LancePointer:
    """Write a version with the visible rows of the table and the recent vectors.

    pointer, table: the version that was opened; None if there is none. The pointer to the new
    version has no source and no marks of files yet. Raises StorageError if it cannot be written.
    """
    if pointer is None or table is None:
        return _first_version(place, settings, recent)
    ids = recent.ids()
    vectors = recent.vectors(ids)
    checksums = row_checksums(vectors)
    removed_ids, is_new = _differences(table, ids, checksums)
    writer = LanceWriter.on(place, pointer.version)
    writer.remove(removed_ids)
    writer.append(ids[is_new], checksums[is_new], vectors[is_new])
    kept = ~np.isin(table.rows.ids, removed_ids)
    expected = _sorted(
        np.concatenate([table.rows.ids[kept], ids[is_new]]),
        np.concatenate([table.rows.checksums[kept], checksums[is_new]]),
    )
    n_rows, size = len(expected.ids), pointer.embedding_size
    plan, is_placed_anew = _next_plan(pointer, n_rows, settings)
    n_appends = pointer.n_appends + bool(is_new.any())
    if is_placed_anew:
        writer.set_index(plan)
    n_unindexed = LanceTable.open(place).n_unindexed() if plan.n_lists else 0
    if is_due(n_unindexed, n_appends, n_rows):
        writer.compact()
        n_appends = 0
    return LancePointer(
        FORMAT, "", "", 0, "", place.address, place.table, writer.version, plan.kind, size,
        n_rows=n_rows,
        rows_digest=digest_of(expected),
        n_placed=n_rows if is_placed_anew else pointer.n_placed,
        n_appends=n_appends,
        files={},
    )  # fmt: skip


def _first_version(place: TablePlace, settings: StoreSettings, recent: FaissStore) -> LancePointer:
    ids = recent.ids()
    vectors = recent.vectors(ids)
    checksums = row_checksums(vectors)
    size = vectors.shape[1]
    plan = lance_plan(len(ids), size, settings)
    writer = LanceWriter.replace(place, ids, checksums, vectors)
    writer.set_index(plan)
    return LancePointer(
        FORMAT, "", "", 0, "", place.address, place.table, writer.version, plan.kind, size,
        n_rows=len(ids),
        rows_digest=digest_of(_sorted(ids, checksums)),
        n_placed=len(ids),
        n_appends=0,
        files={},
    )  # fmt: skip


def _next_plan(
    pointer: LancePointer, n_rows: int, settings: StoreSettings
) -> tuple[LancePlan, bool]:
    """The plan for a table that has changed, and whether its lists are to be placed anew."""
    size = pointer.embedding_size
    kind = grown_kind(pointer.kind, n_rows, size, settings)
    is_outgrown = pointer.kind != "lance-exact" and n_rows > MAX_GROWTH * pointer.n_placed
    if kind != pointer.kind or is_outgrown:
        return plan_of_kind(kind, n_rows, size, settings), True
    return plan_of_kind(kind, pointer.n_placed, size, settings), False


def _differences(
    table: TableSearch, ids: IdArray, checksums: np.ndarray
) -> tuple[IdArray, np.ndarray]:
    """The ids to delete from the table, and which of the recent vectors [n] it has not yet."""
    places = np.searchsorted(table.rows.ids, ids)
    places = np.minimum(places, max(len(table.rows.ids) - 1, 0))
    is_same = np.zeros(len(ids), dtype=bool)
    if len(table.rows.ids):
        is_same = (table.rows.ids[places] == ids) & (table.rows.checksums[places] == checksums)
    is_kept = ~table.is_hidden
    is_kept[places[is_same]] = True
    return table.rows.ids[~is_kept], ~is_same


def _sorted(ids: IdArray, checksums: np.ndarray) -> TableRows:
    order = np.argsort(ids, kind="stable")
    return TableRows(ids[order], checksums[order], np.empty(0, dtype=np.uint64))
