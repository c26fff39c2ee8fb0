"""The look of Gradio's own controls: black on white, one blue, fonts that are already on the machine."""

from __future__ import annotations

import gradio as gr

FONTS = ["Arial", "Helvetica", "sans-serif"]
"""Fonts of the operating system; nothing is fetched."""

MONOSPACE = ["Consolas", "Menlo", "monospace"]

BLUE, DARK_BLUE, BLACK, WHITE, GREY, PALE = "#005eb8", "#003d78", "#212b32", "#ffffff", "#4c6272", "#f0f4f5"
"""The accent, its pressed shade, text, background, borders and secondary text, and the pale background."""


def calm_theme() -> gr.themes.Base:
    """Return the theme. Dark mode looks the same: contrast is checked for one set of colours only."""
    theme = gr.themes.Base(
        font=[gr.themes.Font(name) for name in FONTS],
        font_mono=[gr.themes.Font(name) for name in MONOSPACE],
        radius_size=gr.themes.sizes.radius_sm,
        text_size=gr.themes.sizes.text_lg,
    ).set(
        body_background_fill=WHITE,
        body_text_color=BLACK,
        body_text_color_subdued=GREY,
        background_fill_primary=WHITE,
        background_fill_secondary=PALE,
        block_background_fill=WHITE,
        block_border_width="0px",
        block_shadow="none",
        block_label_text_color=BLACK,
        block_title_text_color=BLACK,
        block_title_text_weight="700",
        block_info_text_color=GREY,
        border_color_primary=GREY,
        input_background_fill=WHITE,
        input_background_fill_focus=WHITE,
        input_border_color=GREY,
        input_border_color_focus=BLACK,
        input_border_width="2px",
        input_placeholder_color=GREY,
        link_text_color=BLUE,
        link_text_color_hover=DARK_BLUE,
        link_text_color_visited=BLUE,
        link_text_color_active=DARK_BLUE,
        color_accent=BLUE,
        color_accent_soft=PALE,
        checkbox_background_color=WHITE,
        checkbox_background_color_selected=BLUE,
        checkbox_border_color=GREY,
        checkbox_border_color_selected=BLUE,
        checkbox_label_background_fill=WHITE,
        checkbox_label_background_fill_hover=PALE,
        checkbox_label_background_fill_selected=PALE,
        checkbox_label_text_color=BLACK,
        checkbox_label_text_color_selected=BLACK,
        checkbox_label_border_color=GREY,
        button_primary_background_fill=BLUE,
        button_primary_background_fill_hover=DARK_BLUE,
        button_primary_text_color=WHITE,
        button_primary_border_color=BLUE,
        button_secondary_background_fill=WHITE,
        button_secondary_background_fill_hover=PALE,
        button_secondary_text_color=BLUE,
        button_secondary_border_color=BLUE,
        button_border_width="2px",
        button_transition="none",
        loader_color=BLUE,
    )
    for name in [name for name in vars(theme) if name.endswith("_dark")]:
        setattr(theme, name, getattr(theme, name.removesuffix("_dark"), None))
    return theme
