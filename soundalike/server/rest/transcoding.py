"""Songs in the format and bit rate that a player asks for.

    child process ─▶ pipe ─▶ answer in chunks ─▶ player

The child waits while the player does not read. It is ended when the player goes, and also when the
player has not read for ten minutes.
"""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress
from dataclasses import asdict
from pathlib import Path

from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from embedder.audio.stream_formats import Transcoding
from embedder.processes.child import child_environment
from soundalike.server.rest.replies import GENERIC, SubsonicError, failure

CHUNK_BYTES = 32 << 10
FIRST_CHUNK_SECONDS = 60.0
STALLED_SECONDS = 600.0
MAX_STREAMS = 8
CHILD = "embedder.audio.transcoder_child"


class Transcoders:
    """Starts children, and counts those that run."""

    def __init__(self) -> None:
        self.n_running = 0

    async def started(self, path: Path, wish: Transcoding) -> "Transcoder":
        """A child that sends a song; raises SubsonicError if too many are running."""
        if self.n_running >= MAX_STREAMS:
            raise SubsonicError(GENERIC, "too many songs are being converted: try again")
        self.n_running += 1
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", CHILD, os.fspath(path), json.dumps(asdict(wish))),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=PIPE,
                env=child_environment({"OMP_NUM_THREADS": "1"}),
                limit=4 * CHUNK_BYTES,
            )
        except BaseException:
            self.n_running -= 1
            raise
        return Transcoder(self, process)


class Transcoder:
    """A running child."""

    def __init__(self, owner: Transcoders, process: Process) -> None:
        self._owner = owner
        self._process = process
        self._is_closed = False
        self._has_sent_all = False

    async def read(self) -> bytes:
        """The next bytes; empty at the end."""
        if self._process.stdout is None:
            raise AssertionError("the child was started with a pipe")
        chunk = await self._process.stdout.read(CHUNK_BYTES)
        self._has_sent_all = not chunk
        return chunk

    def end(self) -> None:
        """End the child if it runs still."""
        if self._is_closed:
            return
        self._is_closed = True
        self._owner.n_running -= 1
        if self._has_sent_all:
            return  # it ends by itself; a signal now would disturb asyncio, which waits for it
        with suppress(ProcessLookupError):
            self._process.kill()

    async def ended(self) -> None:
        """End the child, and wait until it has ended."""
        self.end()
        await self._process.wait()

    async def chunks(self, first: bytes, *, length: int | None = None) -> AsyncIterator[bytes]:
        """The bytes in their order; `first` has been read already.

        With a `length` there are as many: zeros follow the end of the song, which players skip.
        """
        n_left = length
        async with aclosing(self._all_chunks(first)) as chunks:
            async for chunk in chunks:
                yield chunk[:n_left]
                if n_left is not None:
                    n_left -= min(n_left, len(chunk))
        while n_left:
            yield bytes(min(n_left, CHUNK_BYTES))
            n_left -= min(n_left, CHUNK_BYTES)

    async def _all_chunks(self, first: bytes) -> AsyncGenerator[bytes]:
        loop = asyncio.get_running_loop()
        chunk = first
        try:
            while chunk:
                stalled = loop.call_later(STALLED_SECONDS, self.end)
                try:
                    yield chunk
                finally:
                    stalled.cancel()
                chunk = await self.read()
        finally:
            await self.ended()


class TranscodedSong(Response):
    """An answer whose child is started when the answer is sent."""

    def __init__(
        self,
        transcoders: Transcoders,
        path: Path,
        wish: Transcoding,
        *,
        form: str,
        length: int | None = None,
    ) -> None:
        """length: what the player is told of the number of bytes, which is then kept."""
        super().__init__(media_type=wish.stream_format.media_type)
        del self.headers["content-length"]
        if length is not None:
            self.headers["content-length"] = str(length)
        self._length = length
        self.headers["accept-ranges"] = "none"
        self._transcoders = transcoders
        self._path = path
        self._wish = wish
        self._form = form

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the song, or one error of the protocol if nothing of it can be decoded."""
        if scope["method"] == "HEAD":
            await super().__call__(scope, receive, send)
            return
        try:
            transcoder = await self._transcoders.started(self._path, self._wish)
            first = await self._first_chunk(transcoder)
        except SubsonicError as error:
            await failure(error, form=self._form)(scope, receive, send)
            return
        answer = StreamingResponse(
            transcoder.chunks(first, length=self._length),
            media_type=self.media_type,
            headers=dict(self.headers),
        )
        try:
            await answer(scope, receive, send)
        finally:
            await transcoder.ended()

    async def _first_chunk(self, transcoder: Transcoder) -> bytes:
        first = b""
        try:
            async with asyncio.timeout(FIRST_CHUNK_SECONDS):
                first = await transcoder.read()
        except TimeoutError:
            pass
        finally:
            if not first:
                await transcoder.ended()
        if not first:
            raise SubsonicError(GENERIC, "the song cannot be converted")
        return first
