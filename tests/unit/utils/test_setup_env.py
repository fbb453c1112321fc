import builtins
import subprocess
import sys

import pytest
from mmengine.config.utils import MODULE2PACKAGE
from mmengine.hub import get_config, get_model
from mmengine.registry import DefaultScope

import mmmultas
from mmmultas.utils import register_all_modules, setup_env

ASK = """
import mmengine.registry as r
import mmmultas
mmmultas.register_all_modules(init_default_scope={})
scope = r.DefaultScope.get_current_instance()
print(scope and scope.scope_name, 'SegMetric' in
      r.METRICS._search_child('mmmultas').module_dict)
"""


@pytest.mark.parametrize('init, said', [(True, 'mmdet True'),
                                        (False, 'None True')])
def test_all_modules_are_registered(init, said):
    done = subprocess.run([sys.executable, '-c', ASK.format(init)],
                          capture_output=True, text=True)
    assert done.stdout.split('\n')[-2] == said, done.stderr


def test_another_default_scope_is_not_replaced_in_silence():
    with DefaultScope.overwrite_default_scope('mmseg'):
        register_all_modules(init_default_scope=False)
        assert DefaultScope.get_current_instance().scope_name == 'mmseg'
        with pytest.warns(UserWarning, match="was 'mmseg' and is now 'mmdet'"):
            register_all_modules()
        assert DefaultScope.get_current_instance().scope_name == 'mmdet'


def test_mmengine_knows_the_package(monkeypatch):
    assert MODULE2PACKAGE['mmmultas'] == 'mmmultas'
    assert mmmultas.register_all_modules is register_all_modules
    cfg = get_config('mmmultas::multas/rn18_fpn_mtl.py')
    assert cfg.model.type == 'mmmultas.MultiTaskDetSeg'
    kept = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith('mmengine'):
            raise ImportError(name)
        return kept(name, *args, **kwargs)

    monkeypatch.setattr(builtins, '__import__', without)
    setup_env.register_package()  # where it is not there: nothing


def test_mmengine_builds_a_model_by_its_name():
    model = get_model('mmmultas::demo/rn18-16_fpn_mtl_digits.py')
    assert type(model).__module__ == 'mmmultas.models.multitask.det_seg'
