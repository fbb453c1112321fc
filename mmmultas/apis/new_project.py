"""Moved to :mod:`mmmultas.projects.new_project`."""
from mmmultas.utils.moved import moved

__getattr__ = moved(__name__, 'mmmultas.projects.new_project')
