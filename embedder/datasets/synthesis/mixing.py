"""Mix parts into a stereo song: channels, then reverb, then the production of the whole."""

import numpy as np

from embedder.datasets.synthesis import effects
from embedder.datasets.synthesis.artists import Production
from embedder.datasets.synthesis.effects import Samples
from embedder.datasets.synthesis.score import Channel, Part, Sketch

_SIDE_DELAY_SECONDS = 0.013  # short enough to sound wide and not like an echo


def mix(
    parts: list[Part],
    sketch: Sketch,
    *,
    production: Production,
    n_samples: int,
    sample_rate: int,
    generator: np.random.Generator,
) -> Samples:
    """Return the finished song: `float32 [2, samples]`."""
    stereo = np.zeros((2, n_samples), dtype=np.float32)
    send = np.zeros(n_samples, dtype=np.float32)
    for part in parts:
        if part.notes:
            dry = play(part, sketch, n_samples, sample_rate=sample_rate, generator=generator)
            _through_channel(dry, part.channel, sketch, stereo, send, sample_rate)
    stereo += effects.reverberate(
        send,
        seconds=production.reverb_seconds,
        level=production.reverb_level,
        brightness=0.5 + production.high_db / 30,
        sample_rate=sample_rate,
    )
    stereo = effects.equalise(
        stereo, low_db=production.low_db, high_db=production.high_db, sample_rate=sample_rate
    )
    _fade(stereo, sample_rate)
    stereo = effects.levelled(stereo, production.loudness_db)
    stereo += _hiss(n_samples, production.hiss_db, sample_rate, generator)
    stereo -= stereo.mean(axis=1, keepdims=True, dtype=np.float64).astype(np.float32)
    return stereo


def play(
    part: Part,
    sketch: Sketch,
    n_samples: int,
    *,
    sample_rate: int,
    generator: np.random.Generator,
) -> Samples:
    """Play one part: `float32 [samples]`. Equal notes are rendered once and added repeatedly."""
    sound = np.zeros(n_samples, dtype=np.float32)
    rendered_notes: dict[tuple[int, float], Samples] = {}
    late = generator.normal(0, 0.004, len(part.notes)) * sample_rate  # human timing
    touch = generator.uniform(0.85, 1.15, len(part.notes))
    for number, note in enumerate(part.notes):
        first = max(0, int(sketch.seconds_at(note.start_beat) * sample_rate + late[number]))
        if first >= n_samples:
            continue
        key = (note.pitch, round(note.length_beats * 8) / 8 or 0.125)
        if key not in rendered_notes:
            seconds = key[1] * 60 / sketch.tempo_bpm
            rendered_notes[key] = part.instrument.note(note.pitch, seconds, sample_rate)
        note_samples = rendered_notes[key][: n_samples - first]
        sound[first : first + len(note_samples)] += note_samples * np.float32(
            note.velocity * touch[number]
        )
    return sound


def _through_channel(
    dry: Samples,
    channel: Channel,
    sketch: Sketch,
    stereo: Samples,
    send: Samples,
    sample_rate: int,
) -> None:
    """Add a part to the mix `stereo [2, samples]` and to the reverb's input `send`."""
    beat_samples = 60 / sketch.tempo_bpm * sample_rate
    if channel.drive > 0:
        dry = effects.distort(dry, channel.drive, sample_rate=sample_rate)
    if channel.tremolo_hz > 0:
        dry = effects.tremble(dry, channel.tremolo_hz, sample_rate)
    if channel.duck > 0:
        dry = effects.duck(dry, channel.duck, beat_samples)
    if channel.echo > 0:
        dry = effects.echo(dry, channel.echo, int(1.5 * beat_samples))
    dry = dry * np.float32(10 ** (channel.gain_db / 20))
    angle = (channel.pan + 1) * np.pi / 4  # equal power at every pan
    stereo[0] += dry * np.float32(np.cos(angle) * 2**0.5)
    stereo[1] += dry * np.float32(np.sin(angle) * 2**0.5)
    if channel.width > 0:
        late = int(_SIDE_DELAY_SECONDS * sample_rate)
        side = dry[:-late] * np.float32(0.7 * channel.width)
        stereo[0, late:] += side
        stereo[1, late:] -= side
    send += dry * np.float32(channel.send)


def _fade(stereo: Samples, sample_rate: int) -> None:
    """Fade in and out, so that neither end clicks."""
    n_in = min(stereo.shape[1], sample_rate // 200)
    n_out = min(stereo.shape[1], int(1.5 * sample_rate))
    stereo[:, :n_in] *= np.linspace(0, 1, n_in, dtype=np.float32)
    stereo[:, -n_out:] *= np.linspace(1, 0, n_out, dtype=np.float32) ** 2


def _hiss(
    n_samples: int, level_db: float, sample_rate: int, generator: np.random.Generator
) -> Samples:
    """Tape hiss: `float32 [2, samples]`, a loop of two seconds."""
    loop = generator.standard_normal((2, 2 * sample_rate), dtype=np.float32)
    loop *= np.float32(10 ** (level_db / 20))
    return np.tile(loop, -(-n_samples // loop.shape[1]))[:, :n_samples]
