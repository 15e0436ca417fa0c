"""ramify learns which tasks should share which layers of a network while it trains."""
