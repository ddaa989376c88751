"""Which kind of index a library of a given size gets, and what it costs. Pure arithmetic.

exact      every vector is compared: always right, and quick enough for most collections
hnsw       a graph over exact vectors: the quickest, if there is enough memory
hnsw-sq8   the same graph over vectors of one byte per number, re-ranked with exact ones
ivf-sq8    lists of one-byte vectors: a quarter of the memory, no graph
ivf-pq     lists of short codes, if nothing else fits into memory

These are files of FAISS in the library's folder. The others are tables of LanceDB at an address, a
folder or object storage, which many machines can read:

lance      every vector is compared, in memory, up to 100,000; then as lance-sq8 if that fits
lance-sq8  lists of one-byte vectors, re-ranked with exact ones
lance-pq   lists of short codes, re-ranked with exact ones
"""

import json
from dataclasses import asdict, dataclass
from typing import Literal, get_args

from embedder.errors import UnknownChoice

KindName = Literal["exact", "hnsw", "hnsw-sq8", "ivf-sq8", "ivf-pq"]
LanceKind = Literal["lance-exact", "lance-sq8", "lance-pq"]
KindSetting = Literal[
    "auto", "exact", "hnsw", "hnsw-sq8", "ivf-sq8", "ivf-pq", "lance", "lance-sq8", "lance-pq"
]

MAX_EXACT_VECTORS = 100_000
"""Up to this size, an exact query takes a few milliseconds, less than starting Python."""
DEFAULT_MEMORY_BYTES = 4 * 2**30
LINKS_PER_VECTOR = 16
"""HNSW's M; its authors recommend 16 for a hundred dimensions."""
LINKS_TRIED_PER_VECTOR = 120
"""HNSW's efConstruction."""
MIN_CODED_VECTORS = 256
"""A one-byte code has 256 values, and is fitted to at least as many vectors."""
MANY_CODED_VECTORS = 10_000
"""One-byte codes that are fitted to fewer may not span what is added later."""
MIN_SHARE_FOR_GRAPH = 0.02
"""If a smaller share of the rows is allowed, a walk through the graph finds too few of them."""


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """What a user may set. `memory_bytes` limits the memory that the search uses."""

    kind: KindSetting = "auto"
    memory_bytes: int = DEFAULT_MEMORY_BYTES
    search_effort: int = 0
    """The number of candidates in HNSW, or of lists in IVF; 0: the default of the kind."""
    address: str = ""
    """Where the table of a Lance kind is: a folder's absolute path, or s3://BUCKET/FOLDER."""

    @property
    def is_lance(self) -> bool:
        """Whether LanceDB keeps the vectors."""
        return self.kind.startswith("lance")

    @property
    def name(self) -> str:
        """As a user writes it after `--store`."""
        return f"{self.kind}:{self.address}" if self.address else self.kind


def settings_from_text(text: str) -> StoreSettings:
    """Settings from their JSON; raises ValueError or TypeError if they are not valid."""
    settings = StoreSettings(**json.loads(text))
    numbers = (settings.memory_bytes, settings.search_effort)
    is_valid = (
        settings.kind in get_args(KindSetting)
        and {type(number) for number in numbers} == {int}
        and isinstance(settings.address, str)
        and settings.is_lance == bool(settings.address)
    )
    if not is_valid:
        raise ValueError(f"no settings of a store: {text[:100]}")
    return settings


def settings_to_text(settings: StoreSettings) -> str:
    """Settings as JSON. Only a Lance kind has an address, so that earlier versions read others."""
    values = asdict(settings)
    if not settings.address:
        del values["address"]
    return json.dumps(values)


@dataclass(frozen=True, slots=True)
class StorePlan:
    """A kind and its numbers."""

    kind: KindName
    n_lists: int = 0
    code_bytes: int = 0
    search_effort: int = 0
    candidates_per_hit: int = 1
    """The number of hits that are compared exactly for each requested neighbour."""

    @property
    def keeps_exact_vectors(self) -> bool:
        """Whether the index itself holds every vector in full."""
        return self.kind in ("exact", "hnsw")


def choose_plan(
    n_vectors: int, size: int, settings: StoreSettings, *, n_lists: int = 0
) -> StorePlan:
    """The plan for n vectors of a size, within the allowed memory.

    n_lists: the number of lists of an existing index.
    """
    kind: str = check_kind(settings.kind)
    if kind == "auto":
        kind = _kind_that_fits(n_vectors, size, settings.memory_bytes)
    n_lists = n_lists or _n_lists(n_vectors)
    effort = settings.search_effort
    if kind == "exact" or (kind == "ivf-pq" and n_vectors < MIN_CODED_VECTORS):
        return StorePlan("exact")
    if kind == "hnsw":
        return StorePlan("hnsw", search_effort=effort or 64)
    n_candidates = 2 if n_vectors >= MANY_CODED_VECTORS else 8
    if kind == "hnsw-sq8":
        return StorePlan("hnsw-sq8", search_effort=effort or 64, candidates_per_hit=n_candidates)
    probes = effort or max(n_lists // 32, 8)
    if kind == "ivf-sq8":
        return StorePlan("ivf-sq8", n_lists, search_effort=probes, candidates_per_hit=n_candidates)
    code = code_bytes(size)
    return StorePlan("ivf-pq", n_lists, code, search_effort=probes, candidates_per_hit=10)


def check_kind(name: str) -> KindSetting:
    """The name as a kind or "auto"; raises UnknownChoice."""
    valid: tuple[KindSetting, ...] = get_args(KindSetting)
    for kind in valid:
        if name == kind:
            return kind
    raise UnknownChoice("kind of index", name, valid)


def is_outgrown(plan: StorePlan, n_vectors: int, size: int, *, settings: StoreSettings) -> bool:
    """Whether the store should be rebuilt with another plan for its present number of vectors.

    Near a limit of size, both kinds are accepted, so that a single track does not cause a rebuild.
    """
    plans = [choose_plan(max(int(n_vectors * f), 1), size, settings) for f in (0.8, 1.25)]
    if plan.kind not in {other.kind for other in plans}:
        return True
    return plan.n_lists > 0 and n_vectors > 16 * (plan.n_lists / 4) ** 2 + 1000


def memory_bytes(kind: KindName, n_vectors: int, size: int) -> int:
    """The approximate memory of an index of n vectors, without exact vectors that stay on disk."""
    links = n_vectors * (2 * LINKS_PER_VECTOR + 4) * 4
    match kind:
        case "exact":
            return n_vectors * size * 4
        case "hnsw":
            return n_vectors * size * 4 + links
        case "hnsw-sq8":
            return n_vectors * size + links
        case "ivf-sq8":
            return n_vectors * (size + 8)
        case "ivf-pq":
            return n_vectors * (code_bytes(size) + 8)


def _kind_that_fits(n_vectors: int, size: int, allowed_bytes: int) -> KindName:
    if n_vectors <= MAX_EXACT_VECTORS:
        return "exact"
    order: tuple[KindName, ...] = ("hnsw-sq8", "ivf-sq8")
    for kind in order:
        if memory_bytes(kind, n_vectors, size) <= allowed_bytes:
            return kind
    return "ivf-pq"


def _n_lists(n_vectors: int) -> int:
    """About 4√n, as FAISS recommends, but with at least 39 training vectors per list."""
    return max(min(int(4 * n_vectors**0.5), n_vectors // 39), 1)


def code_bytes(size: int) -> int:
    """One byte for two dimensions if the size is even, otherwise one byte for each."""
    return size // 2 if size % 2 == 0 else size
