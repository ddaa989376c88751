"""Damaged copies of valid files, drawn by hypothesis: bytes changed, cut, repeated, nested."""

from hypothesis import strategies as st

TOKENS = (
    *(b"[" * 3000, b"{" * 3000, b"(" * 3000, b'{"a":' * 2000, b"<a>" * 3000),
    *(b"9" * 400, b"9" * 5000, b"-1", b"1e999", b"NaN", b"Infinity", b"0"),
    *(b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\\ud800", b"\\u0000", b"\xed\xa0\x80", b"%00"),
    *(b"../../../../etc/passwd", b"/dev/zero", b"file:///dev/zero", b"C:\\", b"\\\\host\\x"),
    *(b"null", b"true", b'""', b"[]", b"{}", b'"', b"'", b"\r", b"\n", b"\x1b[31m", b"\xc2\xb2"),
    *(b"<!ENTITY a 'b'>", b"&a;", b"a" * 5000, b",", b";", b"=", b" "),
)


@st.composite
def mutated(draw: st.DrawFn, seeds: tuple[bytes, ...], *, most_changes: int = 4) -> bytes:
    """One of the seeds after some changes."""
    data = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(1, most_changes))):
        start = draw(st.integers(0, len(data)))
        end = min(start + draw(st.sampled_from((0, 1, 2, 8, 64))), len(data))
        match draw(st.sampled_from(("token", "token", "byte", "cut", "delete", "repeat"))):
            case "token":
                data[start:end] = draw(st.sampled_from(TOKENS))
            case "byte":
                data[start:end] = draw(st.binary(max_size=4))
            case "cut":
                del data[start:]
            case "delete":
                del data[start:end]
            case "repeat":
                data[start:start] = data[start:end] * 50
    return bytes(data)
