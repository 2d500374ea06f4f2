"""What the commands share: options, types of their values, recording, error handling, output."""
