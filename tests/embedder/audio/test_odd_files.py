"""The files that real collections hold: each is read, or refused alone with one clear line."""

import logging
import os
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from embedder.audio.decoding import probe, read_stretches, read_whole
from embedder.audio.writing import write_audio
from embedder.errors import AudioError, MissingAudio, NotAnAudioFile, UnreadableAudio
from tests.embedder.audio_files import (
    RATE,
    flac_with_broken_frame,
    hours_of_mp3,
    m4a_with_chapters,
    mp3_with_giant_picture,
    mp3_without_length,
    tone,
    truncated,
    tune,
    video,
)


def middle_second(path: Path, *, sample_rate: int = 0) -> np.ndarray:
    """Read one second from the middle, float32 [samples]."""
    read = read_stretches(
        path, lambda seconds: [seconds / 2 - 0.5], seconds=1.0, sample_rate=sample_rate
    )
    return read.samples[0]


def refusal(path: Path, kind: type[AudioError]) -> str:
    """Ask for the file in all three ways; each gives the same line, which is returned."""
    lines = []
    for attempt in (probe, read_whole, middle_second):
        with pytest.raises(kind) as caught:
            attempt(path)
        lines.append(str(caught.value))
    assert len(set(lines)) == 1, lines
    assert "\n" not in lines[0]
    return lines[0]


def test_an_empty_file(tmp_path: Path) -> None:
    """Nothing in it is said as such."""
    path = tmp_path / "song.mp3"
    path.touch()
    assert refusal(path, NotAnAudioFile) == f"{path}: the file is empty"


def test_text_named_as_a_song(tmp_path: Path) -> None:
    """The name does not make it music."""
    path = tmp_path / "song.mp3"
    path.write_text("These are not the sounds you are looking for.\n" * 500)
    assert "not a format that FFmpeg reads" in refusal(path, NotAnAudioFile)


def test_random_bytes_named_as_a_song(tmp_path: Path) -> None:
    """Noise on the disk is refused, whatever frames FFmpeg believes to see in it."""
    path = tmp_path / "song.mp3"
    path.write_bytes(np.random.default_rng(1).bytes(200_000))
    with pytest.raises(AudioError):
        read_whole(path)


@pytest.mark.parametrize("text", ["#EXTM3U\nhttp://127.0.0.1:9/x.mp3\n", "ffconcat version 1.0\n"])
def test_a_playlist_named_as_a_song(tmp_path: Path, text: str) -> None:
    """It is not followed to other files or to the network."""
    path = tmp_path / "song.mp3"
    path.write_text(text)
    assert "a playlist" in refusal(path, NotAnAudioFile)


def test_a_truncated_mp3(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What is there is used; the debug log says how much that is."""
    path = tmp_path / "song.mp3"
    whole = tune(10.0)
    write_audio(path, whole, RATE)
    truncated(path, keep=0.4)
    with caplog.at_level(logging.DEBUG):
        read = read_stretches(path, lambda seconds: [seconds - 1.5], seconds=1.0)
    assert 3.5 < read.duration_seconds < 4.5
    assert "its header says 10.00 s, it has" in caplog.text
    first = round(read.starts_seconds[0] * RATE)
    assert np.corrcoef(read.samples[0], whole.mean(axis=0)[first : first + RATE])[0, 1] > 0.95


@pytest.mark.parametrize("name", ["a.flac", "a.ogg", "a.wav", "a.aac"])
def test_other_truncated_files(tmp_path: Path, name: str) -> None:
    """Formats that need nothing from their end are used as far as they go."""
    path = tmp_path / name
    if name == "a.aac":
        from tests.embedder.audio_files import aac_without_container

        aac_without_container(path, tune(8.0))
    else:
        write_audio(path, tune(8.0), RATE)
    truncated(path, keep=0.5)
    assert middle_second(path).std() > 0.05
    assert 3.0 < read_whole(path).duration_seconds < 5.0


def test_a_truncated_m4a(tmp_path: Path) -> None:
    """M4A has its table at the end: without it there is nothing to be read."""
    path = tmp_path / "song.m4a"
    write_audio(path, tune(5.0), RATE)
    truncated(path, keep=0.5)
    assert "cut off" in refusal(path, NotAnAudioFile)


def test_an_mp3_with_a_giant_picture(tmp_path: Path) -> None:
    """Thirty megabytes of cover before the music change nothing."""
    path = tmp_path / "song.mp3"
    mp3_with_giant_picture(path, tune(4.0), megabytes=30)
    info = probe(path)
    assert (info.duration_seconds, info.is_estimated) == (4.0, False)
    assert np.array_equal(middle_second(path), read_whole(path).samples[RATE * 3 // 2 :][:RATE])


@pytest.fixture
def endless_mp3(tmp_path: Path) -> Path:
    """16 s of a variable bit rate, without a length header."""
    path = tmp_path / "song.mp3"
    mp3_without_length(path, quiet_seconds=8, loud_seconds=8)
    return path


def test_an_mp3_without_a_length_says_so(endless_mp3: Path) -> None:
    """FFmpeg's guess, which is far off here, is marked as a guess."""
    info = probe(endless_mp3)
    assert info.is_estimated
    assert info.duration_seconds is not None
    assert abs(info.duration_seconds - 16) > 4


def test_an_mp3_without_a_length_is_measured(
    endless_mp3: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The measured length is used, and the debug log says it."""
    with caplog.at_level(logging.DEBUG):
        read = read_stretches(endless_mp3, lambda seconds: [0.8 * seconds], seconds=1.0)
    assert read.duration_seconds == pytest.approx(16, abs=0.2)
    assert "says no length, measured 16." in caplog.text


def test_seeking_is_exact_without_a_length(endless_mp3: Path) -> None:
    """A stretch has the samples that decoding the whole file gives."""
    read = read_stretches(endless_mp3, lambda seconds: [0.8 * seconds], seconds=1.0)
    first = round(read.starts_seconds[0] * RATE)
    whole = read_whole(endless_mp3)
    assert np.array_equal(read.samples[0], whole.samples[first : first + RATE])


def test_a_flac_with_a_broken_frame(tmp_path: Path) -> None:
    """The broken tenth of a second is silent, and what follows is not moved."""
    path = tmp_path / "song.flac"
    written = tune(8.0)
    flac_with_broken_frame(path, written)
    expected = written.mean(axis=0)
    read = read_whole(path).samples
    assert len(read) == len(expected)
    wrong = np.abs(read - expected) > 1e-3
    assert 0 < np.count_nonzero(wrong) < 0.5 * RATE
    assert not read[wrong].any()
    stretches = read_stretches(path, lambda _: [0.5, 3.5, 6.0], seconds=1.0)
    assert np.abs(stretches.samples[2] - expected[6 * RATE : 7 * RATE]).max() < 1e-3


def test_an_m4a_with_chapters(tmp_path: Path) -> None:
    """Chapters are a text track beside the sound, and are passed over."""
    path = tmp_path / "book.m4a"
    written = tune(6.0)
    m4a_with_chapters(path, written)
    expected = written.mean(axis=0)[round(2.5 * RATE) :][:RATE]
    read = read_stretches(path, lambda _: [2.5], seconds=1.0).samples[0]
    assert np.corrcoef(read, expected)[0, 1] > 0.95


@pytest.mark.parametrize("ending", ["mp4", "mkv", "avi"])
def test_a_video_with_sound(tmp_path: Path, ending: str) -> None:
    """The audio of a film is decoded, its pictures are not."""
    path = tmp_path / f"film.{ending}"
    video(path, np.stack([tone(440, 4.0), tone(440, 4.0)]), seconds=4.0)
    spectrum = np.abs(np.fft.rfft(middle_second(path)))
    assert abs(int(spectrum.argmax()) - 440) <= 1


def test_a_video_without_sound(tmp_path: Path) -> None:
    """A silent film is no music."""
    path = tmp_path / "film.mp4"
    video(path, None, seconds=1.0)
    assert refusal(path, NotAnAudioFile) == f"{path}: there is no audio in it"


@pytest.mark.parametrize(
    ("rate", "n_channels", "sample_format"),
    [(8000, 1, "int16"), (192000, 2, "int24"), (48000, 6, "int16"), (11025, 1, "float32")],
)
def test_unusual_rates_and_channels(
    tmp_path: Path, rate: int, n_channels: int, sample_format: str
) -> None:
    """8 kHz mono, 192 kHz at 24 bits, 5.1: the same tone is found at the model's rate."""
    path = tmp_path / "a.wav"
    samples = np.tile(tone(440, 3.0, rate=rate), (n_channels, 1))
    write_audio(path, samples, rate, sample_format=sample_format)
    assert probe(path).sample_rate == rate
    assert np.abs(middle_second(path, sample_rate=22050) - tone(440, 1.0, rate=22050)).max() < 1e-3


def test_surround_sound_is_mixed_without_the_bass_effects(tmp_path: Path) -> None:
    """Each of five channels counts a fifth; the sixth, for effects, does not count."""
    path = tmp_path / "a.flac"
    levels = np.array([0.1, 0.2, 0.3, 0.9, 0.4, 0.5], dtype=np.float32)  # the fourth is bass
    write_audio(path, np.repeat(levels[:, None], RATE, axis=1), RATE)
    assert read_whole(path).samples == pytest.approx(np.full(RATE, 0.3), abs=1e-3)


def test_digital_silence(tmp_path: Path) -> None:
    """Silence is read as zeros; whether it can be encoded is decided above."""
    path = tmp_path / "a.mp3"
    write_audio(path, np.zeros((2, 3 * RATE), dtype=np.float32), RATE)
    assert np.abs(middle_second(path)).max() < 1e-6


def test_values_that_are_no_numbers(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A few NaN and infinities become silence, and the debug log counts them."""
    path = tmp_path / "a.wav"
    samples = np.tile(tone(440, 2.0), (2, 1))
    samples[:, RATE : RATE + 3] = [[np.nan, np.inf, -np.inf], [0.0, -np.inf, 0.0]]
    samples[0, RATE + 10] = 1e30
    write_audio(path, samples, RATE, sample_format="float32")
    with caplog.at_level(logging.DEBUG):
        read = read_whole(path).samples
    assert np.isfinite(read).all()
    assert not read[RATE : RATE + 3].any()
    assert np.array_equal(read[:RATE], samples[0, :RATE])
    assert "4 samples" in caplog.text


def test_nothing_but_values_that_are_no_numbers(tmp_path: Path) -> None:
    """A file that is mostly NaN is refused."""
    path = tmp_path / "a.wav"
    samples = np.full((1, RATE), np.nan, dtype=np.float32)
    write_audio(path, samples, RATE, sample_format="float32")
    with pytest.raises(UnreadableAudio, match="44100 of 44100 samples are not numbers"):
        read_whole(path)


def test_a_clipped_float_file(tmp_path: Path) -> None:
    """Float samples over full scale keep their values: nothing wraps, nothing is cut."""
    path = tmp_path / "a.wav"
    samples = (8 * tone(440, 2.0))[None]
    write_audio(path, samples, RATE, sample_format="float32")
    assert np.array_equal(read_whole(path).samples, samples[0])


@pytest.mark.parametrize(
    "name",
    [
        "a\nb.mp3",
        "😀 – naïve.mp3",
        os.fsdecode(b"caf\xe9 \xff.mp3"),
        "http:x.mp3",
        "-i.mp3",
        "50%d #1?.mp3",
        " .mp3",
    ],
)
def test_unusual_names(tmp_path: Path, name: str) -> None:
    """A name is only a name; in a message it stays on one line and printable."""
    path = tmp_path / name
    write_audio(tmp_path / "plain.mp3", tune(2.0), RATE)
    (tmp_path / "plain.mp3").rename(path)
    assert len(middle_second(path)) == RATE
    path.write_bytes(b"")
    assert refusal(path, NotAnAudioFile).isprintable()


def test_a_directory_with_the_name_of_a_song(tmp_path: Path) -> None:
    """It is called what it is."""
    path = tmp_path / "song.mp3"
    path.mkdir()
    assert refusal(path, NotAnAudioFile) == f"{path}: it is a directory"


@pytest.mark.timeout(20)
def test_a_pipe_does_not_block(tmp_path: Path) -> None:
    """A FIFO without a writer is refused at once."""
    path = tmp_path / "song.mp3"
    os.mkfifo(path)
    assert "it is a pipe" in refusal(path, NotAnAudioFile)
    assert "it is a pipe" in refusal(Path("/dev/zero"), NotAnAudioFile)


def test_no_such_file(tmp_path: Path) -> None:
    """A missing file, and a link to one, are named as missing."""
    link = tmp_path / "link.mp3"
    link.symlink_to(tmp_path / "gone.mp3")
    for path in (tmp_path / "gone.mp3", link):
        assert "no such file" in refusal(path, MissingAudio)


def test_a_link_in_a_circle(tmp_path: Path) -> None:
    """The system's own refusals come out as one line, too."""
    path = tmp_path / "a.mp3"
    path.symlink_to(path)
    assert "reading failed" in refusal(path, UnreadableAudio)


def test_no_permission(tmp_path: Path) -> None:
    """A file that may not be read is refused with that reason, also by another user's process."""
    path = tmp_path / "song.wav"
    write_audio(path, tune(1.0), RATE)
    path.chmod(0)
    if os.geteuid() != 0:
        assert "no permission" in refusal(path, UnreadableAudio)
        return
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.getuid() and "pytest" in folder.name:
            folder.chmod(0o755)
    source = f"""
        import os
        from pathlib import Path
        from embedder.audio.decoding import read_whole
        from embedder.errors import UnreadableAudio
        os.setuid(65534)  # nobody: root may read everything
        try:
            read_whole(Path({str(path)!r}))
        except UnreadableAudio as error:
            print(error)
    """
    assert run_python(source).strip() == f"{path}: no permission to read it"


def test_a_file_that_vanishes_while_it_is_read(tmp_path: Path) -> None:
    """Each attempt gives sound or an AudioError, never anything else."""
    path = tmp_path / "song.mp3"
    write_audio(path, tune(4.0), RATE)
    content = path.read_bytes()
    stop = threading.Event()

    def come_and_go() -> None:
        while not stop.is_set():
            path.unlink(missing_ok=True)
            time.sleep(0.001)
            path.write_bytes(content)
            time.sleep(0.001)

    other = threading.Thread(target=come_and_go)
    other.start()
    outcomes = set()
    try:
        for _ in range(150):
            try:
                outcomes.add(type(middle_second(path)))
            except AudioError as error:
                outcomes.add(type(error))
    finally:
        stop.set()
        other.join()
    assert MissingAudio in outcomes


def test_a_file_that_vanishes_during_its_plan(tmp_path: Path) -> None:
    """An open file stays readable; where it must be opened again, it is named as missing."""
    path = tmp_path / "song.mp3"
    write_audio(path, tune(4.0), RATE)

    def plan(_: float) -> list[float]:
        path.unlink()
        return [2.0, 0.0]

    read = read_stretches(path, plan, seconds=0.5)
    assert read.n_read == (RATE // 2, RATE // 2)


def test_threads_do_not_disturb_each_other(tmp_path: Path) -> None:
    """Four threads read good and bad files at once and get what one thread gets."""
    paths = [tmp_path / f"{i}.mp3" for i in range(4)]
    for seed, path in enumerate(paths):
        write_audio(path, tune(3.0, seed=seed), RATE)
    bad = tmp_path / "bad.mp3"
    bad.write_text("no music" * 1000)
    alone = [middle_second(path) for path in paths]

    def attempt(number: int) -> bool:
        if number % 5 == 4:
            with pytest.raises(NotAnAudioFile):
                middle_second(bad)
            return True
        return np.array_equal(middle_second(paths[number % 5]), alone[number % 5])

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(attempt, range(60)))


def test_ffmpeg_keeps_quiet(tmp_path: Path) -> None:
    """Damaged files put nothing on stderr or stdout of the process."""
    path = tmp_path / "song.flac"
    flac_with_broken_frame(path, tune(5.0))
    cut = tmp_path / "cut.mp3"
    write_audio(cut, tune(5.0), RATE)
    truncated(cut, keep=0.5)
    text = tmp_path / "text.mp3"
    text.write_text("no music" * 1000)
    source = f"""
        from pathlib import Path
        from embedder.audio.decoding import read_stretches, read_whole
        from embedder.errors import AudioError
        for name in ({str(path)!r}, {str(cut)!r}, {str(text)!r}):
            try:
                read_whole(Path(name))
                read_stretches(Path(name), lambda seconds: [seconds * 0.5], seconds=1.0)
            except AudioError:
                pass
    """
    assert run_python(source) == ""


def test_ten_hours_in_little_memory(tmp_path: Path) -> None:
    """Excerpts of a ten-hour MP3 without any header stay under 400 MB, all over the file."""
    path = tmp_path / "long.mp3"
    hours_of_mp3(path, hours=10)
    source = f"""
        import sys
        from pathlib import Path
        import resource
        from embedder.audio.decoding import read_stretches
        read = read_stretches(
            Path({str(path)!r}), lambda s: [s * i / 10 for i in range(10)], seconds=3.0
        )
        if sys.platform == "linux":  # ru_maxrss is inherited from the parent process
            status = Path("/proc/self/status").read_text()
            peak = int(status.split("VmHWM:")[1].split()[0]) / 1024
        else:
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(read.duration_seconds, min(read.n_read), read.samples.std(axis=1).min(), peak)
    """
    duration_seconds, n_read, quietest, peak_megabytes = map(float, run_python(source).split())
    assert duration_seconds == pytest.approx(36000, rel=0.01)
    assert n_read == 3 * 8000
    assert quietest > 0.05
    assert peak_megabytes < 400


def test_too_long_to_be_read_at_once(tmp_path: Path) -> None:
    """`read_whole` refuses what would fill the memory, and says the limit."""
    path = tmp_path / "a.wav"
    write_audio(path, tune(3.0, rate=8000), 8000)
    with pytest.raises(UnreadableAudio, match=r"longer than 0\.04 minutes"):
        read_whole(path, max_seconds=2.4)
    assert read_whole(path, max_seconds=3.0).duration_seconds == 3.0


def test_every_truncation_is_survived(tmp_path: Path) -> None:
    """Cut anywhere, a file gives sound or an AudioError; more bytes never give less sound."""
    path = tmp_path / "a.mp3"
    write_audio(path, tune(1.0), RATE)
    whole = path.read_bytes()
    lengths = []
    for n_bytes in range(0, len(whole), 997):
        path.write_bytes(whole[:n_bytes])
        try:
            lengths.append(read_whole(path).duration_seconds)
        except AudioError:
            lengths.append(0.0)
    assert all(less <= more for less, more in pairwise(lengths))
    assert lengths[-1] > 0.9


def run_python(source: str) -> str:
    """Run a script in a process of its own; return its stdout and stderr."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(source)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
    )
    return done.stdout + done.stderr
