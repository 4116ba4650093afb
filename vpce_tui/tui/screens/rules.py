"""Every rule in words, as the rules themselves have them."""

from textual.content import Content

from vpce_tui.detection.rule_catalogue import every, in_words
from vpce_tui.tui.widgets.safe_text import hanging, line, lines


def rules_text() -> Content:
    """Each rule: its id and name, what it is about, why it matters, what makes it harmless."""
    found = []
    for rule in every():
        (_, name), *rest = in_words(rule)
        found.append(line((name, "bold")))
        for what, words in rest:
            found += hanging(f"  {what:<12} ", words, 88)
        found.append(line(""))
    return lines(found)
