"""A real OSC server, and what it received."""

import threading
from collections.abc import Iterator

import pytest
from pythonosc.dispatcher import Dispatcher
from pythonosc.osc_server import BlockingOSCUDPServer

Messages = list[tuple[str, tuple[object, ...]]]
OscServer = tuple[int, Messages]
"""Its port, and the messages so far."""


@pytest.fixture
def osc_server() -> Iterator[OscServer]:
    """A server on a free port."""
    messages: Messages = []
    dispatcher = Dispatcher()
    dispatcher.set_default_handler(lambda address, *values: messages.append((address, values)))
    with BlockingOSCUDPServer(("127.0.0.1", 0), dispatcher) as receiver:
        thread = threading.Thread(target=receiver.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield receiver.server_address[1], messages
        receiver.shutdown()
        thread.join()


def wait_for(messages: Messages, address: str, *, n_messages: int = 1) -> None:
    """Until so many messages with this address are there."""
    for _ in range(500):
        if sum(name == address for name, _ in messages) >= n_messages:
            return
        threading.Event().wait(0.01)
    raise AssertionError(f"too few {address} in {messages}")
