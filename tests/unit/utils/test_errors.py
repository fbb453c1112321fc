import pickle

from mmmultas.utils.errors import (CheckpointError, ConfigError, DataError,
                                   TrainingError, UserError)


def test_one_family_that_survives_the_way_from_a_worker():
    for kind in (CheckpointError, ConfigError, DataError, TrainingError):
        error = pickle.loads(pickle.dumps(kind('a sentence')))
        assert isinstance(error, UserError) and isinstance(error, ValueError)
        assert str(error) == 'a sentence'
