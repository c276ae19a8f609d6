package dev.millrace.demo;

/// What the comparison came to, and what the process leaves with.
enum Verdict {
    EQUAL(0),
    DIFFERENT(4),
    UNDECIDED(5);

    private final int exitCode;

    Verdict(int exitCode) {
        this.exitCode = exitCode;
    }

    int exitCode() {
        return exitCode;
    }

    /// What isn't plainly one of the others is undecided.
    static Verdict of(String text) {
        return switch (text) {
            case "equal" -> EQUAL;
            case "different" -> DIFFERENT;
            default -> UNDECIDED;
        };
    }
}
