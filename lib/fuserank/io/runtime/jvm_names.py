"""What pyspark looks up in the JVM by name for each column that it makes, looked up once a process.

py4j asks the JVM for a class whenever its name is used, and then for the function; for a name that is imported
the JVM tries several packages, and misses each among the entries of hundreds of jars. Of what an ingest of ten
rows asks of the JVM these were two fifths.
"""

from __future__ import annotations

from typing import Any

_CLASSES = ("functions", "org.apache.spark.sql.functions", "PythonUtils", "PythonSQLUtils")


class _Known:
    """A class of the JVM; its functions are asked for at their first use."""

    def __init__(self, found: Any) -> None:
        self._found = found

    def __getattr__(self, name: str) -> Any:
        member = getattr(self._found, name)
        setattr(self, name, member)
        return member


def look_up_once(jvm: Any) -> None:
    """Let the view of a JVM (``SparkContext._jvm``) keep the classes that columns are made by."""
    for name in _CLASSES:
        if not isinstance(vars(jvm).get(name), _Known):
            setattr(jvm, name, _Known(getattr(jvm, name)))
