"""fuserank: a shop's events in, a fused ranking table out."""

import re as _re

import pyarrow as _pyarrow

# CVE-2023-47248: a file could run code through pyarrow below 14.0.1; closed before any file is read
if tuple(int(n) for n in _re.findall(r"\d+", _pyarrow.__version__)[:3]) < (14, 0, 1):
    try:
        import pyarrow_hotfix as _pyarrow_hotfix  # noqa: F401
    except ImportError:
        raise ImportError(
            f"pyarrow {_pyarrow.__version__} is open to CVE-2023-47248: install pyarrow-hotfix, or pyarrow 14.0.1 or later"
        ) from None

__version__ = "0.1.0"
