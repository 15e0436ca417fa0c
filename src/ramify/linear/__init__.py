"""Linear multi-task models in scikit-learn form; no torch."""
