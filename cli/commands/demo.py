"""`soundalike demo`: music to try everything on, without a download."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.demo_tour import run_tour
from cli.options import ForceOption, Form, Globals, globals_of
from cli.output import emit, emit_text
from cli.progress import bar, track
from cli.talk import say

if TYPE_CHECKING:
    from embedder.datasets.synthesis.folder import SongFile

# Enough of a song to have a verse and a chorus, and the folder is there in seconds.
SONG_SECONDS = 15.0


def run(
    context: typer.Context,
    folder: Annotated[
        Path, typer.Option("--folder", metavar="DIR", help="The folder to make.")
    ] = Path("soundalike-demo"),
    seed: Annotated[
        int, typer.Option(metavar="N", help="Another seed gives other artists and songs.")
    ] = 0,
    artists: Annotated[
        int, typer.Option(min=1, metavar="N", help="The number of artists of each style.")
    ] = 3,
    seconds: Annotated[
        float, typer.Option(min=1, metavar="S", help="The length of each song, in seconds.")
    ] = SONG_SECONDS,
    force: ForceOption = False,
) -> None:
    """Make a small music folder and try each command on it.

    The songs are synthesised: eight styles, several artists each, tagged, in five formats. Then
    index, query, label, playlist and map run on them, and each command line is shown. An existing
    demo folder is used again; --force replaces one that was made with other options.

    $ soundalike demo --folder demo
    Writes 96 songs to demo/music, and runs the everyday commands on them.
    """
    from embedder.datasets.synthesis.folder import write_music_folder
    from embedder.datasets.synthesis.songs import STYLES
    from embedder.datasets.synthesis.summary import first_of_each_style

    settings = globals_of(context)
    music, pictures = folder / "music", folder / "pictures"
    n_written = 0
    with bar(settings, label="Composing", total=4 * artists * len(STYLES)) as advance:

        def count(_song: object) -> None:
            nonlocal n_written
            n_written += 1
            advance(1)

        songs = write_music_folder(
            music,
            seed=seed,
            artists_per_style=artists,
            seconds=seconds,
            force=force,
            on_song=count,
        )
    shown = [song.path for song in first_of_each_style(songs)]
    if n_written or not pictures.exists():
        _draw(settings, shown, pictures)
    _show(settings, folder, songs, shown=shown, seed=seed)


def _show(
    settings: Globals, folder: Path, songs: "list[SongFile]", *, shown: list[Path], seed: int
) -> None:
    from embedder.datasets.synthesis.summary import summarise

    music, pictures = folder / "music", folder / "pictures"
    styles = summarise(songs)
    if settings.form is Form.TABLE:
        emit(settings, rows=styles, title=f"{len(songs)} songs in {music}")
        drawn = shlex.join(["soundalike", "features", *map(str, shown), "-o", str(pictures)])
        emit_text(
            settings,
            f"\nPictures of one song of each style are in {pictures}, drawn by:\n$ {drawn}",
        )
    stops = run_tour(settings, folder, songs[0].path)
    if settings.form is not Form.TABLE:
        document = {"folder": music, "pictures": pictures, "seed": seed, "styles": styles}
        emit(settings, {**document, "songs": songs, "tour": stops}, rows=songs)
    elif all(stop.exit_code == 0 for stop in stops):
        emit_text(
            settings, f"\nEverything is in {folder}. Open {folder / 'map.html'} in a browser."
        )
        emit_text(settings, "Now try it with your own music: soundalike index ~/Music")
    failed = next((stop.exit_code for stop in stops if stop.exit_code), 0)
    if failed:
        raise typer.Exit(failed)


def _draw(settings: Globals, songs: list[Path], pictures: Path) -> None:
    from embedder.config.presets import FRONT_ENDS
    from embedder.features.saving import FeaturesFailure, save_features

    results = save_features(songs, pictures, config=FRONT_ENDS["mel"], force=True)
    for result in track(settings, results, label="Drawing", total=len(songs)):
        if isinstance(result, FeaturesFailure):
            say(settings, f"{result.path}: {result.reason}")
