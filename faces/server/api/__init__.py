"""The Face API: routes, inputs, replies."""
