"""How long an answer waits, over a real socket."""

import http.client
import time
from dataclasses import replace
from urllib.parse import urlsplit

from soundalike.server.settings import ServerSettings
from tests.server.pages import serving


def test_a_connection_that_stays_open_waits_for_nothing(settings: ServerSettings) -> None:
    """Headers and body go out at once: a small packet that waits for a receipt costs 40 ms."""
    with serving(replace(settings, port=0)) as address:
        connection = http.client.HTTPConnection(urlsplit(address).netloc)
        seconds = []
        for _ in range(20):
            start = time.perf_counter()
            connection.request("GET", "/api/v1/library")
            assert connection.getresponse().read()
            seconds.append(time.perf_counter() - start)
        connection.close()
    assert min(seconds[10:]) < 0.03
