"""Errors for people: one sentence that names the culprit and the mend."""

__all__ = [
    'UserError', 'ConfigError', 'DataError', 'CheckpointError',
    'TrainingError'
]


class UserError(ValueError):
    """What a user can mend; the tools print its sentence, no traceback."""


class ConfigError(UserError):
    """A config key or a command-line option that cannot work."""


class DataError(UserError):
    """A file of a data set that is missing, broken or contradictory."""


class CheckpointError(UserError):
    """A checkpoint that is missing, broken, unsafe or of another model."""


class TrainingError(UserError):
    """A run that cannot go on."""
