"""Names that are imported when they are first used, so that `import ramify` stays light."""

import importlib
from collections.abc import Callable, Mapping


def lazy_names(package: str, homes: Mapping[str, str]) -> Callable[[str], object]:
    """Build a module's ``__getattr__`` that finds each name in its home module.

    Args:
        package: The module that offers the names.
        homes: For each name, the module that defines it.
    """

    def find(name: str) -> object:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        found: object = getattr(importlib.import_module(homes[name]), name)
        return found

    return find
