package dev.millrace.cli;

/// How a reading verb prints: for eyes or for programs.
public enum OutputFormat {
    table,
    json
}
