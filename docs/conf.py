"""The site: the Markdown of this folder by Sphinx and MyST. `make site`; warnings are errors there."""

project = "fuserank"
extensions = ["myst_parser", "sphinxcontrib.mermaid"]
myst_fence_as_directive = ["mermaid"]
myst_heading_anchors = 4  # an anchor for each heading, as repository browsers make them
highlight_language = "text"  # of blocks that name no language
nitpicky = True

html_theme = "pydata_sphinx_theme"
html_title = "fuserank"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_sidebars = {"index": [], "tutorial": []}
html_copy_source = False
html_show_sphinx = False
html_theme_options = {
    "secondary_sidebar_items": ["page-toc"],
    "show_prev_next": True,
    "header_links_before_dropdown": 6,
    "footer_start": [],
    "footer_end": [],
}
