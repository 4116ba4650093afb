"""A tree line by line, with its branches."""

from collections.abc import Collection, Iterator, Sequence

from vpce_tui.blocks.model import TreeBlock, TreeNode
from vpce_tui.core.text import sign


def tree_lines(block: TreeBlock, folded: Collection[str] = ()) -> Iterator[tuple[str, TreeNode]]:
    """Each node that is seen with its stem (``│ └ ``); what is below a node whose id is in ``folded`` is left out."""
    for root in block.roots:
        yield "", root
        if root.id not in folded:
            yield from _below(root.children, "", folded)


def below(node: TreeNode) -> int:
    """How many nodes are below one."""
    return sum(1 + below(child) for child in node.children)


def _below(nodes: Sequence[TreeNode], stem: str, folded: Collection[str]) -> Iterator[tuple[str, TreeNode]]:
    for number, node in enumerate(nodes):
        last = number == len(nodes) - 1
        yield sign(f"{stem}{'└' if last else '├'} "), node
        if node.id not in folded:
            yield from _below(node.children, stem + ("  " if last else "│ "), folded)
