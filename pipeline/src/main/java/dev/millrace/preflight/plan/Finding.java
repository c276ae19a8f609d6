package dev.millrace.preflight.plan;

import dev.millrace.preflight.plan.Remedy.Place;
import org.jspecify.annotations.Nullable;

/// The result of one check for one object. Immutable.
///
/// @param check the check's name, one of [CheckName]
/// @param object the table, column, setting or position in the file
/// @param message what is true of the object, and why it matters
/// @param remedy what to do; empty when nothing has to be done
/// @param place where the remedy can be pasted
/// @param value what was found, for programs; `null` if the check compares no value
/// @param limit what the value must be or reach; `null` if the check compares no value
public record Finding(
        Status status,
        String check,
        String object,
        String message,
        String remedy,
        Place place,
        @Nullable String value,
        @Nullable String limit) {

    public Finding {
        CheckName.of(check);
        if (remedy.isEmpty() != (place == Place.NONE)) {
            throw new IllegalArgumentException(place + " does not fit '" + remedy + "'");
        }
    }

    public Finding(Status status, CheckName check, String object, String message, Remedy remedy) {
        this(status, check.id(), object, message, remedy.text(), remedy.place(), null, null);
    }

    Finding with(Findings.Measured measured) {
        return new Finding(
                status, check, object, message, remedy, place, measured.value(), measured.limit());
    }

    /// Whether the message says more than that the check passed.
    public boolean isDetailed() {
        return status != Status.OK || !remedy.isEmpty();
    }

    /// The remedy with the place where it belongs, for people.
    public String advice() {
        return new Remedy(place, remedy).advice();
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

    public static Finding ok(CheckName check, String object, String message) {
        return new Finding(Status.OK, check, object, message, Remedy.NONE);
    }

    /// Reports what passes, with something that may be done about it.
    public static Finding note(CheckName check, String object, String message, Remedy remedy) {
        return new Finding(Status.OK, check, object, message, remedy);
    }

    public static Finding warning(CheckName check, String object, String message, Remedy remedy) {
        return new Finding(Status.WARNING, check, object, message, remedy);
    }

    public static Finding misconfigured(
            CheckName check, String object, String message, Remedy remedy) {
        return new Finding(Status.MISCONFIGURED, check, object, message, remedy);
    }

    public static Finding refused(CheckName check, String object, String message, Remedy remedy) {
        return new Finding(Status.REFUSED, check, object, message, remedy);
    }

    public static Finding unreachable(
            CheckName check, String object, String message, Remedy remedy) {
        return new Finding(Status.UNREACHABLE, check, object, message, remedy);
    }
}
