"""The command line: options, values, recording, running and text that commands share."""
