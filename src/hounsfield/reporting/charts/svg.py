"""`element`: one SVG element as safe text; `drawing`: a figure with its description."""

from __future__ import annotations

from markupsafe import Markup, escape


def element(name: str, /, *children: str | Markup, **attributes: str | float | None) -> Markup:
    """`<name …>children</name>`: values and plain children are escaped, numbers rounded to a tenth, None is left out.

    Attribute names have their underscores turned into hyphens; a trailing one is dropped (`class_`).
    """
    parts = [Markup("<") + name]
    for key, value in attributes.items():
        if value is not None:
            text = plain(value) if isinstance(value, int | float) else value
            parts.append(Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), text))
    inside = Markup("").join(escape(child) for child in children)
    return Markup("").join(parts) + Markup(">") + inside + Markup("</") + name + Markup(">")


def plain(value: float) -> str:
    """A coordinate: a tenth of a unit is finer than a screen shows."""
    return f"{value:.1f}".removesuffix(".0")


def drawing(*children: Markup, width: float, height: float, title: str, class_: str = "chart") -> Markup:
    """A figure that scales with its place; `title` says in a sentence what it shows."""
    return element(
        "svg",
        element("title", title),
        *children,
        viewBox=f"0 0 {plain(width)} {plain(height)}",
        role="img",
        aria_label=title,
        class_=class_,
    )


def strip(*children: Markup, height: float, title: str, class_: str = "strip") -> Markup:
    """A figure as wide as its place whose x coordinates are percentages, so that its text never shrinks."""
    return element(
        "svg",
        element("title", title),
        *children,
        width="100%",
        height=height,
        role="img",
        aria_label=title,
        class_=class_,
    )


def share(value: float, low: float = 0.0, high: float = 1.0) -> str:
    """Where `value` lies between `low` and `high`, as an SVG percentage held inside the strip."""
    place = (value - low) / (high - low) if high > low else 0.0
    return f"{100 * min(max(place, 0.0), 1.0):.2f}%"
