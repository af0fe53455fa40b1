"""Write tables and figures: text, Markdown, CSV, LaTeX, PNG, SVG, and the page."""
