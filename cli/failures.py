"""How a call ends that fails: one line for a person, one exit code for a script.

0    done (a reader that closes the pipe early is fine too)
1    a bug of ours
2    usage: a wrong argument, an existing file without --force, a missing extra
3    bad input: unusable audio, data sets or tracks; training that diverged, or that
     lost one of its processes; a busy library; a disk that is full, read-only or
     failing; too little memory
4    an artefact that is corrupt, made by another model or version, or whose code crashes here
5    done, but some files failed
130  interrupted
"""

import difflib
import errno
import traceback
from typing import Any

from typer.exceptions import TyperException

from cli.options import SWITCHES, VALUED
from cli.processes import wait_for_rank_zero
from cli.talk import write_remark
from embedder import errors
from embedder.processes.torchrun import own_rank

OUR_BUG = 1
INTERRUPTED = 130

EXIT_CODES: dict[type[errors.SoundalikeError], int] = {
    errors.SoundalikeError: 3,
    errors.UsageError: 2,
    errors.OutputExists: 2,
    errors.MissingExtra: 2,
    errors.BadInput: 3,
    errors.LibraryBusy: 3,
    errors.StorageError: 3,
    errors.TrainingDiverged: 3,
    errors.ProcessLost: 3,
    errors.ArtefactError: 4,
    errors.PartialFailure: 5,
}

# Errors of the disk, the network or permissions, which the user can solve.
_ENVIRONMENT = errors.OUT_OF_REACH | frozenset(
    {
        errno.EBUSY,
        errno.EDQUOT,
        errno.EFBIG,
        errno.EISDIR,
        errno.ELOOP,
        errno.ENAMETOOLONG,
        errno.ENOENT,
        errno.ENOSPC,
        errno.ENOTDIR,
        errno.EROFS,
        errno.ETXTBSY,
    }
)


_SAID_BY_RANK_ZERO = (
    errors.UsageError,
    errors.OutputExists,
    errors.TrainingDiverged,
    errors.ProcessLost,
    errors.ArtefactError,
)
"""Errors that rank zero of a run over processes has too, and says."""


def exit_code_of(error: BaseException) -> int:
    """The exit code of an error: that of its nearest ancestor in the table, else 1."""
    for ancestor in type(error).__mro__:
        if ancestor in EXIT_CODES:
            return EXIT_CODES[ancestor]
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    if isinstance(error, MemoryError):
        return EXIT_CODES[errors.BadInput]
    if isinstance(error, OSError) and error.errno in _ENVIRONMENT:
        return EXIT_CODES[errors.BadInput]
    return OUR_BUG


def report(error: BaseException, *, debug: bool) -> int:
    """Print one line on stderr that says what went wrong, and return the exit code."""
    code = exit_code_of(error)
    rank = own_rank()
    if rank.number and isinstance(error, _SAID_BY_RANK_ZERO):
        wait_for_rank_zero()
    if debug and code != INTERRUPTED:
        traceback.print_exception(error)
    speaker = f"soundalike, {rank}" if rank.number else "soundalike"
    write_remark(f"{speaker}: {_one_line(error, code)}\n")
    return code


def _one_line(error: BaseException, code: int) -> str:
    if code == INTERRUPTED:
        return "interrupted"
    if code == OUR_BUG:
        what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        text = f"a bug of ours, sorry ({what}). Please report it with what --debug prints."
    elif isinstance(error, MemoryError):
        text = "there is not enough memory for this. Close other programs, or ask for less."
    elif isinstance(error, OSError):
        reason = error.strerror or type(error).__name__
        text = f"{error.filename}: {reason}" if error.filename else reason
    else:
        text = str(error)
    return errors.printable_path(" ".join(text.split()))


def usage_error(error: TyperException) -> errors.UsageError:
    """Typer's complaint about the command line in one line, with the nearest valid name."""
    context: Any = getattr(error, "ctx", None)  # Typer keeps these classes to itself
    place = context.command_path if context is not None else "soundalike"
    option = getattr(error, "option_name", None)
    param = getattr(error, "param", None)
    message = " ".join(error.format_message().split())
    if option and message.startswith("No such option"):
        message = f"no such option {option}." + _nearest_option(option, context)
    elif message == "Missing command." and context is not None:
        names = ", ".join(context.command.list_commands(context))
        message = f"a command is missing: use one of {names}."
    elif param is not None and message.startswith("Missing "):
        message = f"{_name_of(param)} is missing."
    elif param is not None and error.__cause__ is not None:
        message = _wrong_value(param, error.__cause__)
    elif message[:1].isupper():
        message = message[0].lower() + message[1:]
    if message[-1:] not in ".?":
        message += "."
    return errors.UsageError(f"{message} See {place} --help")


def _name_of(param: Any) -> str:
    """How a person writes an option, or what the help page calls an argument."""
    if param.param_type_name == "option":
        return str(max(param.opts, key=len))
    return str(param.display_name_raw).removesuffix("...")


def _wrong_value(param: Any, cause: Any) -> str:
    """The value that does not fit, and what would; the validator's own words are not shown."""
    value = cause.errors()[0]["input"]
    kinds = {"int": "a whole number", "float": "a number"}
    kind = next((kinds[k] for k in kinds if k in str(param.type_descriptor.annotation)), "")
    if not kind:
        return f"{_name_of(param)} {value}: not a valid value"
    low, high = param.min, param.max
    limits = f" from {low} to {high}" if None not in (low, high) else ""
    if not limits and low is not None:
        limits = f", {low} or more"
    return f"{_name_of(param)} {value}: give {kind}{limits}"


def _nearest_option(option: str, context: Any) -> str:
    own = [name for p in context.command.params for name in p.opts] if context else []
    near = difflib.get_close_matches(option, [*own, *SWITCHES, *VALUED, "--help"], n=1)
    return f" Did you mean {near[0]}?" if near else ""
