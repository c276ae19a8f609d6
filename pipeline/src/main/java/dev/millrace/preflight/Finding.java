package dev.millrace.preflight;

import dev.millrace.preflight.compile.SpecCompiler.Exclusion;
import dev.millrace.problem.Problem;
import org.jspecify.annotations.Nullable;

/// The result of one check for one object. Immutable.
///
/// @param check the check's name, a stable identifier for scripts: `source.wal-level`
/// @param object the table, column, setting or position in the file
/// @param message what is true of the object, and why it matters
/// @param remedy what to do, as SQL where possible; empty when nothing has to be done
/// @param value what was found, for programs; `null` if the check compares no value
/// @param limit what the value must be or reach; `null` if the check compares no value
public record Finding(
        Status status,
        String check,
        String object,
        String message,
        String remedy,
        @Nullable String value,
        @Nullable String limit) {

    public Finding(Status status, String check, String object, String message, String remedy) {
        this(status, check, object, message, remedy, null, null);
    }

    Finding with(Findings.Measured measured) {
        return new Finding(
                status, check, object, message, remedy, measured.value(), measured.limit());
    }

    /// Whether the message says more than that the check passed.
    public boolean isDetailed() {
        return status != Status.OK || !remedy.isEmpty();
    }

    public enum Status {
        OK,
        WARNING,
        /// The file does not match the databases: fix the file.
        MISCONFIGURED,
        /// A requirement is not met: fix the server.
        REFUSED,
        /// A server does not answer: fix or start the server.
        UNREACHABLE;

        public boolean passes() {
            return this == OK || this == WARNING;
        }

        /// `ok`, `warning` or `blocked`, for programs: a blocked finding refuses the start.
        public String severity() {
            return switch (this) {
                case OK -> "ok";
                case WARNING -> "warning";
                case MISCONFIGURED, REFUSED, UNREACHABLE -> "blocked";
            };
        }
    }

    /// Reports a problem of the file; its position is the object.
    static Finding of(Problem problem) {
        return misconfigured(
                "mapping",
                problem.at().toString(),
                (problem.path().isEmpty() ? "" : problem.path() + ": ") + problem.message(),
                problem.remedy());
    }

    /// Reports what a wildcard does not migrate.
    static Finding of(Exclusion note) {
        return note.remedy().isEmpty()
                ? ok("wildcard", note.object(), note.message())
                : warning("wildcard", note.object(), note.message(), note.remedy());
    }

    static Finding ok(String check, String object, String message) {
        return new Finding(Status.OK, check, object, message, "");
    }

    /// Reports what passes, with something that may be done about it.
    static Finding note(String check, String object, String message, String remedy) {
        return new Finding(Status.OK, check, object, message, remedy);
    }

    static Finding warning(String check, String object, String message, String remedy) {
        return new Finding(Status.WARNING, check, object, message, remedy);
    }

    static Finding misconfigured(String check, String object, String message, String remedy) {
        return new Finding(Status.MISCONFIGURED, check, object, message, remedy);
    }

    static Finding refused(String check, String object, String message, String remedy) {
        return new Finding(Status.REFUSED, check, object, message, remedy);
    }

    static Finding unreachable(String check, String object, String message, String remedy) {
        return new Finding(Status.UNREACHABLE, check, object, message, remedy);
    }
}
