"""Numbers of things in words: 1 track, 2 tracks."""


def counted(n: int, noun: str, verb: str = "") -> str:
    """A number with its noun, and a verb if one is given: `1 track has`, `2 tracks have`."""
    words = [str(n), noun if n == 1 else f"{noun}s"]
    if verb:
        words.append(_SINGULAR.get(verb, f"{verb}s") if n == 1 else verb)
    return " ".join(words)


_SINGULAR = {"have": "has", "are": "is"}
