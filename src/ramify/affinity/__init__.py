"""How alike tasks are, from tensors that training has at hand. Trains nothing, knows no model.

`ErrorMarginAffinity` needs torch, `branch_affinity` only numpy; both are found when first used.
"""

from typing import TYPE_CHECKING

from ramify._core import lazy_names

if TYPE_CHECKING:
    from ramify.affinity._branch_affinity import branch_affinity
    from ramify.affinity._error_margin import ErrorMarginAffinity

__all__ = ["ErrorMarginAffinity", "branch_affinity"]

__getattr__ = lazy_names(
    __name__,
    {
        "ErrorMarginAffinity": "ramify.affinity._error_margin",
        "branch_affinity": "ramify.affinity._branch_affinity",
    },
)
