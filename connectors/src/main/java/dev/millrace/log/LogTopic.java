package dev.millrace.log;

/// The two topics of a migration that hold rows.
public enum LogTopic {
    CHANGES,
    TARGET
}
