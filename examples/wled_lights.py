"""Colour a strip of lights by what is heard: WLED's realtime protocol over UDP.

    soundalike --ndjson listen --model runs/mine | python examples/wled_lights.py 192.168.1.50

Each label has a colour, and the strip blends them by their probabilities; the level sets the
brightness, and silence is dark. WLED must have realtime UDP switched on (Sync settings); it goes
back to its own effects two seconds after the last packet.
"""

import argparse
import colorsys
import json
import socket
import sys
from collections.abc import Iterable

WLED_PORT = 21324
DRGB = 2
"""WLED's protocol number 2: a byte each of red, green and blue for every light, from the first."""
TIMEOUT_SECONDS = 2
MAX_LIGHTS = 490
"""What one DRGB packet holds."""
DARK_DB = -50.0

Colour = tuple[int, int, int]


def colours_of(labels: Iterable[str]) -> dict[str, tuple[float, float, float]]:
    """A colour for each label, evenly around the colour wheel."""
    names = list(labels)
    return {
        name: colorsys.hsv_to_rgb(number / max(len(names), 1), 1.0, 1.0)
        for number, name in enumerate(names)
    }


def blended(record: dict[str, object]) -> Colour:
    """The colour of one record of `listen --ndjson`."""
    probabilities = record["probabilities"]
    if record["silence"] or not isinstance(probabilities, dict):
        return (0, 0, 0)
    brightness = min(max(1 - float(str(record["level"])) / DARK_DB, 0.0), 1.0)
    colours = colours_of(sorted(probabilities))
    total = sum(probabilities.values()) or 1.0
    red, green, blue = (
        sum(chance * colours[name][channel] for name, chance in probabilities.items()) / total
        for channel in range(3)
    )
    return (
        round(255 * brightness * red),
        round(255 * brightness * green),
        round(255 * brightness * blue),
    )


def packet(colour: Colour, n_lights: int) -> bytes:
    """A DRGB packet that shows one colour on all lights."""
    return bytes([DRGB, TIMEOUT_SECONDS]) + bytes(colour) * n_lights


def main() -> None:
    """Send a packet for each record on standard input."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("host")
    parser.add_argument("--port", type=int, default=WLED_PORT)
    parser.add_argument("--lights", type=int, default=30)
    arguments = parser.parse_args()
    n_lights = min(arguments.lights, MAX_LIGHTS)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection:
        for line in sys.stdin:
            data = packet(blended(json.loads(line)), n_lights)
            connection.sendto(data, (arguments.host, arguments.port))


if __name__ == "__main__":
    main()
