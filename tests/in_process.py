"""Tools called as from the command line, without the start of Python."""
import contextlib
import io
import runpy
import sys
import traceback
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

ROOT = Path(__file__).resolve().parents[1]


def run_tool(tool, *args):
    """Run ``tools/{tool}.py``; what it printed and its exit status.

    Importing PyTorch and OpenMMLab takes longer than most of what a test
    asks of a tool.
    """
    path = str(ROOT / f'tools/{tool}.py')
    out, err, code = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(
            err), mock.patch.object(sys, 'argv', [path, *map(str, args)]):
        try:
            runpy.run_path(path, run_name='__main__')
        except SystemExit as end:
            code = end.code or 0
        except BaseException:
            traceback.print_exc(file=err)
            code = 1
    return SimpleNamespace(
        returncode=code, stdout=out.getvalue(), stderr=err.getvalue())
