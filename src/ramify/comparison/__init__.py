"""The same data, splits and seeds for several ways of sharing, side by side."""
