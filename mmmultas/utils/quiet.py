"""A console that says what a person wants to know; the log file has the rest.

MMEngine writes the environment, the whole config, a line per parameter and
the order of all hooks, and other packages say which of their parts are not
installed: hundreds of lines before the first loss.
"""
import contextlib
import importlib
import io
import logging
import re
import warnings
from functools import lru_cache

__all__ = ['ConsoleFilter', 'import_stock', 'quiet_console']

#: Beginnings of messages for the log file alone.
_DETAILS = re.compile(
    r'\s*-{20,}\nSystem environment'
    r'|Config:\n'
    r'|Hooks will be executed in the following order'
    r'|paramwise_options -- '
    r'|[\w.]+ is skipped since its requires_grad=False'
    r'|There is no `ema_state_dict` in checkpoint'
    r'|\s*[\w.]+ - torch\.Size\('
    r'|Distributed training is not used, all SyncBatchNorm'
    r'|"FileClient" will be deprecated'
    r'|"HardDiskBackend" is the alias'
    r'|Checkpoints will be saved to '
    r'|Using env variable `'
    r'|Exp name: ')
#: Warnings of packages about parts of theirs that nobody uses here.
_MEANINGLESS = ('.*metrics will not be computed.*', '.*OneDL.*')
_STOCK = ('mmdet.datasets', 'mmdet.evaluation', 'mmdet.models',
          'mmseg.datasets', 'mmseg.evaluation', 'mmseg.models')


class ConsoleFilter(logging.Filter):
    """Lets pass what is no detail."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a record is for the console."""
        return not _DETAILS.match(str(record.msg))


def quiet_console(logger: logging.Logger) -> list[str]:
    """Keep details from the console handlers of a logger.

    Returns:
        The files that have everything.
    """
    files = []
    for handler in logger.handlers:
        if isinstance(handler, logging.FileHandler):
            files.append(handler.baseFilename)
        elif not any(isinstance(f, ConsoleFilter) for f in handler.filters):
            handler.addFilter(ConsoleFilter())
    return files


@lru_cache
def import_stock() -> None:
    """Import MMDetection and MMSegmentation without their remarks."""
    with contextlib.redirect_stdout(io.StringIO()), \
            warnings.catch_warnings():
        for message in _MEANINGLESS:
            warnings.filterwarnings('ignore', message)
        for name in _STOCK:
            importlib.import_module(name)
