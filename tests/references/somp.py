"""Simultaneous orthogonal matching pursuit as written down: a least-squares solution per step."""

import numpy as np


def somp(filters: np.ndarray, n_select: int) -> list[int]:
    """Selected rows in order; fewer than asked for if they span all others."""
    dictionary = filters.astype(np.float64).T  # columns are filters
    residual = dictionary.copy()
    selected: list[int] = []
    while len(selected) < n_select:
        scores = {}
        for j, column in enumerate(dictionary.T):
            length = np.linalg.norm(column)
            left = np.linalg.norm(residual[:, j])
            if j not in selected and length > 0 and left > 1e-6 * length:
                scores[j] = np.linalg.norm(residual.T @ column) / length
        if not scores:
            break
        best = max(scores.values())
        selected.append(min(j for j, score in scores.items() if score >= (1 - 1e-9) * best))
        chosen = dictionary[:, selected]
        residual = dictionary - chosen @ np.linalg.lstsq(chosen, dictionary, rcond=None)[0]
    return selected


def error(filters: np.ndarray, selected: list[int]) -> float:
    """Frobenius norm of what the selected filters do not explain."""
    chosen = filters.T[:, selected]
    return float(
        np.linalg.norm(filters.T - chosen @ np.linalg.lstsq(chosen, filters.T, rcond=None)[0])
    )
