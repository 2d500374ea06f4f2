"""Commands on the data of a server."""
