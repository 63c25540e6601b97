"""Windows as dates: where labels of a run as of a day begin and end.

Their length is windows.label_days of the settings.
"""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple


class Window(NamedTuple):
    """The days from ``start`` on, without ``end``; both begin at 00:00 UTC."""

    start: dt.date
    end: dt.date


def label_window(as_of: dt.date, label_days: int, back: int = 0) -> Window:
    """The label window that begins ``back`` windows before ``as_of``: 0 is judged by, 1 validates, 2 trains."""
    start = as_of - dt.timedelta(days=back * label_days)
    return Window(start, start + dt.timedelta(days=label_days))


def held_out_days(label_days: int) -> tuple[int, int, int]:
    """Days before as_of at which the windows begin that a run judges, validates and trains by."""
    return 0, label_days, 2 * label_days
