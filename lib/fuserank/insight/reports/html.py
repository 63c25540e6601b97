"""A self-contained HTML page with plotly charts: style, shell, cards, tables. It knows nothing of what is shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import plotly.graph_objects as go

INK, GRID, PAPER = "#1f2a33", "#e4e8ec", "rgba(0,0,0,0)"
STYLE = """
:root{--ink:#1f2a33;--soft:#5d6974;--line:#e1e6ea;--bg:#f4f6f7;--card:#fff;--good:#0b6e4f;--chip:#eef2f4}
*{box-sizing:border-box}body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
main{max-width:1180px;margin:0 auto;padding:28px 24px 60px}h1{margin:0;font-size:27px;letter-spacing:-.01em}
h2{margin:0 0 2px;font-size:18px}p.note{margin:0 0 10px;color:var(--soft);font-size:13.5px}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(170px,1fr));gap:14px;margin:20px 0}
.tile,.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:16px 18px}
.tile b{display:block;line-height:31px;white-space:nowrap}.tile span{color:var(--soft);font-size:13px}
.grid{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:16px}
.card{min-width:0;overflow:hidden;margin-bottom:16px}.grid .card{margin:0}
.grid+.card,.grid+.grid{margin-top:16px}.sides{display:grid;grid-template-columns:2fr 5fr;gap:26px;align-items:start}
details{border-top:1px solid var(--line);padding:10px 0}summary{cursor:pointer;font-weight:600}
summary small{font-weight:400;color:var(--soft);margin-left:8px}
table{border-collapse:collapse;width:100%;font-size:13.5px}
th{text-align:left;color:var(--soft);font-weight:500;border-bottom:1px solid var(--line);padding:4px 8px 4px 0}
td{padding:5px 8px 5px 0;border-bottom:1px solid #f0f2f4;vertical-align:top}
td.n,th.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
td.n:not(:last-child),th.n:not(:last-child){padding-right:18px}
.hit{color:var(--good);font-weight:600}.why{color:var(--soft)}.empty{color:var(--soft);padding:24px 0}
a{color:var(--good)}.wide{overflow-x:auto}.wide table.many{min-width:760px}
.many td:not(:last-child){white-space:nowrap}.full{grid-column:1/-1}.tile{container-type:inline-size}
ul.plain{margin:0;padding-left:18px}
@media(max-width:900px){.sides,.grid{grid-template-columns:1fr}}
@media(max-width:520px){table{font-size:12.5px}td.n:not(:last-child),th.n:not(:last-child){padding-right:8px}
.wide td:first-child:not(.n){overflow-wrap:anywhere;min-width:104px}main{padding:18px 12px 40px}
.tile,.card{padding:12px}.tiles{grid-template-columns:repeat(2,minmax(0,1fr));gap:10px}}
"""
# a link to a <details> opens it; a chart that was drawn in a closed <details> has no width yet
_DETAILS = """<script>{const d=document.getElementById(location.hash.slice(1));if(d&&d.tagName=='DETAILS')d.open=true}
document.querySelectorAll('details').forEach(d=>d.addEventListener('toggle',()=>
d.querySelectorAll('.plotly-graph-div').forEach(g=>Plotly.Plots.resize(g))))</script>"""


def page(title: str, body: str) -> str:
    """The whole document; plotly's script stands in it once."""
    from plotly.offline import get_plotlyjs

    script = _DETAILS if "<details" in body else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport"'
        ' content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style><script>{get_plotlyjs()}</script></head>"
        f"<body><main>{body}</main>{script}</body></html>\n"
    )


def tiles(numbers: Iterable[tuple[str, str]]) -> str:
    """Large numbers, each with its words."""
    inner = "".join(
        f'<div class=tile><b style="font-size:{_fitting(a)}">{escape(a)}</b><span>{escape(b)}</span></div>'
        for a, b in numbers
    )
    return f'<div class="tiles">{inner}</div>'


def _fitting(text: str) -> str:
    """The size at which a number stays on one line of its tile: a bold digit is about two thirds as wide as high."""
    return f"clamp(12px,{150 / max(len(text), 1):.1f}cqw,26px)"


def grid(cards: Sequence[str]) -> str:
    """Sections two by two; the last of an odd number has a row of its own."""
    last = [cards[-1].replace('class="card"', 'class="card full"', 1)] if len(cards) % 2 else list(cards[-1:])
    return f'<div class="grid">{"".join([*cards[:-1], *last])}</div>' if cards else ""


def card(name: str, title: str, note: str, inner: str) -> str:
    """A section with a heading; ``inner`` is HTML."""
    note_html = f"<p class=note>{escape(note)}</p>" if note else ""
    return f'<section class="card" id="{name}"><h2>{escape(title)}</h2>{note_html}{inner}</section>'


def chart_card(name: str, title: str, note: str, figure: go.Figure | None, missing: str) -> str:
    """A section with a chart, or with what is said where there is none."""
    inner = f'<p class="empty">{escape(missing)}</p>' if figure is None else html(figure, name)
    return card(name, title, note, inner)


def html(figure: go.Figure, name: str) -> str:
    """The chart as HTML; it follows the width that it is given."""
    config = {"displayModeBar": False, "responsive": True, "displaylogo": False}
    return str(figure.to_html(full_html=False, include_plotlyjs=False, div_id=f"chart-{name}", config=config))


def table(head: Sequence[str], rows: Iterable[Sequence[str]], numbers: Iterable[int] = ()) -> str:
    """A table of text; ``numbers`` are the columns that stand to the right."""
    right = set(numbers)

    def cells(tag: str, row: Sequence[str]) -> str:
        return "".join(f"<{tag}{' class=n' if n in right else ''}>{escape(c)}</{tag}>" for n, c in enumerate(row))

    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    many = " class=many" if len(head) > 4 else ""
    return f"<div class=wide><table{many}><tr>{cells('th', head)}</tr>{body}</table></div>"


def styled(figure: go.Figure, height: int, legend: bool = True) -> go.Figure:
    """The look that all charts share."""
    figure.update_layout(
        height=height,
        margin={"l": 10, "r": 10, "t": 34 if legend else 10, "b": 10},
        paper_bgcolor=PAPER,
        plot_bgcolor=PAPER,
        font={"family": "system-ui, sans-serif", "size": 13, "color": INK},
        showlegend=legend,
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0, "traceorder": "normal"},
        bargap=0.3,
    )
    figure.update_xaxes(gridcolor=GRID, zeroline=False, automargin=True)
    figure.update_yaxes(gridcolor=GRID, zeroline=False, automargin=True, ticksuffix=" ")
    return figure
