"""``faces photos``: who is in a collection of photographs."""
