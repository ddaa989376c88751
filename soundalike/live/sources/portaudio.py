"""The only module that imports sounddevice: input devices, and what PortAudio's errors mean."""

import sys
from dataclasses import dataclass
from typing import Any

from embedder.errors import DeviceError, MissingExtra, UnknownChoice
from index.catalogue.records import Json
from soundalike.live.ring import Floats

NO_PORTAUDIO = "PortAudio is missing, which gives access to microphones. "
HOW_TO_GET = {
    "linux": "On Debian and Ubuntu: apt install libportaudio2",
    "darwin": "With Homebrew: brew install portaudio",
    "win32": "Install sounddevice again: its Windows package contains PortAudio",
}
INVALID_DEVICE, UNAVAILABLE, WRONG_RATE, WRONG_CHANNELS = -9996, -9985, -9997, -9998


@dataclass(frozen=True, slots=True)
class InputDevice:
    """A device with an input."""

    number: int
    name: str
    system: str
    """The sound system that offers it: ALSA, Core Audio, WASAPI."""
    n_channels: int
    sample_rate: int
    is_default: bool

    def to_json(self) -> Json:
        """The fields by their names."""
        return {
            "number": self.number,
            "name": self.name,
            "system": self.system,
            "n_channels": self.n_channels,
            "sample_rate": self.sample_rate,
            "is_default": self.is_default,
        }


def load_sounddevice() -> Any:
    """The package; raises MissingExtra without it, and DeviceError without PortAudio."""
    try:
        import sounddevice
    except ImportError as error:
        raise MissingExtra("sound from and to devices", "live") from error
    except OSError as error:  # what it raises without the library
        advice = HOW_TO_GET.get(sys.platform, "See the documentation of sounddevice.")
        raise DeviceError(f"{NO_PORTAUDIO}{advice}") from error
    return sounddevice


def list_devices() -> tuple[InputDevice, ...]:
    """All devices with an input, by number."""
    sounddevice = load_sounddevice()
    try:
        systems = [system["name"] for system in sounddevice.query_hostapis()]
        default = _default_number(sounddevice)
        return tuple(
            InputDevice(
                number=number,
                name=device["name"],
                system=systems[device["hostapi"]],
                n_channels=device["max_input_channels"],
                sample_rate=round(device["default_samplerate"]),
                is_default=number == default,
            )
            for number, device in enumerate(sounddevice.query_devices())
            if device["max_input_channels"] > 0
        )
    except sounddevice.PortAudioError as error:
        raise DeviceError(f"the sound devices cannot be listed: {_reason(error)}") from error


def choose_device(text: str = "") -> InputDevice:
    """The device with a number or a part of a name; without either, the default one."""
    devices = list_devices()
    if not devices:
        raise DeviceError(
            "no device with an input was found. Plug in a microphone; 'soundalike listen "
            "--list-devices' shows what there is. --file and --stdin need none."
        )
    if not text:
        return next((device for device in devices if device.is_default), devices[0])
    if text.isdecimal():
        numbered = [device for device in devices if device.number == int(text)]
        if numbered:
            return numbered[0]
        raise UnknownChoice("input device", text, [f"{d.number} ({d.name})" for d in devices])
    named = [device for device in devices if text.casefold() in device.name.casefold()]
    exact = [device for device in named if device.name.casefold() == text.casefold()]
    if not named:
        raise UnknownChoice("input device", text, [device.name for device in devices])
    return (exact or named)[0]


def play(samples: Floats, sample_rate: int) -> None:
    """Play mono sound on the default loudspeaker, to its end."""
    sounddevice = load_sounddevice()
    try:
        sounddevice.play(samples, sample_rate, blocking=True)
    except sounddevice.PortAudioError as error:
        raise DeviceError(f"the loudspeaker cannot be used: {_reason(error)}") from error


def device_error(
    error: Exception, *, name: str, sample_rate: int, default_rate: int
) -> DeviceError:
    """What an error of PortAudio means for a person."""
    code = error.args[1] if len(error.args) > 1 else None
    match code:
        case _ if code == WRONG_RATE:
            what = f"it cannot record {sample_rate} samples a second: try --rate {default_rate}"
        case _ if code == UNAVAILABLE:
            what = (
                "it is not available. Another program may be using it: close that program, or "
                "choose another device (--list-devices)"
            )
        case _ if code == INVALID_DEVICE:
            what = "it is no longer there. 'soundalike listen --list-devices' shows what there is"
        case _ if code == WRONG_CHANNELS:
            what = "it has no input in one or two channels"
        case _:
            what = f"{_reason(error)}. {_permission()}"
    return DeviceError(f"{name}: {what}.")


def _permission() -> str:
    if sys.platform == "darwin":
        return "The terminal may lack permission: System Settings, Privacy & Security, Microphone"
    if sys.platform == "win32":
        return "Check Settings, Privacy, Microphone"
    return "Check that your user may open it (on Linux, the group 'audio')"


def silent_hint(name: str) -> str:
    """What to say about a device that gives nothing but digital silence."""
    return f"{name} gives digital silence: is it muted? {_permission()}."


def _default_number(sounddevice: Any) -> int:
    default = sounddevice.default.device
    number = default if isinstance(default, int) else default[0]
    return int(number)


def _reason(error: Exception) -> str:
    return str(error.args[0] if error.args else error).rstrip(".")
