"""What every route needs: the settings, the open libraries and the running jobs."""

from dataclasses import dataclass

from soundalike.server.jobs.jobs import Jobs
from soundalike.server.libraries import Libraries
from soundalike.server.settings import ServerSettings


@dataclass(frozen=True, slots=True)
class Context:
    """The state of one server."""

    settings: ServerSettings
    libraries: Libraries
    jobs: Jobs
