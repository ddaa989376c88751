"""Where the library is if nobody says otherwise."""

import os
from pathlib import Path

LIBRARY_VARIABLE = "SOUNDALIKE_LIBRARY"


def usual_library_folder() -> Path:
    """$SOUNDALIKE_LIBRARY, otherwise a folder in the user's data folder; nothing is created."""
    named = os.environ.get(LIBRARY_VARIABLE)
    if named:
        return Path(named)
    import platformdirs

    return platformdirs.user_data_path("soundalike", appauthor=False) / "library"
