"""Content blocks: what a step, an assessment, evidence or an incident shows, as typed data.

:mod:`~vpce_tui.blocks.model` has the types, each other module draws them in one medium. No renderer parses text, and nothing below
knows who will draw it. The terminal application draws them in :mod:`vpce_tui.tui.widgets.block_lines`.
"""
