"""One page of what a set of runs has found."""
from .build import ReportOptions, write_report

__all__ = ['ReportOptions', 'write_report']
