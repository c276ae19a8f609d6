package dev.millrace.cli;

import dev.millrace.preflight.plan.Finding.Status;

/// Exit codes of the process. Scripts depend on the numbers; do not change them.
public final class ExitCode {

    /// Done, or equal.
    public static final int DONE = 0;

    public static final int FAILED = 1;

    /// The command line or the configuration is wrong.
    public static final int USAGE = 2;

    /// A gate refused the operation.
    public static final int REFUSED = 3;

    /// Source and target differ.
    public static final int DIFFERENT = 4;

    /// The comparison could prove neither equality nor a difference, or it is not known which side
    /// the application uses.
    public static final int UNDECIDED = 5;

    private ExitCode() {}

    /// The exit code of a preflight report with this outcome.
    public static int of(Status outcome) {
        return switch (outcome) {
            case OK, WARNING -> DONE;
            case MISCONFIGURED -> USAGE;
            case REFUSED -> REFUSED;
            case UNREACHABLE -> FAILED;
        };
    }
}
