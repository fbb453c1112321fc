import pytest
from mmengine.logging import MessageHub, MMLogger
from mmengine.visualization import Visualizer

from mmmultas.utils.instances import as_they_were


class OtherVisualizer(Visualizer):
    """A kind of its own, with instances of its own."""


def test_what_is_made_within_is_forgotten(tmp_path):
    MessageHub.get_instance('before')
    with pytest.raises(ValueError), as_they_were():
        log = MMLogger.get_instance('in', log_file=str(tmp_path / 'x.log'))
        [file] = [h for h in log.handlers if hasattr(h, 'baseFilename')]
        for kind in (MessageHub, Visualizer, OtherVisualizer):
            kind.get_instance('in')
        assert MessageHub.get_current_instance().instance_name == 'in'
        raise ValueError
    assert file.stream is None  # closed
    assert MessageHub.get_current_instance().instance_name == 'before'
    for kind in (MMLogger, MessageHub, Visualizer, OtherVisualizer):
        assert not kind.check_instance_created('in')
