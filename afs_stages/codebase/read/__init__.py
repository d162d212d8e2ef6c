"""From a codebase's files to a program and its pages."""
