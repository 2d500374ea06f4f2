"""The description of the API: ``/openapi.json`` for programs, ``/docs`` for people."""
