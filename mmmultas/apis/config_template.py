"""Moved to :mod:`mmmultas.projects.config_template`."""
from mmmultas.utils.moved import moved

__getattr__ = moved(__name__, 'mmmultas.projects.config_template')
