"""The short forms of Python and the commands name their options alike."""

from typing import get_type_hints

import pytest

from index.labels.options import LabelOptions
from index.playlists.options import PlaylistOptions
from index.search.options import SearchOptions
from tests.cli.test_help import COMMANDS, options_of

SHORT_FORMS = {"query": SearchOptions, "label": LabelOptions, "playlist": PlaylistOptions}


@pytest.mark.parametrize("command", SHORT_FORMS)
def test_an_option_has_one_name(command: str) -> None:
    """`library.search(…, per_artist=2)` is `soundalike query --per-artist 2`."""
    names = {name.removesuffix("_") for name in get_type_hints(SHORT_FORMS[command])}
    options = {option.lstrip("-").replace("-", "_") for option in options_of(COMMANDS[command,])}
    assert names - options == set()
