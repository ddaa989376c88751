"""`soundalike tag`: the tags that a model with a tagging head gives to tracks."""

from typing import Annotated, Any

import typer

from cli.options import Form, TracksArgument, globals_of, read_tracks
from cli.output import emit
from cli.progress import track
from cli.talk import say
from embedder.errors import PartialFailure


def run(
    context: typer.Context,
    tracks: TracksArgument,
    top: Annotated[int, typer.Option(metavar="N", help="The number of tags for each track.")] = 5,
    model: Annotated[
        str, typer.Option(metavar="M", help="A model that was trained on tags: its name or folder.")
    ] = "",
) -> None:
    """Name the most probable tags of tracks. This is the old name of `classify` for tags.

    $ soundalike tag song.mp3 --model my-tagger --top 3
    Prints the three most probable tags of song.mp3, each with its probability.
    """
    from embedder.encoding.tagger import TagResult, TrackTagger, find_tagger

    settings = globals_of(context)
    tagger = TrackTagger.load(find_tagger(model))
    paths = read_tracks(settings, tracks)
    tagged: list[dict[str, Any]] = []
    failed = []
    results = tagger.tag_many(paths, top=top)
    for result in track(settings, results, label="Analysing", total=len(paths)):
        if isinstance(result, TagResult):
            scores = dict(zip(result.tags, result.probabilities, strict=True))
            tagged.append({"path": result.path, "tags": result.tags, "probabilities": scores})
        else:
            failed.append(result)
            say(settings, f"{result.path}: {result.reason}")
    columns = ("path", "probabilities")
    if tagged or settings.form is not Form.TABLE:
        emit(settings, {"tracks": tagged, "failed": failed}, rows=tagged, columns=columns)
    if failed:
        raise PartialFailure(f"{len(failed)} of {len(paths)} tracks could not be read")
