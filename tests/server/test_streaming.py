"""Songs and covers in the form that a player asks for."""

import asyncio
import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import psutil
import pytest
from PIL import Image
from starlette.testclient import TestClient

from embedder.audio.stream_formats import Transcoding
from embedder.audio.writing import write_audio
from soundalike.server.rest import transcoding
from soundalike.server.rest.replies import SubsonicError
from soundalike.server.rest.transcoding import TranscodedSong, Transcoders
from soundalike.server.settings import ServerSettings
from tests.server.conftest import client_of

PASSWORD = "for-players"  # noqa: S105 - of a test
SECONDS = 4.0


@pytest.fixture
def rest(settings: ServerSettings) -> Iterator[TestClient]:
    """A player that logs in with each request."""
    with client_of(replace(settings, player_password=PASSWORD)) as client:
        client.params = {"u": "soundalike", "p": PASSWORD, "c": "test", "v": "1.16.1", "f": "json"}
        yield client


@pytest.fixture
def original(served_folder: Path) -> bytes:
    return (served_folder / "music" / "02.flac").read_bytes()


def decoded(data: bytes) -> tuple[str, float]:
    """The codec of a stream, and how long it is when all of it is decoded."""
    with av.open(io.BytesIO(data)) as container:
        stream = container.streams.audio[0]
        n_samples = sum(frame.samples for frame in container.decode(stream))
        return stream.codec_context.name, n_samples / stream.codec_context.sample_rate


@pytest.mark.parametrize(
    ("name", "codec", "media_type"),
    [
        ("mp3", "mp3float", "audio/mpeg"),
        ("opus", "opus", "audio/ogg"),
        ("aac", "aac", "audio/aac"),
    ],
)
def test_a_song_is_sent_in_another_format(
    rest: TestClient, name: str, codec: str, media_type: str
) -> None:
    """The whole song arrives, in the format that was asked for."""
    answer = rest.get("/rest/stream", params={"id": "tr-3", "format": name})
    assert answer.headers["content-type"] == media_type
    sent_codec, seconds = decoded(answer.content)
    assert sent_codec == codec
    assert seconds == pytest.approx(SECONDS, abs=0.15)


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"format": "raw", "maxBitRate": 32},
        {"format": "flac"},
        {"format": "unknown"},
        {"maxBitRate": 5000},
        {"maxBitRate": 0},
    ],
)
def test_the_file_is_sent_if_it_fits(
    rest: TestClient, original: bytes, parameters: dict[str, Any]
) -> None:
    """Without a wish, with one that the file fulfils, or with `raw`, the file comes as it is."""
    answer = rest.get("/rest/stream", params={"id": "tr-3", **parameters})
    assert answer.content == original


def test_a_bit_rate_is_kept(rest: TestClient, original: bytes) -> None:
    """A lower bit rate than the file's makes an MP3 of that rate."""
    data = rest.get("/rest/stream", params={"id": "tr-3", "maxBitRate": 64}).content
    codec, seconds = decoded(data)
    assert codec == "mp3float"
    assert len(data) * 8 / seconds / 1000 == pytest.approx(64, rel=0.1)


def test_a_song_starts_later(rest: TestClient) -> None:
    """`timeOffset` leaves out the beginning, as the extension transcodeOffset says."""
    extensions = rest.get("/rest/getOpenSubsonicExtensions").json()["subsonic-response"]
    assert {"name": "transcodeOffset", "versions": [1]} in extensions["openSubsonicExtensions"]
    data = rest.get("/rest/stream", params={"id": "tr-3", "format": "mp3", "timeOffset": 3}).content
    assert decoded(data)[1] == pytest.approx(1.0, abs=0.15)


def test_a_head_request_starts_nothing(rest: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """The type is told without a child process."""
    monkeypatch.setattr(transcoding, "MAX_STREAMS", 0)
    answer = rest.head("/rest/stream", params={"id": "tr-3", "format": "mp3"})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "audio/mpeg")


@pytest.mark.parametrize("name", ["mp3", "opus", "aac"])
def test_the_length_is_told_before_if_a_player_asks(rest: TestClient, name: str) -> None:
    """`estimateContentLength`: so many bytes come, the whole song and zeros after it."""
    wish = {"id": "tr-3", "format": name, "estimateContentLength": "true"}
    answer = rest.get("/rest/stream", params=wish)
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert decoded(answer.content.rstrip(b"\0"))[1] == pytest.approx(SECONDS, abs=0.15)
    assert rest.head("/rest/stream", params=wish).headers["content-length"] == str(
        len(answer.content)
    )
    assert (
        "content-length"
        not in rest.get(
            "/rest/stream", params=wish | {"format": "flac"} | {"timeOffset": 1}
        ).headers
    )
    assert (
        "content-length"
        not in rest.get("/rest/stream", params={"id": "tr-3", "format": name}).headers
    )


def test_a_stream_is_cut_or_filled_to_its_length(rest: TestClient, long_song: Path) -> None:
    """Whatever the encoder makes, the announced number of bytes is sent."""
    for length in (1000, 200_000, 2_000_000):
        song = TranscodedSong(
            Transcoders(), long_song, Transcoding("mp3", kbps=32), form="xml", length=length
        )
        sent = [message.get("body", b"") for message in _ask(song, leaves=False)]
        assert sum(map(len, sent)) == length


@pytest.fixture
def long_song(tmp_path: Path) -> Path:
    """A song of a minute, whose stream does not fit into the pipes."""
    tone = np.sin(np.arange(60 * 44100, dtype=np.float32) / 10)
    write_audio(tmp_path / "long.wav", 0.1 * tone[None], 44100)
    return tmp_path / "long.wav"


def _ask(song: TranscodedSong, *, leaves: bool) -> list[dict[str, Any]]:
    """The messages to a player that leaves after the first chunk, or stays."""
    messages: list[dict[str, Any]] = []
    gone = asyncio.Event()

    async def receive() -> dict[str, Any]:
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        messages.append(message)
        if leaves and message.get("body"):
            gone.set()
            await asyncio.sleep(60)

    scope = {"type": "http", "method": "GET", "asgi": {"version": "3.0", "spec_version": "2.3"}}
    asyncio.run(asyncio.wait_for(song(scope, receive, send), 30))
    return messages


def test_a_player_that_goes_ends_the_child(long_song: Path) -> None:
    """No process is left when nobody listens any more."""
    before = set(psutil.Process().children())
    transcoders = Transcoders()
    song = TranscodedSong(transcoders, long_song, Transcoding("mp3", 320), form="json")
    assert _ask(song, leaves=True)[0]["status"] == 200
    assert transcoders.n_running == 0
    assert set(psutil.Process().children()) <= before


def test_a_stalled_player_ends_the_child(long_song: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A player that does not read keeps a child only for so long."""
    monkeypatch.setattr(transcoding, "STALLED_SECONDS", 0.05)
    transcoders = Transcoders()

    async def stalled() -> int:
        transcoder = await transcoders.started(long_song, Transcoding("mp3", 320))
        chunks = transcoder.chunks(await transcoder.read())
        await anext(chunks)
        await asyncio.sleep(0.3)
        n_running = transcoders.n_running
        await chunks.aclose()  # type: ignore[attr-defined]  # it is a generator
        return n_running

    assert asyncio.run(stalled()) == 0


def test_a_child_that_has_sent_all_gets_no_signal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends by itself: a signal would make asyncio complain of an unknown process."""
    write_audio(tmp_path / "short.wav", np.zeros((1, 8000), np.float32), 8000)
    signals: list[str] = []
    kill = asyncio.subprocess.Process.kill
    monkeypatch.setattr(
        asyncio.subprocess.Process, "kill", lambda self: (signals.append("kill"), kill(self))
    )

    async def sent() -> int:
        transcoders = Transcoders()
        transcoder = await transcoders.started(tmp_path / "short.wav", Transcoding("mp3"))
        async for _ in transcoder.chunks(await transcoder.read()):
            pass
        return transcoders.n_running

    assert asyncio.run(sent()) == 0
    assert signals == []


def test_a_damaged_song_is_an_error_of_the_protocol(tmp_path: Path) -> None:
    """If nothing can be decoded, the player gets an error and no empty song."""
    (tmp_path / "x.flac").write_bytes(b"fLaC" + bytes(2000))
    song = TranscodedSong(Transcoders(), tmp_path / "x.flac", Transcoding("mp3"), form="json")
    messages = _ask(song, leaves=False)
    assert b"cannot be converted" in b"".join(m.get("body", b"") for m in messages)


def test_the_number_of_children_is_limited(tmp_path: Path) -> None:
    """One player cannot start as many as it likes."""
    transcoders = Transcoders()
    transcoders.n_running = transcoding.MAX_STREAMS
    with pytest.raises(SubsonicError, match="too many songs"):
        asyncio.run(transcoders.started(tmp_path / "x.mp3", Transcoding("mp3")))


def test_a_cover_has_the_size_that_is_asked(rest: TestClient) -> None:
    """A large picture is made smaller, and a small one stays."""
    for size, side in ((60, 60), (1000, 300)):
        answer = rest.get("/rest/getCoverArt", params={"id": "tr-6", "size": size})
        with Image.open(io.BytesIO(answer.content)) as picture:
            assert max(picture.size) == side
            assert picture.width == picture.height * 3 / 2
