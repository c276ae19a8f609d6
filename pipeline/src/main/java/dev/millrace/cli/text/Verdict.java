package dev.millrace.cli.text;

import dev.millrace.cli.ExitCode;
import java.util.Locale;

/// Verdict of a reconciliation report with its exit code and its word in the JSON.
public enum Verdict {
    EQUAL(ExitCode.DONE),
    DIFFERENT(ExitCode.DIFFERENT),
    UNDECIDED(ExitCode.UNDECIDED);

    private final int exitCode;

    Verdict(int exitCode) {
        this.exitCode = exitCode;
    }

    public int exitCode() {
        return exitCode;
    }

    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    /// Returns the verdict with this word. Any other text is undecided, so that it never counts as
    /// equal.
    public static Verdict of(String word) {
        return switch (word) {
            case "equal" -> EQUAL;
            case "different" -> DIFFERENT;
            default -> UNDECIDED;
        };
    }
}
