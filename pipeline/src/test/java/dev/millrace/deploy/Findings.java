package dev.millrace.deploy;

import java.util.ArrayList;
import java.util.List;

/// Collects the findings of a check, each with its place.
final class Findings {

    private final List<String> findings = new ArrayList<>();

    void add(String where, String what) {
        findings.add(where + ": " + what);
    }

    void require(boolean holds, String where, String what) {
        if (!holds) {
            add(where, what);
        }
    }

    /// Runs a check and records an unreadable file as a finding.
    void reading(Runnable reading) {
        try {
            reading.run();
        } catch (UnreadableFile e) {
            findings.add(String.valueOf(e.getMessage()));
        }
    }

    List<String> list() {
        return List.copyOf(findings);
    }

    /// A file is missing or has unknown content.
    static final class UnreadableFile extends RuntimeException {
        private static final long serialVersionUID = 1L;

        UnreadableFile(String where, String what) {
            super(where + ": " + what);
        }
    }
}
