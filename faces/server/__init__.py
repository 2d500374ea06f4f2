"""A server with the interface of Azure's Face API and this project's models."""
