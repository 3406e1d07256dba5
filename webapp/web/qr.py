"""QR codes of our own addresses, for pages (SVG) and printed sheets (one small picture per document)."""

import segno
from markupsafe import Markup


def svg(address: str, *, label: str) -> Markup:
    """The code as inline SVG that grows with its box; `label` is what a screen reader says."""
    code = segno.make(address, micro=False, error="m")
    drawing = code.svg_inline(border=4, omitsize=True, svgclass="qr", lineclass=None, light="#fff")
    opening = Markup('<svg role="img" aria-label="{}" ').format(label)
    # segno draws from the address's bits; no text of ours is in the drawing.
    return opening + Markup(drawing.removeprefix("<svg "))  # noqa: S704


def data_uri(address: str) -> str:
    """The code as a data: address of a black and white PNG, for PDFs: it is stored once however many pages show it."""
    return segno.make(address, micro=False, error="m").png_data_uri(border=0, scale=8)
