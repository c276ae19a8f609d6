package dev.millrace.parity;

import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Locale;

/// Something that the schema of the target lacks, or has in another way than the source. Object and
/// message are read as one sentence. It is also the JSON that other tools read: the component names
/// are the field names. Immutable.
///
/// @param object a table, column or sequence; of the target unless it says otherwise
/// @param message what differs, and why it matters; ends without a full stop
/// @param remedy SQL for the target, where SQL can fix it; after it, what else is to be known
public record SchemaFinding(
        Severity severity, Kind kind, String object, String message, String remedy) {

    public enum Severity {
        /// A statement that succeeds on the source would fail on the target, or something there is
        /// not complete.
        BLOCKS,
        /// The target accepts what the source accepts, but guards or serves it in another way.
        WARNING;

        /// The severity in JSON and in reports.
        @JsonValue
        public String word() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    public enum Kind {
        COLUMN,
        TYPE,
        NULLABILITY,
        DEFAULT,
        CONSTRAINT,
        INDEX,
        SEQUENCE,
        PRIVILEGE;

        /// The kind in JSON and in reports.
        @JsonValue
        public String word() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    static SchemaFinding blocks(Kind kind, String object, String message, String remedy) {
        return new SchemaFinding(Severity.BLOCKS, kind, object, message, remedy);
    }

    static SchemaFinding warning(Kind kind, String object, String message, String remedy) {
        return new SchemaFinding(Severity.WARNING, kind, object, message, remedy);
    }

    public boolean blocks() {
        return severity == Severity.BLOCKS;
    }

    public String sentence() {
        return "%s %s. %s".formatted(object, message, remedy).strip();
    }
}
