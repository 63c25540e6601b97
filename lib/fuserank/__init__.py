"""fuserank: a shop's events in, a fused ranking table out."""

import pyarrow_hotfix as _pyarrow_hotfix  # noqa: F401  # closes CVE-2023-47248 before any file is read

__version__ = "0.1.0"
