"""`soundalike tag`: the tags that a model with a tagging head gives to tracks."""

from typing import Annotated, Any

import typer

from cli.commands.classify import classified
from cli.options import Form, TracksArgument, globals_of, read_tracks
from cli.output import emit
from cli.talk import say
from embedder.errors import PartialFailure


def run(
    context: typer.Context,
    tracks: TracksArgument,
    top: Annotated[
        int, typer.Option(min=1, metavar="N", help="The number of tags for each track.")
    ] = 5,
    model: Annotated[
        str, typer.Option(metavar="M", help="A model that was trained on tags: its name or folder.")
    ] = "",
) -> None:
    """Name the most probable tags of tracks. This is the old name of `classify` for tags.

    $ soundalike tag song.mp3 --model my-tagger --top 3
    Prints the three most probable tags of song.mp3, each with its probability.
    """
    from embedder.encoding.tagger import find_tagger, tag_field_of
    from index.labels.classify.request import ClassifyRequest

    settings = globals_of(context)
    folder = find_tagger(model)
    paths = tuple(read_tracks(settings, tracks))
    report = classified(settings, ClassifyRequest(paths, str(folder), tag_field_of(folder)))
    for failure in report.failed:
        say(settings, f"{failure.path}: {failure.reason}")
    tagged: list[dict[str, Any]] = []
    for track in report.tracks:
        chances = dict(list(track.probabilities.items())[:top])
        tagged.append({"path": track.track.path, "tags": list(chances), "probabilities": chances})
    columns = ("path", "probabilities")
    if tagged or settings.form is not Form.TABLE:
        failed = [failure.to_json() for failure in report.failed]
        emit(settings, {"tracks": tagged, "failed": failed}, rows=tagged, columns=columns)
    if report.failed:
        n_tracks = len(tagged) + len(report.failed)
        raise PartialFailure(f"{len(report.failed)} of {n_tracks} tracks could not be read")
