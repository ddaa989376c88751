"""The public Python interface: `from soundalike import Library, TrackEncoder, SearchRequest`.

Names are imported at their first use, so that importing this package costs next to nothing.
Type checkers and editors read the imports under `TYPE_CHECKING`; `_HOMES` says the same at run
time. Errors are in `soundalike.errors`.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from embedder.audio.reading import read_whole as read_whole
    from embedder.config.training import TrainingConfig as TrainingConfig
    from embedder.datasets.dataset import Dataset as Dataset
    from embedder.datasets.synthesis.folder import write_music_folder as write_music_folder
    from embedder.encoding.classifier import Classification as Classification
    from embedder.encoding.classifier import TrackClassifier as TrackClassifier
    from embedder.encoding.encoder import TrackEncoder as TrackEncoder
    from embedder.encoding.requests import EncodingFailure as EncodingFailure
    from embedder.encoding.requests import TrackEncoding as TrackEncoding
    from embedder.encoding.requests import TrackRequest as TrackRequest
    from embedder.encoding.tagger import TrackTagger as TrackTagger
    from embedder.errors import SoundalikeError as SoundalikeError
    from embedder.models.combining import combine_models as combine_models
    from embedder.models.get.getting import get_model as get_model
    from embedder.training.folder.run_folder import TrainingResult as TrainingResult
    from embedder.training.settings import TrainingRequest as TrainingRequest
    from embedder.training.settings import training_config as training_config
    from embedder.training.train import train as train
    from index.audit.audit import AuditSettings as AuditSettings
    from index.audit.audit import audit as audit
    from index.catalogue.records import TrackRecord as TrackRecord
    from index.evaluate.evaluation import evaluate as evaluate
    from index.evaluate.results import Evaluation as Evaluation
    from index.evaluate.settings import EvaluationSettings as EvaluationSettings
    from index.evaluate.subjects import library_subject as library_subject
    from index.evaluate.subjects import open_subject as open_subject
    from index.indexing.request import IndexOptions as IndexOptions
    from index.indexing.results import IndexReport as IndexReport
    from index.labels.classify.request import ClassifyRequest as ClassifyRequest
    from index.labels.classify.results import ClassifiedTrack as ClassifiedTrack
    from index.labels.classify.results import ClassifyReport as ClassifyReport
    from index.labels.request import LabelRequest as LabelRequest
    from index.labels.request import VoteSettings as VoteSettings
    from index.labels.results import LabelReport as LabelReport
    from index.labels.results import LabelVote as LabelVote
    from index.library import Library as Library
    from index.library_folder.finding.request import ListRequest as ListRequest
    from index.library_folder.finding.results import TrackList as TrackList
    from index.library_folder.frames import tracks_in as tracks_in
    from index.map.library_map import LibraryMap as LibraryMap
    from index.map.request import MapRequest as MapRequest
    from index.map.results import MapReport as MapReport
    from index.playlists.request import Arc as Arc
    from index.playlists.request import PlaylistRequest as PlaylistRequest
    from index.playlists.results import Playlist as Playlist
    from index.search.request import SearchRequest as SearchRequest
    from index.search.results import Neighbour as Neighbour
    from index.search.results import QueryResult as QueryResult
    from index.taste.request import EventRequest as EventRequest
    from index.taste.results import TasteReport as TasteReport
    from soundalike.live.heard import Heard as Heard
    from soundalike.live.listening import listen as listen
    from soundalike.live.settings import ListenSettings as ListenSettings
    from soundalike.live.sources.file import FileSource as FileSource
    from soundalike.live.sources.microphone import Microphone as Microphone
    from soundalike.live.sources.pipe import PipeSource as PipeSource

_HOMES = {
    "Arc": "index.playlists.request",
    "AuditSettings": "index.audit.audit",
    "Classification": "embedder.encoding.classifier",
    "ClassifiedTrack": "index.labels.classify.results",
    "ClassifyReport": "index.labels.classify.results",
    "ClassifyRequest": "index.labels.classify.request",
    "Dataset": "embedder.datasets.dataset",
    "EncodingFailure": "embedder.encoding.requests",
    "Evaluation": "index.evaluate.results",
    "EvaluationSettings": "index.evaluate.settings",
    "EventRequest": "index.taste.request",
    "FileSource": "soundalike.live.sources.file",
    "Heard": "soundalike.live.heard",
    "IndexOptions": "index.indexing.request",
    "IndexReport": "index.indexing.results",
    "LabelReport": "index.labels.results",
    "LabelRequest": "index.labels.request",
    "LabelVote": "index.labels.results",
    "Library": "index.library",
    "LibraryMap": "index.map.library_map",
    "ListRequest": "index.library_folder.finding.request",
    "ListenSettings": "soundalike.live.settings",
    "MapReport": "index.map.results",
    "MapRequest": "index.map.request",
    "Microphone": "soundalike.live.sources.microphone",
    "Neighbour": "index.search.results",
    "PipeSource": "soundalike.live.sources.pipe",
    "Playlist": "index.playlists.results",
    "PlaylistRequest": "index.playlists.request",
    "QueryResult": "index.search.results",
    "SearchRequest": "index.search.request",
    "SoundalikeError": "embedder.errors",
    "TasteReport": "index.taste.results",
    "TrackClassifier": "embedder.encoding.classifier",
    "TrackEncoder": "embedder.encoding.encoder",
    "TrackEncoding": "embedder.encoding.requests",
    "TrackList": "index.library_folder.finding.results",
    "TrackRecord": "index.catalogue.records",
    "TrackRequest": "embedder.encoding.requests",
    "TrackTagger": "embedder.encoding.tagger",
    "TrainingConfig": "embedder.config.training",
    "TrainingRequest": "embedder.training.settings",
    "TrainingResult": "embedder.training.folder.run_folder",
    "VoteSettings": "index.labels.request",
    "audit": "index.audit.audit",
    "combine_models": "embedder.models.combining",
    "evaluate": "index.evaluate.evaluation",
    "get_model": "embedder.models.get.getting",
    "library_subject": "index.evaluate.subjects",
    "listen": "soundalike.live.listening",
    "open_subject": "index.evaluate.subjects",
    "read_whole": "embedder.audio.reading",
    "tracks_in": "index.library_folder.frames",
    "train": "embedder.training.train",
    "training_config": "embedder.training.settings",
    "write_music_folder": "embedder.datasets.synthesis.folder",
}
__all__ = tuple(_HOMES)

if not TYPE_CHECKING:  # a type checker would take any name for a public one

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(_HOMES[name]), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
