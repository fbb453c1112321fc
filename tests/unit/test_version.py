import warnings

import pytest

from mmmultas import version


def test_the_tested_stack_is_silent():
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        assert version.check_stack() == []


def test_an_untried_version_and_a_missing_package(monkeypatch):
    found = {'onedl-mmcv': '9.1.0', 'mmdet': '3.3.0', 'mmengine': '0.10.7'}
    monkeypatch.setattr(version, '_installed', found.get)
    with pytest.warns(UserWarning, match='onedl-mmcv 9.1.0 was never tried'):
        sentences = version.check_stack()
    assert len(sentences) == 2
    assert 'mmseg is not installed' in sentences[1]
