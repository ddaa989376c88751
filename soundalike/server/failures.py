"""Errors as answers: a status, and one sentence that names no path of this machine."""

import re
from http import HTTPStatus

from embedder import errors

STATUS: dict[type[BaseException], HTTPStatus] = {
    errors.SoundalikeError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.UsageError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.OutputExists: HTTPStatus.CONFLICT,
    errors.MissingExtra: HTTPStatus.NOT_IMPLEMENTED,
    errors.BadInput: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.NotFound: HTTPStatus.NOT_FOUND,
    errors.MissingAudio: HTTPStatus.NOT_FOUND,
    errors.LibraryBusy: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.StorageError: HTTPStatus.INSUFFICIENT_STORAGE,
    errors.ArtefactError: HTTPStatus.INTERNAL_SERVER_ERROR,
}
BUG = "a bug of ours, sorry. The server's own output says more."
PATH = re.compile(r"(?:[A-Za-z]:\\|/)(?:[^\s:;,'\"]*[/\\])+")
"""The folders of an absolute path."""


def status_of(error: BaseException) -> HTTPStatus:
    """The status of an error: that of its nearest ancestor in the table."""
    for ancestor in type(error).__mro__:
        if ancestor in STATUS:
            return STATUS[ancestor]
    return HTTPStatus.INTERNAL_SERVER_ERROR


def text_of(error: BaseException) -> str:
    """What a client may know of an error: its message, with files by their names alone."""
    if not isinstance(error, errors.SoundalikeError):
        return BUG
    text = errors.printable_path(" ".join(str(error).split()))
    return PATH.sub("", text)
