package dev.millrace.preflight;

/// What one check found of one object.
///
/// @param check the check's name, for scripts: `source.wal-level`
/// @param object the table, column, setting or place in the file it is about
/// @param message what is so, and why it matters
/// @param remedy what to do next, SQL where SQL does it; empty when nothing is to be done
public record Finding(Status status, String check, String object, String message, String remedy) {

    public enum Status {
        OK,
        WARNING,
        /// The file says something that the databases don't bear out: mended in the file.
        MISCONFIGURED,
        /// A gate is closed: mended on a server.
        REFUSED,
        /// A server doesn't answer: mended by the server, or by waiting for it.
        UNREACHABLE;

        public boolean passes() {
            return this == OK || this == WARNING;
        }
    }

    static Finding ok(String check, String object, String message) {
        return new Finding(Status.OK, check, object, message, "");
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
