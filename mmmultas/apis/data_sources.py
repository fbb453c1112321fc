"""Moved to :mod:`mmmultas.projects.data_sources`."""
from mmmultas.utils.moved import moved

__getattr__ = moved(__name__, 'mmmultas.projects.data_sources',
                    'mmmultas.projects.mask_sources')
