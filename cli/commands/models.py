"""`soundalike models`: list, describe, get, combine, import and export models."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.models_shown import (
    MODEL_PARTS,
    SCORE_COLUMNS,
    SETTING_COLUMNS,
    layer_rows,
    model_sentences,
    protocol_line,
    score_rows,
    setting_rows,
)
from cli.options import MODEL_HELP, ForceOption, Form, Globals, globals_of
from cli.output import emit, emit_text
from cli.progress import waiting
from cli.talk import say

if TYPE_CHECKING:
    from embedder.models.card import Card
    from embedder.models.own_heads import HeadFacts

app = typer.Typer(
    help="""List, describe, get, combine, import and export models.

    $ soundalike models list
    Prints the bundled models and your own.
    """
)

ModelArgument = Annotated[str, typer.Argument(metavar="MODEL", help=MODEL_HELP)]
LIST_COLUMNS = ("name", "kind", "embedding_size", "bytes_on_disk", "licence", "place", "problem")
HEAD_COLUMNS = ("field", "kind", "n_labels", "labels", "calibrated_on", "origin")
N_LABELS_SHOWN = 6


@app.command("list")
def list_(context: typer.Context) -> None:
    """List the bundled models and your own.

    $ soundalike models list --paths
    Prints the folder of each model.
    """
    from embedder.models.description import list_row
    from embedder.models.registry import list_models

    emit(globals_of(context), rows=[list_row(m) for m in list_models()], columns=LIST_COLUMNS)


@app.command("show")
def show(context: typer.Context, model: ModelArgument) -> None:
    """Describe a model: its front end, layers, cost, scores and labels.

    The labels are those that `classify` can give. Multiply-adds are those of convolutions and
    linear layers for one excerpt.

    $ soundalike models show default
    Prints the bundled model's facts, then its parts.
    """
    settings = globals_of(context)
    with waiting(settings, "Reading the model"):
        from embedder.models.description import describe_model  # imports torch

        description = describe_model(model)
    if settings.form is not Form.TABLE:
        emit(settings, description)
        return
    emit_text(settings, "\n".join(model_sentences(description)))
    if scores := score_rows(description):
        title = f"\n{protocol_line(description)}"
        emit(settings, rows=scores, columns=SCORE_COLUMNS, title=title)
    if description.heads:
        rows = [_head_row(head) for head in description.heads]
        emit(settings, rows=rows, columns=HEAD_COLUMNS, title="\nlabels of its own")
    if description.parts:
        emit(settings, rows=list(description.parts), columns=MODEL_PARTS, title="\nparts")
    if description.layers:
        columns, layers = layer_rows(description)
        emit(settings, rows=layers, columns=columns, title="\nnetwork")
    if settings_rows := setting_rows(description):
        emit(settings, rows=settings_rows, columns=SETTING_COLUMNS, title="\nsettings")


def _show_stored(settings: Globals, card: "Card", next_command: str) -> None:
    """What was stored, and the command to go on with."""
    say(settings, f"{card.name}: try it with `{next_command}`")
    emit(settings, {"name": card.name, "kind": card.kind, "fingerprint": card.fingerprint})


def _head_row(head: "HeadFacts") -> dict[str, Any]:
    labels = ", ".join(head.labels[:N_LABELS_SHOWN])
    more = ", …" if head.n_labels > N_LABELS_SHOWN else ""
    return {
        **{name: getattr(head, name) for name in HEAD_COLUMNS},
        "labels": f"{labels}{more}",
        "calibrated_on": f"{head.calibrated_on} tracks" if head.calibrated_on else "nothing",
    }


@app.command("get")
def get(
    context: typer.Context,
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="musicnn (the same as msd-musicnn) or mtt-musicnn.",
            show_default=False,
        ),
    ],
    stored_name: Annotated[
        str,
        typer.Option(
            "--as", metavar="NAME", help="The name to store the model under; by default its own."
        ),
    ] = "",
    file: Annotated[
        Path | None,
        typer.Option(
            metavar="WHEEL", help="Read this wheel, which you have already, and fetch nothing."
        ),
    ] = None,
    layer: Annotated[
        str,
        typer.Option(
            metavar="LAYER", help="The layer that is the vector: penultimate, mean-pool, max-pool."
        ),
    ] = "penultimate",
    excerpts: Annotated[
        int,
        typer.Option(min=1, metavar="N", help="Excerpts of three seconds to read from a track."),
    ] = 10,
    force: ForceOption = False,
) -> None:
    """Fetch a published encoder from PyPI and store it as a model.

    The command says what it fetches, from where, how large it is and under what licence. The
    file's digest is checked. Nothing is installed, and no code of the package runs.

    $ soundalike models get musicnn
    Fetches MusiCNN (29 MB), and stores it for `index --model musicnn` and `tag`.
    """
    from embedder.models.get.getting import announcement, get_offer
    from embedder.models.get.offers import find_offer

    settings = globals_of(context)
    offer = find_offer(name)
    for line in announcement(offer, file):
        say(settings, line)
    card = get_offer(
        offer,
        name=stored_name or name.casefold(),
        file=file,
        layer=layer,
        n_excerpts=excerpts,
        replace=force,
    )
    _show_stored(settings, card, f"soundalike index FOLDER --model {card.name}")


@app.command("combine")
def combine(
    context: typer.Context,
    models: Annotated[
        list[str],
        typer.Argument(metavar="MODEL…", help="Names or folders; a single one with --sample."),
    ],
    name: Annotated[
        str,
        typer.Option(
            "-o", "--output", metavar="NAME", help="The name to store the combined model under."
        ),
    ],
    weights: Annotated[
        str,
        typer.Option(
            metavar="NUMBERS",
            help="A weight for each model, such as 1 0.5; by default all count alike.",
        ),
    ] = "",
    sample: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Audio to take the mean and deviation of each dimension from (up to 400 files).",
        ),
    ] = None,
    size: Annotated[
        int,
        typer.Option(
            min=0, metavar="N", help="Project onto N principal components of the sample; 0: none."
        ),
    ] = 0,
    force: ForceOption = False,
) -> None:
    """Store several models as one.

    The vectors of the parts stand side by side, each with its weight. Each model keeps its own
    front end. The combined model has a fingerprint of its own. With
    --sample, a single model is standardised.

    $ soundalike models combine default musicnn --weights 1 1 -o both
    Stores the model `both`, for `index --model both`.
    """
    from embedder.models.combining import combine_models, models_and_weights

    settings = globals_of(context)
    names, numbers = models_and_weights(models, weights)
    card = combine_models(
        names,
        name=name,
        weights=numbers,
        sample=sample,
        size=size,
        replace=force,
    )
    _show_stored(settings, card, f"soundalike index FOLDER --model {card.name}")


@app.command("import")
def import_(
    context: typer.Context,
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="An ONNX file; a model's folder or .zip; a Hugging Face audio model's folder or "
            "id.",
            show_default=False,
        ),
    ],
    name: Annotated[
        str, typer.Option("--as", metavar="NAME", help="The name to store the model under.")
    ],
    spec: Annotated[
        str | None,
        typer.Option(
            metavar="TOML",
            help="A file that describes an ONNX model's input and output, or one of the recipes "
            "vggish, musicnn, discogs-effnet, openl3.",
        ),
    ] = None,
    output: Annotated[
        str,
        typer.Option(metavar="NAME", help="The output of an ONNX file that is the vector."),
    ] = "",
    download: Annotated[
        bool,
        typer.Option(
            "--download", help="Download a Hugging Face model that is not on this machine."
        ),
    ] = False,
    force: ForceOption = False,
) -> None:
    """Store a model from elsewhere under a name.

    Nothing is downloaded without --download.

    $ soundalike models import model.zip --as mine
    Stores the model, and prints its kind and fingerprint.
    """
    from embedder.models.importing import import_model

    settings = globals_of(context)
    card = import_model(
        source, name=name, spec=spec, output=output, download=download, replace=force
    )
    _show_stored(settings, card, f"soundalike models show {card.name}")


@app.command("export")
def export(
    context: typer.Context,
    model: ModelArgument,
    output: Annotated[
        Path,
        typer.Option("-o", "--output", metavar="FILE", help="FILE.onnx, FILE.zip or a folder."),
    ],
    force: ForceOption = False,
) -> None:
    """Write a model as a folder, a .zip or an ONNX file.

    Beside an ONNX file stands a TOML file that describes it.

    $ soundalike models export default -o default.onnx
    Writes default.onnx and default.toml, and prints their paths.
    """
    from embedder.models.exporting import export_model

    written = export_model(model, output, replace=force)
    emit(globals_of(context), rows=[{"path": str(path)} for path in written])
