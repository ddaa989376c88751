"""What is shown beside the tracks of a playlist that is ordered for mixing."""

from collections.abc import Sequence

from index.catalogue.records import TrackRecord
from index.library_folder.open_library import OpenLibrary
from index.playlists.ways.mixing import MIX_FIELDS

NOT_MEASURED = (
    "Nothing has been measured in this library, so the order follows the sound alone. Run "
    "'soundalike index' with the folders of your music to measure tempo, key and energy."
)


def mix_values(library: OpenLibrary, tracks: Sequence[TrackRecord]) -> list[dict[str, str]]:
    """What is measured of each track, to show beside it."""
    by_field = {name: library.catalogue.field_values(f"measured.{name}") for name in MIX_FIELDS}
    return [
        {name: values[track.id][0] for name, values in by_field.items() if track.id in values}
        for track in tracks
    ]
