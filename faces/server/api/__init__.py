"""The Face API over HTTP: routes, request checks, responses."""
