"""The first packets of an Ogg stream, as far as they belong to the digest of its audio."""

MAX_OGG_HEADER_BYTES = 16 * 2**20
"""Of the packets that count. Real ones take some kilobytes."""
OGG_HEADER_PACKETS = {b"\x01vorbis": 3, b"OpusHead": 2, b"Speex   ": 2, b"\x80theora": 3}


class UnfamiliarOgg(Exception):
    """The packets are not those of a known codec."""


class OggHeaders:
    """The first packets of a stream. What does not count is not kept: a comment can be long."""

    def __init__(self) -> None:
        self._packets = [bytearray()]
        self._n_headers = 0
        self._n_kept_bytes = 0

    @property
    def are_complete(self) -> bool:
        """Whether the last packet of the list is the first part of the audio."""
        return 0 < self._n_headers < len(self._packets)

    def counting(self) -> list[bytearray]:
        """The packets that belong to the digest."""
        return [packet for n, packet in enumerate(self._packets) if self._counts(n)]

    def add(self, segments: bytes, page: bytes) -> None:
        """Add a page's segments to packets; a segment of less than 255 bytes ends its packet."""
        start = stop = 0
        for length in segments:
            stop += length
            if length < 255:
                self._extend(page[start:stop])
                self._packets.append(bytearray())
                start = stop
                if not self._n_headers:
                    self._n_headers = _n_ogg_headers(bytes(self._packets[0]))
        self._extend(page[start:])

    def _extend(self, piece: bytes) -> None:
        if not self._counts(len(self._packets) - 1):
            return
        self._packets[-1] += piece
        self._n_kept_bytes += len(piece)
        if self._n_kept_bytes > MAX_OGG_HEADER_BYTES:
            raise UnfamiliarOgg

    def _counts(self, number: int) -> bool:
        is_set_up = number == 2 and self._packets[0].startswith(b"\x01vorbis")
        return number == 0 or is_set_up or number >= self._n_headers


def _n_ogg_headers(first_packet: bytes) -> int:
    for mark, count in OGG_HEADER_PACKETS.items():
        if first_packet.startswith(mark):
            return count
    if first_packet.startswith(b"\x7fFLAC") and any(first_packet[7:9]):
        return 1 + int.from_bytes(first_packet[7:9], "big")
    raise UnfamiliarOgg
