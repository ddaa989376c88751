"""`soundalike models`: list, describe, import and export models."""

from pathlib import Path
from typing import Annotated

import typer

from cli.options import ForceOption, Form, globals_of
from cli.output import emit
from cli.talk import say

app = typer.Typer(
    help="""List, describe, import and export models.

    $ soundalike models list
    Prints the bundled models and your own.
    """
)

ModelArgument = Annotated[
    str, typer.Argument(metavar="MODEL", help="A model's name, or the path of its folder.")
]
LIST_COLUMNS = ("name", "kind", "embedding_size", "bytes_on_disk", "licence", "place", "problem")
SHOW_COLUMNS = (
    *("name", "kind", "fingerprint", "description", "licence", "path", "front_end", "excerpts"),
    *("backbone", "embedding_size", "geometry", "n_parameters", "multiply_adds"),
    *("bytes_on_disk", "scores", "made_by"),
)
LAYER_COLUMNS = ("name", "kind", "output_shape", "n_parameters", "multiply_adds")


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
    """Describe a model: its front end, layers, cost and scores.

    Multiply-adds are those of convolutions and linear layers for one excerpt.

    $ soundalike models show default
    Prints the bundled model's facts, then its layers.
    """
    from embedder.models.description import describe_model

    settings = globals_of(context)
    description = describe_model(model)
    emit(settings, description, columns=SHOW_COLUMNS)
    if settings.form is Form.TABLE and description.layers:
        emit(settings, rows=description.layers, columns=LAYER_COLUMNS, title="network")


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
    card = import_model(source, name=name, spec=spec, download=download, replace=force)
    say(settings, f"{name}: try it with `soundalike models show {name}`")
    emit(settings, {"name": card.name, "kind": card.kind, "fingerprint": card.fingerprint})


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
