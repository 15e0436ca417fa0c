"""Looks of selective sharing that find planted groups bit by bit."""

import numpy as np

from ramify.records import Regrouping


def looks(
    names: list[str],
    n_groups: int,
    n_looks: int,
    *,
    seed: int = 0,
    unknown: tuple[int, ...] = (),
    merges: bool = True,
) -> list[Regrouping]:
    """As many looks, each of which joins more of every planted group; unknown tasks stay alone."""
    rng = np.random.default_rng(seed)
    planted = rng.integers(0, n_groups, len(names))
    centres = rng.normal(0, 1, (n_groups, 3))
    found, before, size = [], [[name] for name in names], 40_000
    for k in range(n_looks):
        loadings = centres[planted] + rng.normal(0, 0.4 / (k + 1), (len(names), 3))
        share = (k + 1) / n_looks if merges else 0.0
        groups = _groups(names, planted, share, unknown)
        found.append(
            Regrouping(
                step=20 * (k + 1),
                epoch=k + 1,
                tasks=names,
                distances=_distances(loadings, unknown),
                loadings=loadings.tolist(),
                energy=[0.61, 0.22, 0.09],
                before=before,
                groups=groups,
                keepers=[sorted(group)[len(group) // 2] for group in groups],
                parameters_before=100_000 + size * len(before),
                parameters=100_000 + size * len(groups),
            )
        )
        before = groups
    return found


def _groups(
    names: list[str], planted: np.ndarray, share: float, unknown: tuple[int, ...]
) -> list[list[str]]:
    joined: list[list[str]] = []
    for group in range(planted.max() + 1):
        members = [n for i, n in enumerate(names) if planted[i] == group and i not in unknown]
        n = round(share * len(members))
        joined += [members[:n]] if n else []
        joined += [[name] for name in members[n:]]
    return joined + [[names[i]] for i in unknown]


def _distances(loadings: np.ndarray, unknown: tuple[int, ...]) -> list[list[float | None]]:
    rows = loadings / np.linalg.norm(loadings, axis=1, keepdims=True)
    distances = np.round((1 - rows @ rows.T).clip(0, 2), 4)
    np.fill_diagonal(distances, 0)
    found: list[list[float | None]] = [[float(value) for value in row] for row in distances]
    for i in unknown:
        for j in range(len(found)):
            found[i][j] = found[j][i] = None
    return found
