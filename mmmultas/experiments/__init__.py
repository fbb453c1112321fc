"""Tables of many trainings: matrices, their cells and jobs."""
from .matrix import Matrix, read_matrix
from .matrix_run import run_matrix

__all__ = ['Matrix', 'read_matrix', 'run_matrix']
