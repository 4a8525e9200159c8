"""The station beside the line: cameras, the rig with its permits, the machine between them, spool and own judge."""
