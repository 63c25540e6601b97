"""fuserank: a shop's events in, a fused ranking table out."""

import re as _re
import sys as _sys
from importlib.abc import Loader as _Loader
from importlib.abc import MetaPathFinder as _MetaPathFinder
from importlib.machinery import ModuleSpec as _ModuleSpec
from types import ModuleType as _ModuleType
from typing import Any as _Any

__version__ = "0.2.0"


def _closed(pyarrow: _ModuleType) -> None:
    """CVE-2023-47248: a file could run code through pyarrow below 14.0.1; closed before any file is read."""
    if tuple(int(n) for n in _re.findall(r"\d+", pyarrow.__version__)[:3]) < (14, 0, 1):
        try:
            import pyarrow_hotfix as _pyarrow_hotfix  # noqa: F401
        except ImportError:
            raise ImportError(
                f"pyarrow {pyarrow.__version__} is open to CVE-2023-47248: install pyarrow-hotfix, or pyarrow 14.0.1 or"
                " later"
            ) from None


class _Closing(_Loader):
    """Loads pyarrow as it would be loaded, then closes the hole."""

    def __init__(self, loader: _Any) -> None:
        self.loader = loader

    def create_module(self, spec: _ModuleSpec) -> _ModuleType | None:
        module: _ModuleType | None = self.loader.create_module(spec)
        return module

    def exec_module(self, module: _ModuleType) -> None:
        self.loader.exec_module(module)
        _closed(module)


class _PyarrowFinder(_MetaPathFinder):
    """Meets the first import of pyarrow: whoever only asks for help need not wait for it."""

    def find_spec(self, name: str, path: _Any = None, target: _Any = None) -> _ModuleSpec | None:
        """pyarrow's own spec with a loader around its own; nothing for other names.

        Some only ask whether it is there, and import it later.
        """
        if name != "pyarrow":
            return None
        others = (f for f in _sys.meta_path if f is not self)
        spec = next((found for f in others if (found := f.find_spec(name, path, target)) is not None), None)
        if spec is not None and spec.loader is not None:
            spec.loader = _Closing(spec.loader)
        return spec


if "pyarrow" in _sys.modules:
    _closed(_sys.modules["pyarrow"])
else:
    _sys.meta_path.insert(0, _PyarrowFinder())
