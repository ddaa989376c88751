"""Playlist files: ours are read back, and those of other programs are understood."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedder.errors import BadInput, OutputExists, UnknownChoice, UsageError
from index.catalogue.records import TrackRecord
from index.playlists.files.files import format_playlist, parse_json, read_playlist, write_playlist
from index.playlists.files.m3u import format_m3u, parse_m3u
from index.playlists.files.xspf import format_xspf, parse_xspf

HERE = Path("/lists")
NAME_BYTES = st.binary(min_size=1, max_size=12).filter(
    lambda name: not {0, ord("/")} & set(name) and name not in (b".", b"..")
)
PATHS = st.lists(NAME_BYTES, min_size=1, max_size=4).map(
    lambda parts: os.fsdecode(b"/" + b"/".join(parts))
)
TEXTS = st.text(max_size=20)


def tracks_at(*paths: str) -> list[TrackRecord]:
    return [TrackRecord(number, path) for number, path in enumerate(paths, start=1)]


@pytest.mark.parametrize("format_and_parse", [(format_m3u, parse_m3u), (format_xspf, parse_xspf)])
@given(paths=st.lists(PATHS, max_size=5), title=TEXTS, artist=TEXTS, seconds=st.floats(0, 1e5))
def test_any_path_comes_back(format_and_parse, paths, title, artist, seconds) -> None:
    """Names of any bytes survive M3U and XSPF, whatever the tags beside them say."""
    write, parse = format_and_parse
    tracks = [TrackRecord(1, path, title, artist, duration_seconds=seconds) for path in paths]
    assert [entry.path for entry in parse(write(tracks), HERE)] == paths


@pytest.mark.parametrize("format_and_parse", [(format_m3u, parse_m3u), (format_xspf, parse_xspf)])
@given(paths=st.lists(PATHS, max_size=5))
def test_relative_paths_come_back(format_and_parse, paths) -> None:
    """What was written as seen from a folder is found again from that folder."""
    write, parse = format_and_parse
    data = write(tracks_at(*paths), relative_to=HERE)
    assert [entry.path for entry in parse(data, HERE)] == paths


@pytest.mark.parametrize("format_and_parse", [(format_m3u, parse_m3u), (format_xspf, parse_xspf)])
@pytest.mark.parametrize(
    "name", ["a:/b.mp3", "a:", "#b.mp3", "file:b.mp3", "x\\y.mp3", "\\\\x.mp3"]
)
@pytest.mark.parametrize("folder", ["/", "/lists/", "/lists/x"])
@pytest.mark.parametrize("relative_to", [None, HERE])
def test_names_like_drives_and_addresses_come_back(
    format_and_parse, name, folder, relative_to
) -> None:
    """A folder may be named as Windows names a drive, a file as an address begins."""
    write, parse = format_and_parse
    data = write(tracks_at(folder + name), relative_to=relative_to)
    assert [entry.path for entry in parse(data, HERE)] == [folder + name]


@given(paths=st.lists(PATHS, max_size=5))
def test_json_comes_back(paths) -> None:
    """A playlist saved as JSON is read back with the exact bytes of its paths."""
    document = {"tracks": [track.to_json() for track in tracks_at(*paths)]}
    data = format_playlist(".json", tracks_at(*paths), document=document)
    assert [entry.path for entry in parse_json(data, HERE)] == paths


def test_json_has_no_lone_surrogate() -> None:
    """A path that is not UTF-8 is escaped, and its bytes are in `location`."""
    path = os.fsdecode(b"/m/caf\xe9.mp3")
    document = {"tracks": [track.to_json() for track in tracks_at(path, "/m/b.mp3")]}
    data = format_playlist(".json", tracks_at(path, "/m/b.mp3"), document=document)
    first, second = json.loads(data)["tracks"]
    assert (first["path"], first["location"]) == ("/m/caf\\xe9.mp3", "file:///m/caf%E9.mp3")
    assert "location" not in second


def test_extinf_names_artist_title_and_length() -> None:
    """The remark above a path holds what players show."""
    track = TrackRecord(1, "/m/a.mp3", "Blue", "Ann", duration_seconds=243.4)
    data = format_m3u([track])
    assert b"#EXTINF:243,Ann - Blue\n/m/a.mp3\n" in data
    [entry] = parse_m3u(data, HERE)
    assert (entry.artist, entry.title, entry.duration_seconds) == ("Ann", "Blue", 243)


def test_a_part_of_a_file_comes_back_as_that_part() -> None:
    """Start and end stand beside the path, as players read them."""
    track = TrackRecord(1, "/m/live.flac", start_seconds=61.5, end_seconds=120.0)
    [entry] = parse_m3u(format_m3u([track]), HERE)
    assert (entry.start_seconds, entry.end_seconds) == (61.5, 120.0)


@pytest.mark.parametrize(
    ("data", "path"),
    [
        (b"\xef\xbb\xbf#EXTM3U\r\n#EXTINF:-1,x\r\n/m/a.mp3\r\n", "/m/a.mp3"),
        (b"sub/a.mp3\r\n", "/lists/sub/a.mp3"),
        (b"..\\Music\\a b.mp3\r\n", "/Music/a b.mp3"),
        (b"C:\\Music\\Ann\\a.mp3\r\n", "C:/Music/Ann/a.mp3"),
        (b"\\\\nas\\music\\a.mp3", "//nas/music/a.mp3"),
        (b"file:///m/a%20b.mp3", "/m/a b.mp3"),
        (b"file://localhost/m/%C3%A9.mp3", "/m/é.mp3"),
        (b"file:///C:/Music/a.mp3", "C:/Music/a.mp3"),
        ("/m/señor.mp3".encode("latin-1"), "/m/señor.mp3"),
        ("/m/señor.mp3".encode(), "/m/señor.mp3"),
        ("/m/“q”.mp3".encode("cp1252"), "/m/“q”.mp3"),
        ("#EXTM3U\n/m/ä.mp3\n".encode("utf-16"), "/m/ä.mp3"),
        (b"\r/m/old mac.mp3\r", "/m/old mac.mp3"),
        (b"# a remark\n\n  /m/a.mp3  \n", "/m/a.mp3"),
        (b"/m/back\\slash.mp3", "/m/back\\slash.mp3"),
    ],
)
def test_playlists_of_others_are_understood(data: bytes, path: str) -> None:
    """Marks, line ends, encodings, Windows paths, URIs and remarks of other programs."""
    assert [entry.path for entry in parse_m3u(data, HERE)] == [path]


def test_latin_1_bytes_that_name_a_file_stay_bytes(tmp_path: Path) -> None:
    """A file whose name is no UTF-8 is found by that name, not by what Latin-1 makes of it."""
    name = os.fsdecode("señor.mp3".encode("latin-1"))
    (tmp_path / name).write_bytes(b"")
    [entry] = parse_m3u(os.fsencode(name), tmp_path)
    assert entry.path == str(tmp_path / name)


def test_a_stream_is_no_file() -> None:
    """An address in a network stays as it is."""
    [entry] = parse_m3u(b"http://radio.example/stream\n", HERE)
    assert entry.is_stream
    assert entry.path == "http://radio.example/stream"


def test_xspf_of_others_is_understood() -> None:
    """Other prefixes, relative places and unknown elements are no trouble."""
    data = (
        b'<x:playlist xmlns:x="http://xspf.org/ns/0/" version="1"><x:trackList>'
        b"<x:track><x:location>a%20b.mp3</x:location><x:duration>61500</x:duration>"
        b"<x:creator>Ann</x:creator><x:album>One</x:album><x:mood>?</x:mood></x:track>"
        b"<x:track><x:title>no place</x:title></x:track></x:trackList></x:playlist>"
    )
    [entry] = parse_xspf(data, HERE)
    assert (entry.path, entry.artist, entry.album) == ("/lists/a b.mp3", "Ann", "One")
    assert entry.duration_seconds == 61.5


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.xspf", b"no xml", "not an XSPF playlist"),
        ("a.xspf", b'<!DOCTYPE x [<!ENTITY a "b">]><x/>', "entities"),
        ("a.json", b"{", "not JSON"),
        ("a.json", b'{"songs": []}', "under 'tracks'"),
        ("a.json", b'{"tracks": [{"title": "x"}]}', "without a path"),
    ],
)
def test_a_broken_playlist_is_bad_input(
    tmp_path: Path, name: str, data: bytes, message: str
) -> None:
    """The message names the file and what is wrong with it."""
    (tmp_path / name).write_bytes(data)
    with pytest.raises(BadInput, match=f"{name}: .*{message}"):
        read_playlist(tmp_path / name)


def test_a_missing_playlist_is_bad_input(tmp_path: Path) -> None:
    """No traceback for a name that is not there, nor for a folder."""
    with pytest.raises(BadInput, match="no such file"):
        read_playlist(tmp_path / "a.m3u8")
    with pytest.raises(BadInput, match="directory"):
        read_playlist(tmp_path)


def test_a_list_of_paths_is_a_playlist(tmp_path: Path) -> None:
    """JSON may hold bare paths, and a file of another name a path a line."""
    (tmp_path / "a.json").write_text('["/m/a.mp3", "b.mp3"]')
    (tmp_path / "recent.txt").write_text("/m/a.mp3\nb.mp3\n")
    expected = ["/m/a.mp3", str(tmp_path / "b.mp3")]
    for name in ("a.json", "recent.txt"):
        assert [entry.path for entry in read_playlist(tmp_path / name)] == expected


@pytest.mark.parametrize("suffix", [".m3u8", ".m3u", ".xspf", ".json"])
def test_a_playlist_is_replaced_only_by_force(tmp_path: Path, suffix: str) -> None:
    """The first playlist stays unless `force` is given."""
    path = tmp_path / "new" / f"a{suffix}"
    for number, force in ((1, False), (2, True)):
        tracks = tracks_at(f"/m/{number}.mp3")
        document = {"tracks": [track.to_json() for track in tracks]}
        if force:
            with pytest.raises(OutputExists, match="--force"):
                write_playlist(path, tracks, document=document)
        write_playlist(path, tracks, document=document, force=force)
        assert [entry.path for entry in read_playlist(path)] == [f"/m/{number}.mp3"]


def test_only_playlists_are_written(tmp_path: Path) -> None:
    """Another suffix lists those that there are; a folder is no playlist."""
    with pytest.raises(UnknownChoice, match=r"\.m3u8"):
        write_playlist(tmp_path / "a.mp3", [], document={})
    (tmp_path / "a.m3u8").mkdir()
    with pytest.raises(UsageError, match="a folder"):
        write_playlist(tmp_path / "a.m3u8", [], document={})
