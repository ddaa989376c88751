"""Everything that can be wrong with a microphone is one sentence that says what to do."""

import sys
from itertools import islice
from typing import Any

import numpy as np
import pytest

from embedder.errors import DeviceError, MissingExtra, UnknownChoice
from soundalike.live.sources.microphone import Microphone
from soundalike.live.sources.portaudio import (
    INVALID_DEVICE,
    UNAVAILABLE,
    WRONG_CHANNELS,
    WRONG_RATE,
    choose_device,
    list_devices,
)
from soundalike.live.windows import WindowGrid, Windows
from tests.live import fake_sounddevice
from tests.live.fake_sounddevice import FakeSounddevice


def use(monkeypatch: pytest.MonkeyPatch, **options: Any) -> FakeSounddevice:
    """Let the fake be the package."""
    fake = FakeSounddevice(**options)
    monkeypatch.setitem(sys.modules, "sounddevice", fake)
    return fake


def windows_of(microphone: Microphone) -> Windows:
    """Windows of 0.2 s."""
    return Windows(microphone, WindowGrid.of_seconds(0.2, 0.1, sample_rate=8000))


def test_devices_with_an_input_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A loudspeaker is none of them; the default one is marked."""
    use(monkeypatch)
    devices = list_devices()
    assert [(d.number, d.name, d.is_default) for d in devices] == [
        (1, "Built-in Mic", True),
        (2, "USB Mic", False),
    ]


@pytest.mark.parametrize(("text", "number"), [("", 1), ("2", 2), ("usb", 2), ("built-in mic", 1)])
def test_a_device_is_chosen_by_number_or_name(
    monkeypatch: pytest.MonkeyPatch, text: str, number: int
) -> None:
    """A part of the name is enough."""
    use(monkeypatch)
    assert choose_device(text).number == number


@pytest.mark.parametrize("text", ["7", "radio"])
def test_an_unknown_device_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """The message lists the devices."""
    use(monkeypatch)
    with pytest.raises(UnknownChoice, match="USB Mic"):
        choose_device(text)


def test_a_machine_without_a_microphone_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """No device, or none with an input: the message names the other sources."""
    for devices in ([], FakeSounddevice().devices[:1]):
        use(monkeypatch, devices=devices)
        with pytest.raises(DeviceError, match=r"no device with an input.*--file"):
            Microphone()


def test_a_missing_portaudio_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the library, importing sounddevice is an OSError; without the package, an extra."""

    class Broken:
        def find_spec(self, name: str, *_: object) -> None:
            if name == "sounddevice":
                raise OSError("PortAudio library not found")

    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Broken(), *sys.meta_path])
    monkeypatch.setattr(sys, "platform", "linux")
    with pytest.raises(DeviceError, match="apt install libportaudio2"):
        Microphone()
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(MissingExtra, match="live"):
        Microphone()


def test_sound_is_recorded_as_the_mean_of_two_channels(monkeypatch: pytest.MonkeyPatch) -> None:
    """The device's own rate is asked for; blocks arrive as mono."""
    fake = use(monkeypatch)
    microphone = Microphone()
    block = next(microphone.blocks())
    microphone.close()
    assert block.shape == (400,)
    np.testing.assert_allclose(block, 0.1)
    assert fake.opened[0]["samplerate"] == 44100
    assert (fake.opened[0]["device"], fake.opened[0]["channels"]) == (1, 2)


def test_broken_samples_of_a_device_become_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Values that are not numbers, or absurdly loud, do not reach levels and models."""
    use(monkeypatch)
    monkeypatch.setattr(fake_sounddevice, "BLOCK", np.array([[np.nan] * 2, [1e30] * 2, [0.5] * 2]))
    assert next(Microphone().blocks()).tolist() == [0.0, 0.0, 0.5]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (WRONG_RATE, "cannot record 96000 samples a second: try --rate 8000"),
        (UNAVAILABLE, "Another program may be using it"),
        (INVALID_DEVICE, "no longer there"),
        (WRONG_CHANNELS, "no input in one or two channels"),
        (-9999, "cannot open .*Microphone"),
    ],
)
def test_a_device_that_cannot_be_opened_says_why(
    monkeypatch: pytest.MonkeyPatch, code: int, reason: str
) -> None:
    """PortAudio's codes become sentences; on macOS, any other may be a missing permission."""
    use(monkeypatch, open_code=code)
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(DeviceError, match=f"USB Mic: .*{reason}"):
        list(windows_of(Microphone("USB", sample_rate=96000)))


@pytest.mark.parametrize("how", ["unplug_after", "sleep_after"])
def test_a_device_that_stops_ends_the_run(monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """What it gave before is used; then comes the error, and never a hang."""
    use(monkeypatch, **{how: 10})
    microphone = Microphone("USB")
    microphone.patience_seconds = 0.3
    windows = iter(windows_of(microphone))
    assert next(windows).samples.any()
    with pytest.raises(DeviceError, match=r"USB Mic: no more sound\. Was it unplugged"):
        list(windows)


@pytest.mark.parametrize(
    ("how", "remark"), [("is_muted", "digital silence"), ("overflows", "sound was lost")]
)
def test_a_device_that_gives_bad_sound_is_told_once(
    monkeypatch: pytest.MonkeyPatch, how: str, remark: str
) -> None:
    """Muted, or faster than the computer: a remark, and the run goes on."""
    use(monkeypatch, **{how: True})
    remarks: list[str] = []
    microphone = Microphone("USB")
    microphone.warn = remarks.append
    list(islice(microphone.blocks(), 60))
    assert [remark in text for text in remarks] == [True]
