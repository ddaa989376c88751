"""Artists from credits: who made a track, by the names that its tags give.

    George S. Clinton & Morphine      Morphine, if another track is by Morphine alone
    Beck; Beth Orton · A feat. B      two artists each, always
    Simon & Garfunkel · AC/DC         one artist, unless a part of the name has tracks of its own

Letter case, accents, spaces, punctuation and a leading "The" do not count, and "&" is "and".
MusicBrainz ids decide if tags have them. Pure: names in, sets of keys out.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

STRONG = re.compile(
    r"\s*[;\0]\s*|\s*[(\[]\s*(?:feat|ft|featuring|vs|with)\b\.?\s*|\s+(?:feat|ft|featuring|vs)\b\.?\s+",
    re.IGNORECASE,
)
"""These always separate artists."""
WEAK = re.compile(r"\s*[,/&]\s*|\s+(?:and|with|x|×)\s+", re.IGNORECASE)
"""These separate artists if a part is an artist elsewhere; otherwise they belong to the name. A
single comma needs two such parts: it may stand before a first name."""
_SEPARATES = re.compile(r"[;\0,/&(\[]|\s(?:feat|ft|featuring|vs|and|with|x|×)\b", re.IGNORECASE)
"""What a name that certainly is one artist's lacks: most names, which are then quick to read."""
MOST_PARTS = 40
"""A longer list of names is split at every weak separator."""
MUSICBRAINZ_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
NOBODY_IDS = frozenset(
    {"89ad4ac3-39f7-470e-963a-56509c546377", "125ec42a-7229-4250-afc5-e057484327fe"}
)
"""The MusicBrainz ids of "Various Artists" and "[unknown]"."""
_NOBODY_NAMES = (
    "various|various artists|various artist|various performers|va|unknown|unknown artist|none|"
    "verschiedene|verschiedene interpreten|verschiedene künstler|diverse|diverse interpreten|"
    "diverse künstler|unbekannt|unbekannter künstler|unbekannter interpret|"
    "divers|artistes divers|artistes variés|multi-artistes|artiste inconnu|inconnu|"
    "varios|varios artistas|varios intérpretes|artistas varios|artista desconocido|desconocido|"
    "vários|vários artistas|vários intérpretes|artista desconhecido|desconhecido|"
    "aa.vv.|artisti vari|vari artisti|autori vari|artista sconosciuto|sconosciuto|"
    "diverse artiesten|diverse uitvoerenden|onbekende artiest|"
    "diverse artister|diverse kunstnere|blandade artister|okänd artist|ukendt kunstner|"
    "ukjent artist|eri esittäjiä|tuntematon esittäjä|różni wykonawcy|nieznany wykonawca|"
    "různí interpreti|neznámý interpret|különböző előadók|ismeretlen előadó|"
    "çeşitli sanatçılar|bilinmeyen sanatçı|различные исполнители|разные исполнители|"
    "сборник|неизвестный исполнитель|неизвестен|群星|合輯|未知艺术家|未知藝人|"
    "オムニバス|ヴァリアス・アーティスト|不明なアーティスト|アーティスト不明|여러 아티스트|"
    "알 수 없는 아티스트"
)
_WITHOUT_PARTS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "æ": "ae", "œ": "oe", "þ": "th", "ı": "i"}
)
"""Letters with a stroke and ligatures, which Unicode does not take apart."""
_LATIN_ACCENTS = re.compile("[\u0300-\u036f]")
_ASCII_LETTERS_ALONE = {code: None for code in range(128) if not chr(code).isalnum()}
_LAST_THE = re.compile(r",\s*the$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Credit:
    """One credit of a track or an album, as its tags give it."""

    names: tuple[str, ...]
    """The values of the tag: one name, which may name several artists, or a list of them."""
    ids: tuple[str, ...] = ()
    """MusicBrainz ids of its artists."""
    is_list: bool = False
    """Whether each value is one artist, because the tag has several or is a list of artists."""


class ArtistBook:
    """Decides which artists a credit names, by all credits of a library."""

    def __init__(self, library: Iterable[Credit]) -> None:
        distinct = set(library)
        self._standing: set[str] = set()
        self._whole: set[str] = set()
        self._ids_of: dict[str, frozenset[str]] = {}
        self._parts: dict[str, tuple[str, ...]] = {}
        for credit in distinct:
            self._note(credit)
        self._link({credit for credit in distinct if credit.ids})

    def artists_of(self, track_credits: Iterable[Credit]) -> frozenset[str]:
        """The keys of all artists of some credits; empty if they name nobody."""
        return frozenset(key for credit in track_credits for key in self._keys_of(credit))

    def parts(self, name: str) -> tuple[str, ...]:
        """The names of single artists in a name, in their order, without "Various Artists"."""
        parts = self._parts.get(name)
        if parts is None and not _SEPARATES.search(name):
            parts = self._parts[name] = (name.strip(),) if is_artist(name) else ()
        if parts is None:
            all_parts = (part for piece in strong_parts(name) for part in self._split(piece))
            parts = tuple(part for part in all_parts if is_artist(part))
            self._parts[name] = parts
        return parts

    def _note(self, credit: Credit) -> None:
        """Note the names that stand alone, and those that are one artist for certain."""
        if not credit.ids and not credit.is_list and not _SEPARATES.search(credit.names[0]):
            self._standing.add(fold_name(credit.names[0]))
            return
        for name in credit.names:
            pieces = strong_parts(name)
            self._standing.update(filter(None, map(fold_name, pieces)))
            if len(pieces) == 1 and len(_ids_in(credit)) == 1 and not credit.is_list:
                self._whole.add(fold_name(name))
        if credit.is_list:
            values = {fold_name(name) for name in credit.names}
            self._whole |= {
                fold_name(name)
                for name in credit.names
                if not any(fold_name(part) in values for part in WEAK.split(name)[:MOST_PARTS])
            }

    def _split(self, piece: str) -> Iterator[str]:
        """Split at weak separators beside the longest run of parts that stands alone."""
        cuts = list(WEAK.finditer(piece))
        if not cuts or fold_name(piece) in self._whole:
            yield piece
            return
        if len(cuts) >= MOST_PARTS:
            yield from filter(None, WEAK.split(piece))
            return
        starts = [0, *(cut.end() for cut in cuts)]
        ends = [*(cut.start() for cut in cuts), len(piece)]
        n_parts = len(starts)
        if [cut[0].strip() for cut in cuts] == [","]:  # "Beck, Jeff" is not by Beck
            both = (piece[: ends[0]], piece[starts[1] :])
            is_pair = all(fold_name(part) in self._standing for part in both)
            yield from both if is_pair else (piece,)
            return
        for length in range(n_parts - 1, 0, -1):
            for first in range(n_parts - length + 1):
                run = piece[starts[first] : ends[first + length - 1]]
                if fold_name(run) in self._standing and is_artist(run):
                    if first:
                        yield from self._split(piece[: ends[first - 1]])
                    yield from self._split(run)
                    if first + length < n_parts:
                        yield from self._split(piece[starts[first + length] :])
                    return
        yield piece

    def _keys_of(self, credit: Credit) -> set[str]:
        ids = _ids_in(credit)
        keys = set(ids)
        for key in self._name_keys(credit):
            linked_ids = self._ids_of.get(key, frozenset())
            if not linked_ids:
                keys.add(key)
            elif not ids:
                keys |= linked_ids
        return keys

    def _name_keys(self, credit: Credit) -> set[str]:
        """The folded names of a credit; with as many ids as parts, each part is an artist."""
        n_ids = len(_ids_in(credit))
        if n_ids > 1 and not credit.is_list:
            pieces = [part for piece in strong_parts(credit.names[0]) for part in WEAK.split(piece)]
            if len(pieces) == n_ids:
                return {fold_name(piece) for piece in pieces if is_artist(piece)}
        return {fold_name(part) for name in credit.names for part in self.parts(name)}

    def _link(self, with_ids: Collection[Credit]) -> None:
        """Learn the ids of names: of one name with one id, then of the last one of each credit."""
        pairs = [(self._name_keys(credit), _ids_in(credit)) for credit in with_ids]
        while True:
            links: dict[str, set[str]] = {}
            for keys, ids in pairs:
                if len(keys) != len(ids):
                    continue
                unlinked = [key for key in keys if not self._ids_of.get(key, frozenset()) & ids]
                linked_now = {i for key in keys for i in self._ids_of.get(key, frozenset())}
                left = ids - linked_now
                if len(unlinked) == len(left) == 1:
                    links.setdefault(unlinked[0], set()).update(left)
            if not links:
                return
            for key, new_ids in links.items():
                self._ids_of[key] = self._ids_of.get(key, frozenset()) | new_ids


def strong_parts(name: str) -> list[str]:
    """A name split where the separator leaves no doubt: `;`, `feat.`, `ft.`, `featuring`, `vs.`"""
    pieces = []
    for piece in STRONG.split(name):
        text = _LAST_THE.sub("", piece.strip())
        if text.endswith((")", "]")) and not re.search(r"[(\[]", text):
            text = text[:-1].rstrip()  # the end of "(feat. …)"
        if text:
            pieces.append(text)
    return pieces


def is_artist(name: str) -> bool:
    """Whether a name is that of an artist; "Various Artists" and "Unknown" are not."""
    key = fold_name(name)
    return bool(key) and key not in NOBODY


@lru_cache(maxsize=262_144)
def fold_name(name: str) -> str:
    """A name without letter case, accents, spaces, punctuation and a leading "The"; & is "and"."""
    text = name.strip().casefold().replace("&", "and")
    if text.endswith("the"):
        text = _LAST_THE.sub("", text)
    if text.startswith("the ") and text != "the the":
        text = text[4:]
    if not text.isascii():
        text = _LATIN_ACCENTS.sub("", unicodedata.normalize("NFKD", text)).casefold()
        text = text.translate(_WITHOUT_PARTS)
        letters = "".join(c for c in text if unicodedata.category(c)[0] in "LNM")
    else:
        letters = text.translate(_ASCII_LETTERS_ALONE)
    return letters or "".join(text.split())  # "!!!" is a band


NOBODY = frozenset(map(fold_name, _NOBODY_NAMES.split("|")))


def _ids_in(credit: Credit) -> frozenset[str]:
    if not credit.ids:
        return frozenset()
    ids = (match.lower() for text in credit.ids for match in MUSICBRAINZ_ID.findall(text))
    return frozenset(ids) - NOBODY_IDS
