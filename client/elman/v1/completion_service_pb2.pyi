from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class FinishReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FINISH_REASON_UNSPECIFIED: _ClassVar[FinishReason]
    FINISH_REASON_LENGTH: _ClassVar[FinishReason]
    FINISH_REASON_STOP: _ClassVar[FinishReason]
    FINISH_REASON_CONFIDENCE: _ClassVar[FinishReason]
FINISH_REASON_UNSPECIFIED: FinishReason
FINISH_REASON_LENGTH: FinishReason
FINISH_REASON_STOP: FinishReason
FINISH_REASON_CONFIDENCE: FinishReason

class Model(_message.Message):
    __slots__ = ("name", "digest")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    name: str
    digest: str
    def __init__(self, name: _Optional[str] = ..., digest: _Optional[str] = ...) -> None: ...

class Sampling(_message.Message):
    __slots__ = ("temperature", "top_k", "top_p", "min_p", "seed")
    TEMPERATURE_FIELD_NUMBER: _ClassVar[int]
    TOP_K_FIELD_NUMBER: _ClassVar[int]
    TOP_P_FIELD_NUMBER: _ClassVar[int]
    MIN_P_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    temperature: float
    top_k: int
    top_p: float
    min_p: float
    seed: int
    def __init__(self, temperature: _Optional[float] = ..., top_k: _Optional[int] = ..., top_p: _Optional[float] = ..., min_p: _Optional[float] = ..., seed: _Optional[int] = ...) -> None: ...

class Limits(_message.Message):
    __slots__ = ("max_characters", "stop", "min_confidence")
    MAX_CHARACTERS_FIELD_NUMBER: _ClassVar[int]
    STOP_FIELD_NUMBER: _ClassVar[int]
    MIN_CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    max_characters: int
    stop: _containers.RepeatedScalarFieldContainer[str]
    min_confidence: float
    def __init__(self, max_characters: _Optional[int] = ..., stop: _Optional[_Iterable[str]] = ..., min_confidence: _Optional[float] = ...) -> None: ...

class CompleteRequest(_message.Message):
    __slots__ = ("model", "state", "prefix", "already_received", "sampling", "limits", "alternatives", "first_alternative", "include_log_probabilities")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    PREFIX_FIELD_NUMBER: _ClassVar[int]
    ALREADY_RECEIVED_FIELD_NUMBER: _ClassVar[int]
    SAMPLING_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    ALTERNATIVES_FIELD_NUMBER: _ClassVar[int]
    FIRST_ALTERNATIVE_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_LOG_PROBABILITIES_FIELD_NUMBER: _ClassVar[int]
    model: Model
    state: bytes
    prefix: str
    already_received: str
    sampling: Sampling
    limits: Limits
    alternatives: int
    first_alternative: int
    include_log_probabilities: bool
    def __init__(self, model: _Optional[_Union[Model, _Mapping]] = ..., state: _Optional[bytes] = ..., prefix: _Optional[str] = ..., already_received: _Optional[str] = ..., sampling: _Optional[_Union[Sampling, _Mapping]] = ..., limits: _Optional[_Union[Limits, _Mapping]] = ..., alternatives: _Optional[int] = ..., first_alternative: _Optional[int] = ..., include_log_probabilities: _Optional[bool] = ...) -> None: ...

class CompleteResponse(_message.Message):
    __slots__ = ("started", "piece", "finished")
    STARTED_FIELD_NUMBER: _ClassVar[int]
    PIECE_FIELD_NUMBER: _ClassVar[int]
    FINISHED_FIELD_NUMBER: _ClassVar[int]
    started: Started
    piece: Piece
    finished: Finished
    def __init__(self, started: _Optional[_Union[Started, _Mapping]] = ..., piece: _Optional[_Union[Piece, _Mapping]] = ..., finished: _Optional[_Union[Finished, _Mapping]] = ...) -> None: ...

class Started(_message.Message):
    __slots__ = ("model", "seed", "start_position")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    START_POSITION_FIELD_NUMBER: _ClassVar[int]
    model: Model
    seed: int
    start_position: int
    def __init__(self, model: _Optional[_Union[Model, _Mapping]] = ..., seed: _Optional[int] = ..., start_position: _Optional[int] = ...) -> None: ...

class Piece(_message.Message):
    __slots__ = ("text", "alternative", "position", "log_probabilities")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    ALTERNATIVE_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    LOG_PROBABILITIES_FIELD_NUMBER: _ClassVar[int]
    text: str
    alternative: int
    position: int
    log_probabilities: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, text: _Optional[str] = ..., alternative: _Optional[int] = ..., position: _Optional[int] = ..., log_probabilities: _Optional[_Iterable[float]] = ...) -> None: ...

class Finished(_message.Message):
    __slots__ = ("alternative", "reason", "state", "usage")
    ALTERNATIVE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    alternative: int
    reason: FinishReason
    state: bytes
    usage: Usage
    def __init__(self, alternative: _Optional[int] = ..., reason: _Optional[_Union[FinishReason, str]] = ..., state: _Optional[bytes] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ...) -> None: ...

class Usage(_message.Message):
    __slots__ = ("consumed_characters", "spared_characters", "unknown_characters", "generated_characters", "queue_seconds", "prime_seconds", "decode_seconds", "recalled_characters")
    CONSUMED_CHARACTERS_FIELD_NUMBER: _ClassVar[int]
    SPARED_CHARACTERS_FIELD_NUMBER: _ClassVar[int]
    UNKNOWN_CHARACTERS_FIELD_NUMBER: _ClassVar[int]
    GENERATED_CHARACTERS_FIELD_NUMBER: _ClassVar[int]
    QUEUE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    PRIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    DECODE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    RECALLED_CHARACTERS_FIELD_NUMBER: _ClassVar[int]
    consumed_characters: int
    spared_characters: int
    unknown_characters: int
    generated_characters: int
    queue_seconds: float
    prime_seconds: float
    decode_seconds: float
    recalled_characters: int
    def __init__(self, consumed_characters: _Optional[int] = ..., spared_characters: _Optional[int] = ..., unknown_characters: _Optional[int] = ..., generated_characters: _Optional[int] = ..., queue_seconds: _Optional[float] = ..., prime_seconds: _Optional[float] = ..., decode_seconds: _Optional[float] = ..., recalled_characters: _Optional[int] = ...) -> None: ...

class FollowRequest(_message.Message):
    __slots__ = ("revision", "open", "edit", "accept", "dismiss")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    OPEN_FIELD_NUMBER: _ClassVar[int]
    EDIT_FIELD_NUMBER: _ClassVar[int]
    ACCEPT_FIELD_NUMBER: _ClassVar[int]
    DISMISS_FIELD_NUMBER: _ClassVar[int]
    revision: int
    open: Open
    edit: Edit
    accept: Accept
    dismiss: Dismiss
    def __init__(self, revision: _Optional[int] = ..., open: _Optional[_Union[Open, _Mapping]] = ..., edit: _Optional[_Union[Edit, _Mapping]] = ..., accept: _Optional[_Union[Accept, _Mapping]] = ..., dismiss: _Optional[_Union[Dismiss, _Mapping]] = ...) -> None: ...

class Open(_message.Message):
    __slots__ = ("model", "state", "prefix", "sampling", "limits", "alternatives", "include_log_probabilities", "suggest", "include_state", "use_model_confidence")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    PREFIX_FIELD_NUMBER: _ClassVar[int]
    SAMPLING_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    ALTERNATIVES_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_LOG_PROBABILITIES_FIELD_NUMBER: _ClassVar[int]
    SUGGEST_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_STATE_FIELD_NUMBER: _ClassVar[int]
    USE_MODEL_CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    model: Model
    state: bytes
    prefix: str
    sampling: Sampling
    limits: Limits
    alternatives: int
    include_log_probabilities: bool
    suggest: bool
    include_state: bool
    use_model_confidence: bool
    def __init__(self, model: _Optional[_Union[Model, _Mapping]] = ..., state: _Optional[bytes] = ..., prefix: _Optional[str] = ..., sampling: _Optional[_Union[Sampling, _Mapping]] = ..., limits: _Optional[_Union[Limits, _Mapping]] = ..., alternatives: _Optional[int] = ..., include_log_probabilities: _Optional[bool] = ..., suggest: _Optional[bool] = ..., include_state: _Optional[bool] = ..., use_model_confidence: _Optional[bool] = ...) -> None: ...

class Edit(_message.Message):
    __slots__ = ("keep", "insert", "suggest")
    KEEP_FIELD_NUMBER: _ClassVar[int]
    INSERT_FIELD_NUMBER: _ClassVar[int]
    SUGGEST_FIELD_NUMBER: _ClassVar[int]
    keep: int
    insert: str
    suggest: bool
    def __init__(self, keep: _Optional[int] = ..., insert: _Optional[str] = ..., suggest: _Optional[bool] = ...) -> None: ...

class Accept(_message.Message):
    __slots__ = ("alternative", "characters", "suggest")
    ALTERNATIVE_FIELD_NUMBER: _ClassVar[int]
    CHARACTERS_FIELD_NUMBER: _ClassVar[int]
    SUGGEST_FIELD_NUMBER: _ClassVar[int]
    alternative: int
    characters: int
    suggest: bool
    def __init__(self, alternative: _Optional[int] = ..., characters: _Optional[int] = ..., suggest: _Optional[bool] = ...) -> None: ...

class Dismiss(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class FollowResponse(_message.Message):
    __slots__ = ("revision", "started", "suggestion", "finished", "need_text", "goodbye")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    STARTED_FIELD_NUMBER: _ClassVar[int]
    SUGGESTION_FIELD_NUMBER: _ClassVar[int]
    FINISHED_FIELD_NUMBER: _ClassVar[int]
    NEED_TEXT_FIELD_NUMBER: _ClassVar[int]
    GOODBYE_FIELD_NUMBER: _ClassVar[int]
    revision: int
    started: Started
    suggestion: Piece
    finished: Finished
    need_text: NeedText
    goodbye: Goodbye
    def __init__(self, revision: _Optional[int] = ..., started: _Optional[_Union[Started, _Mapping]] = ..., suggestion: _Optional[_Union[Piece, _Mapping]] = ..., finished: _Optional[_Union[Finished, _Mapping]] = ..., need_text: _Optional[_Union[NeedText, _Mapping]] = ..., goodbye: _Optional[_Union[Goodbye, _Mapping]] = ...) -> None: ...

class NeedText(_message.Message):
    __slots__ = ("earliest_position",)
    EARLIEST_POSITION_FIELD_NUMBER: _ClassVar[int]
    earliest_position: int
    def __init__(self, earliest_position: _Optional[int] = ...) -> None: ...

class Goodbye(_message.Message):
    __slots__ = ("state", "position")
    STATE_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    state: bytes
    position: int
    def __init__(self, state: _Optional[bytes] = ..., position: _Optional[int] = ...) -> None: ...

class ScoreRequest(_message.Message):
    __slots__ = ("model", "state", "text", "include_log_probabilities")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_LOG_PROBABILITIES_FIELD_NUMBER: _ClassVar[int]
    model: Model
    state: bytes
    text: str
    include_log_probabilities: bool
    def __init__(self, model: _Optional[_Union[Model, _Mapping]] = ..., state: _Optional[bytes] = ..., text: _Optional[str] = ..., include_log_probabilities: _Optional[bool] = ...) -> None: ...

class ScoreResponse(_message.Message):
    __slots__ = ("characters", "unknown_characters", "total_log_probability", "log_probabilities", "state")
    CHARACTERS_FIELD_NUMBER: _ClassVar[int]
    UNKNOWN_CHARACTERS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_LOG_PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    LOG_PROBABILITIES_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    characters: int
    unknown_characters: int
    total_log_probability: float
    log_probabilities: _containers.RepeatedScalarFieldContainer[float]
    state: bytes
    def __init__(self, characters: _Optional[int] = ..., unknown_characters: _Optional[int] = ..., total_log_probability: _Optional[float] = ..., log_probabilities: _Optional[_Iterable[float]] = ..., state: _Optional[bytes] = ...) -> None: ...

class ListModelsRequest(_message.Message):
    __slots__ = ("include_status",)
    INCLUDE_STATUS_FIELD_NUMBER: _ClassVar[int]
    include_status: bool
    def __init__(self, include_status: _Optional[bool] = ...) -> None: ...

class ListModelsResponse(_message.Message):
    __slots__ = ("models", "server")
    MODELS_FIELD_NUMBER: _ClassVar[int]
    SERVER_FIELD_NUMBER: _ClassVar[int]
    models: _containers.RepeatedCompositeFieldContainer[ModelDescription]
    server: ServerStatus
    def __init__(self, models: _Optional[_Iterable[_Union[ModelDescription, _Mapping]]] = ..., server: _Optional[_Union[ServerStatus, _Mapping]] = ...) -> None: ...

class ServerStatus(_message.Message):
    __slots__ = ("version", "up_seconds", "is_draining", "calls", "held_bytes", "most_bytes", "models")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    UP_SECONDS_FIELD_NUMBER: _ClassVar[int]
    IS_DRAINING_FIELD_NUMBER: _ClassVar[int]
    CALLS_FIELD_NUMBER: _ClassVar[int]
    HELD_BYTES_FIELD_NUMBER: _ClassVar[int]
    MOST_BYTES_FIELD_NUMBER: _ClassVar[int]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    version: str
    up_seconds: float
    is_draining: bool
    calls: int
    held_bytes: int
    most_bytes: int
    models: _containers.RepeatedCompositeFieldContainer[ModelStatus]
    def __init__(self, version: _Optional[str] = ..., up_seconds: _Optional[float] = ..., is_draining: _Optional[bool] = ..., calls: _Optional[int] = ..., held_bytes: _Optional[int] = ..., most_bytes: _Optional[int] = ..., models: _Optional[_Iterable[_Union[ModelStatus, _Mapping]]] = ...) -> None: ...

class ModelStatus(_message.Message):
    __slots__ = ("model", "execution", "rows", "busy_rows", "waiting", "oldest_seconds", "is_kept", "is_replaced")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    EXECUTION_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    BUSY_ROWS_FIELD_NUMBER: _ClassVar[int]
    WAITING_FIELD_NUMBER: _ClassVar[int]
    OLDEST_SECONDS_FIELD_NUMBER: _ClassVar[int]
    IS_KEPT_FIELD_NUMBER: _ClassVar[int]
    IS_REPLACED_FIELD_NUMBER: _ClassVar[int]
    model: Model
    execution: str
    rows: int
    busy_rows: int
    waiting: int
    oldest_seconds: float
    is_kept: bool
    is_replaced: bool
    def __init__(self, model: _Optional[_Union[Model, _Mapping]] = ..., execution: _Optional[str] = ..., rows: _Optional[int] = ..., busy_rows: _Optional[int] = ..., waiting: _Optional[int] = ..., oldest_seconds: _Optional[float] = ..., is_kept: _Optional[bool] = ..., is_replaced: _Optional[bool] = ...) -> None: ...

class ModelDescription(_message.Message):
    __slots__ = ("model", "semantics_version", "layer_sizes", "vocabulary", "state_bytes", "about_json")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    SEMANTICS_VERSION_FIELD_NUMBER: _ClassVar[int]
    LAYER_SIZES_FIELD_NUMBER: _ClassVar[int]
    VOCABULARY_FIELD_NUMBER: _ClassVar[int]
    STATE_BYTES_FIELD_NUMBER: _ClassVar[int]
    ABOUT_JSON_FIELD_NUMBER: _ClassVar[int]
    model: Model
    semantics_version: int
    layer_sizes: _containers.RepeatedScalarFieldContainer[int]
    vocabulary: str
    state_bytes: int
    about_json: str
    def __init__(self, model: _Optional[_Union[Model, _Mapping]] = ..., semantics_version: _Optional[int] = ..., layer_sizes: _Optional[_Iterable[int]] = ..., vocabulary: _Optional[str] = ..., state_bytes: _Optional[int] = ..., about_json: _Optional[str] = ...) -> None: ...
