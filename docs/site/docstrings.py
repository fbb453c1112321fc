"""Docstrings as mkdocstrings reads them: doctests are code, roles are not."""
import re
from typing import Any

import griffe

_ROLE = re.compile(r':(?:func|class|meth|mod|data|attr):(?=`)')


class Docstrings(griffe.Extension):
    """``Example:`` opens a section with code, as ``Examples:`` does."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        """Change what was read of a module, class or function."""
        if obj.docstring:
            text = re.sub('^Example:$', 'Examples:', obj.docstring.value,
                          flags=re.M)
            obj.docstring.value = _ROLE.sub('', text)
