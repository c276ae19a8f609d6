package dev.millrace.cli;

/// Ends a command with an exit code and a message: what happened, why, and what to do. The message
/// contains no secret.
public final class CommandFailure extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final int exitCode;
    private final String remedy;

    /// @param remedy what to do; empty if the message already says it
    public CommandFailure(int exitCode, String message, String remedy) {
        super(message);
        this.exitCode = exitCode;
        this.remedy = remedy;
    }

    public CommandFailure(int exitCode, String message, String remedy, Throwable cause) {
        super(message, cause);
        this.exitCode = exitCode;
        this.remedy = remedy;
    }

    public int exitCode() {
        return exitCode;
    }

    public String remedy() {
        return remedy;
    }
}
