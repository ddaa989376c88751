"""Labels of data sets in a library: where they come from, what they replace, how long they stay."""

import os
import shutil
from pathlib import Path

import pytest

from embedder.errors import DatasetError
from index.catalogue.where_sql import ids_where
from index.indexing.request import IndexOptions
from index.indexing.results import IndexReport
from index.library import Library
from index.library_folder.frames import library_frame
from tests.index.toy_encoder import ToyEncoder, tag_wav, write_wav

GOLDEN = Path(__file__).parents[2] / "golden" / "library_format_4"


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library.open_or_create(tmp_path / "library")


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """A folder for each of two labels, three files in each."""
    for number in range(6):
        write_wav(tmp_path / "sounds" / ("cat", "dog")[number % 2] / f"{number}.wav", number)
    return tmp_path / "sounds"


@pytest.fixture
def music(tmp_path: Path) -> Path:
    """Four files without tags in one folder."""
    for number in range(4):
        write_wav(tmp_path / "music" / f"{number}.wav", 10 + number)
    return tmp_path / "music"


def index(library: Library, folder: Path, *labels_from: Path, **options: object) -> IndexReport:
    options = {"labels_from": labels_from} | options if labels_from else options
    return library.index([folder], encoder=ToyEncoder(), options=IndexOptions(**options))


def table(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
    return path


def values(library: Library, field: str = "genre") -> dict[str, tuple[str, ...]]:
    """By the name of the file."""
    names = {track.id: Path(track.path).name for track in library.all_tracks()}
    return {names[key]: some for key, some in library.catalogue.field_values(field).items()}


def test_folders_become_genres(library: Library, folders: Path) -> None:
    """Each track has the label of its folder as a field like any other."""
    report = index(library, folders, folders)
    assert report.labels[0].fields == {"genre": 6}
    assert report.labels[0].n_unmatched == 0
    assert values(library)["0.wav"] == ("cat",)
    assert library.catalogue.fields()["genre"] == 6
    assert library.catalogue.field_names() == ["genre"]
    assert {track.genre for track in library.all_tracks()} == {"cat", "dog"}
    assert set(library_frame(library)["genre"]) == {"cat", "dog"}


def test_labels_can_be_filtered(library: Library, folders: Path) -> None:
    """`--where` knows them in each way of comparing."""
    index(library, folders, folders)
    cats = [track.id for track in library.all_tracks() if "/cat/" in track.path]
    assert ids_where(library.catalogue, "genre=CAT").tolist() == cats
    assert ids_where(library.catalogue, "genre!=dog").tolist() == cats
    assert ids_where(library.catalogue, "genre=cat or genre=cow").tolist() == cats


def test_a_table_brings_every_column(library: Library, music: Path, tmp_path: Path) -> None:
    """Columns become fields; cells with several labels, artist and split too."""
    labels = table(
        music / "tracks.csv",
        "path,Mood,tag,artist,split",
        "0.wav,calm,a;b,Ann,train",
        "1.wav,wild,b,Bob,test",
    )
    report = index(library, music, labels)
    assert values(library, "mood") == {"0.wav": ("calm",), "1.wav": ("wild",)}
    assert values(library, "tag")["0.wav"] == ("a", "b")
    assert values(library, "split") == {"0.wav": ("train",), "1.wav": ("test",)}
    assert library.tracks_named(str(music / "0.wav"))[0].artist == "Ann"
    assert report.labels[0].tracks == 2


def test_a_label_replaces_the_files_own_tag(library: Library, folders: Path) -> None:
    """In the same field the data set wins; other fields and tracks keep their tags."""
    path = folders / "cat" / "0.wav"
    tag_wav(path, genre="jazz", artist="Ann")
    other = write_wav(folders.parent / "more" / "7.wav", 7)
    tag_wav(other, genre="jazz")
    index(library, folders, folders)
    index(library, other.parent)
    track, another = library.tracks_named(str(path))[0], library.tracks_named(str(other))[0]
    assert (track.genre, track.artist) == ("cat", "Ann")
    assert values(library)["0.wav"] == ("cat",)
    assert ids_where(library.catalogue, "genre=jazz").tolist() == [another.id]
    assert library.catalogue.values_of("genre") == ["cat", "dog", "jazz"]


def test_labels_survive_retagging(library: Library, folders: Path) -> None:
    """New tags in the file change nothing about its label."""
    index(library, folders, folders)
    tag_wav(folders / "cat" / "0.wav", genre="jazz", title="New")
    assert index(library, folders).updated == 1
    assert values(library)["0.wav"] == ("cat",)
    assert library.tracks_named(str(folders / "cat" / "0.wav"))[0].title == "New"


def test_a_later_run_goes_on_with_the_data_set(library: Library, folders: Path) -> None:
    """Files that are added later get their labels without the option."""
    index(library, folders, folders)
    write_wav(folders / "cow" / "8.wav", 8)
    report = index(library, folders)
    assert values(library)["8.wav"] == ("cow",)
    assert report.labels[0].tracks == 7


def test_a_label_goes_with_its_entry(library: Library, music: Path) -> None:
    """A row that was taken out of the table, or changed, counts from the next run on."""
    labels = table(music / "tracks.csv", "path,genre", "0.wav,jazz", "1.wav,folk")
    index(library, music, labels)
    table(labels, "path,genre", "1.wav,rock")
    index(library, music)
    assert values(library) == {"1.wav": ("rock",)}


def test_a_moved_file_keeps_its_label(library: Library, music: Path, tmp_path: Path) -> None:
    """A table still means the track whose file has another path by now."""
    labels = table(tmp_path / "tracks.csv", "path,genre", "music/0.wav,jazz", "music/1.wav,folk")
    index(library, music, labels)
    (music / "deeper").mkdir()
    (music / "0.wav").rename(music / "deeper" / "renamed.wav")
    assert index(library, music).moved == 1
    assert values(library) == {"renamed.wav": ("jazz",), "1.wav": ("folk",)}


def test_a_file_in_another_labels_folder_changes_its_label(library: Library, folders: Path) -> None:
    """The folder that it is in now decides, not the one that it came from."""
    index(library, folders, folders)
    (folders / "cat" / "0.wav").rename(folders / "dog" / "0.wav")
    index(library, folders)
    assert values(library)["0.wav"] == ("dog",)


def test_the_same_layout_elsewhere_matches(library: Library, folders: Path, tmp_path: Path) -> None:
    """A copy of the data set's files has the labels of the files at the same relative paths."""
    copy = tmp_path / "copy"
    shutil.copytree(folders, copy)
    index(library, copy, folders)
    assert values(library)["1.wav"] == ("dog",)
    assert len(values(library)) == 6


def test_a_table_without_audio_matches_by_name(
    library: Library, music: Path, tmp_path: Path
) -> None:
    """A unique name is enough below the folders that were indexed for it, and nowhere else."""
    write_wav(tmp_path / "elsewhere" / "2.wav", 20)
    labels = table(tmp_path / "set" / "tracks.csv", "path,genre", "audio/2.mp3,jazz", "9.mp3,folk")
    report = index(library, music, labels)
    index(library, tmp_path / "elsewhere")
    assert values(library) == {"2.wav": ("jazz",)}
    assert len(library) == 5
    assert report.labels[0].n_unmatched == 1
    assert any("1 of its 2 tracks are not in the library" in note for note in report.notes)


def test_an_ambiguous_name_is_no_match(library: Library, music: Path, tmp_path: Path) -> None:
    """If two files have the name of an entry, neither gets its label."""
    write_wav(music / "twin" / "2.wav", 20)
    labels = table(tmp_path / "set" / "tracks.csv", "path,genre", "a/2.mp3,jazz", "a/3.mp3,folk")
    index(library, music, labels)
    assert values(library) == {"3.wav": ("folk",)}


def test_all_data_sets_can_be_forgotten(library: Library, folders: Path) -> None:
    """An empty list removes their labels; the files' own tags count again."""
    tag_wav(folders / "cat" / "0.wav", genre="jazz")
    index(library, folders, folders)
    report = index(library, folders, labels_from=())
    assert values(library) == {"0.wav": ("jazz",)}
    assert report.labels == ()
    assert library.report().label_sources == ()


def test_a_data_set_that_is_away_keeps_its_labels(library: Library, folders: Path) -> None:
    """An unplugged disk takes no label away, and the run says so."""
    copy = folders.parent / "copy"
    shutil.copytree(folders, copy)
    index(library, copy, folders)
    folders.rename(folders.parent / "unplugged")
    report = index(library, copy)
    assert len(values(library)) == 6
    assert any("stay as they were" in note for note in report.notes)


def test_own_tags_are_no_data_set(library: Library, music: Path) -> None:
    """A folder whose labels are tags is refused, before anything is analysed."""
    encoder = ToyEncoder()
    options = IndexOptions(labels_from=(music,))
    with pytest.raises(DatasetError, match="index reads anyway"):
        library.index([music], encoder=encoder, options=options)
    assert encoder.analysed_paths == []


def test_labels_are_offered_once(library: Library, folders: Path) -> None:
    """Folders without genre tags get one line with the command; a second run adds no other."""
    report = index(library, folders)
    assert [note for note in report.notes if "--labels-from" in note] == [
        f"no track of {folders} has a genre. To use cat, dog: "
        f"soundalike index {folders} --labels-from {folders}"
    ]
    assert index(library, folders).notes == ()


def test_the_sides_of_a_split_are_not_offered_as_labels(library: Library, tmp_path: Path) -> None:
    """Clips that are named as GTZAN's belong to its split; the offer names genres alone."""
    for number, name in enumerate(("jazz.00025", "pop.00010", "pop.00017")):
        write_wav(tmp_path / "clips" / f"{name}.wav", number)
    notes = index(library, tmp_path / "clips").notes
    assert [note.partition(" To use ")[2].partition(":")[0] for note in notes] == ["pop, jazz"]


def test_tagged_music_gets_no_offer(library: Library, folders: Path) -> None:
    """One genre among the tags is enough to see that the tags are in use."""
    tag_wav(folders / "cat" / "0.wav", genre="jazz")
    assert index(library, folders).notes == ()


def test_info_names_the_data_sets(library: Library, folders: Path) -> None:
    """The report has each data set with its layout, tracks and fields."""
    index(library, folders, folders)
    assert library.report().to_json()["label_sources"] == [
        {"dataset": str(folders), "layout": "folders", "tracks": 6, "fields": {"genre": 6}}
    ]


def test_a_library_of_format_4_keeps_its_labels(tmp_path: Path) -> None:
    """Data sets, their folders, links and labels come back as they were written."""
    shutil.copytree(GOLDEN, tmp_path / "old")
    with Library.open(tmp_path / "old", warn=pytest.fail) as old:
        first, second = old.catalogue.labels.sources()
        assert first.folders == (Path("/music"), Path("/more music"))
        assert second.path == Path(os.fsdecode(b"/data/\xff.csv"))
        assert old.catalogue.labels.tracks_of(1)[10].entry == "jazz/1.flac"
        assert old.catalogue.field_values("genre") == {10: ("swing",), 20: ("folk",)}
        assert old.catalogue.field_values("mood") == {20: ("wild",)}
        assert old.track(10).genre == "swing"
        assert old.verify() == []
