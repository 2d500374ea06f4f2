"""The Face API over HTTP, as clients written for Azure's know it, with this project's models."""
