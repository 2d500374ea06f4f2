"""Train a network that judges liveness, on features of Silent-Face's networks."""
