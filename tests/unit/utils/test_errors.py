import pytest

from mmmultas.utils import CheckpointError, ConfigError, DataError, UserError


@pytest.mark.parametrize('kind', [CheckpointError, ConfigError, DataError])
def test_family_is_told_from_other_errors(kind):
    assert issubclass(kind, UserError)
    assert issubclass(kind, ValueError)
    with pytest.raises(UserError, match='^`lr` must be positive.$'):
        raise kind('`lr` must be positive.')
    assert not issubclass(ValueError, UserError)
