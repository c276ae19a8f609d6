package dev.millrace.cli;

/// What the process leaves with; scripts rely on the numbers.
public final class ExitCode {

    /// Done, or equal.
    public static final int DONE = 0;

    public static final int FAILED = 1;

    /// The command line or the configuration is wrong.
    public static final int USAGE = 2;

    /// A gate refused.
    public static final int REFUSED = 3;

    /// Source and target differ.
    public static final int DIFFERENT = 4;

    /// Neither equal nor different could be shown.
    public static final int UNDECIDED = 5;

    private ExitCode() {}
}
