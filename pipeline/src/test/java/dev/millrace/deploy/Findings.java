package dev.millrace.deploy;

import java.util.ArrayList;
import java.util.List;

/// What a checker has to say, each with its place. Empty when all is well.
final class Findings {

    private final List<String> told = new ArrayList<>();

    void add(String where, String what) {
        told.add(where + ": " + what);
    }

    void require(boolean holds, String where, String what) {
        if (!holds) {
            add(where, what);
        }
    }

    /// Goes on after a file that can't be read, which is a finding too.
    void reading(Runnable reading) {
        try {
            reading.run();
        } catch (UnreadableFile e) {
            told.add(String.valueOf(e.getMessage()));
        }
    }

    List<String> told() {
        return List.copyOf(told);
    }

    /// A file is missing, or holds what its format doesn't know.
    static final class UnreadableFile extends RuntimeException {
        private static final long serialVersionUID = 1L;

        UnreadableFile(String where, String what) {
            super(where + ": " + what);
        }
    }
}
