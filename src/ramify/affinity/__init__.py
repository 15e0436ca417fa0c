"""The affinity room."""
