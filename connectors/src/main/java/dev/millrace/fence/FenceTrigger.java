package dev.millrace.fence;

import dev.millrace.postgres.Identifier;
import dev.millrace.spec.SpecHash.Fingerprint;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;

/// The triggers that make up a fence, and their SQL. Each refuses a kind of write that the others
/// do not see. All are always enabled, so that they also fire under `session_replication_role =
/// replica`. Pure.
enum FenceTrigger {
    /// Statements on the table itself; also COPY, MERGE and the cascade of a foreign key.
    WRITE("BEFORE INSERT OR UPDATE OR DELETE", false, 2 | 4 | 8 | 16),
    /// TRUNCATE of the table itself, of a table above it, or of a referenced table with CASCADE.
    TRUNCATE("BEFORE TRUNCATE", false, 2 | 32),
    /// Rows of a partitioned table. PostgreSQL creates it on each partition, also on one that is
    /// attached later and has no other trigger of the fence. A call for each row makes a COPY
    /// several times slower, so it is disabled on a partition that has all other triggers.
    ROWS("AFTER INSERT OR UPDATE OR DELETE", true, 1 | 4 | 8 | 16),
    /// Rows that the apply worker of a subscription writes: it fires no trigger of a statement. The
    /// condition keeps all other sessions from calling the function for each row. Triggers before a
    /// row would make COPY insert its rows one by one, therefore after it.
    REPLICA("AFTER INSERT OR UPDATE OR DELETE", true, 1 | 4 | 8 | 16);

    static final String FUNCTION = "millrace.refuse_write()";

    private static final int LONGEST_NAME = 63;
    private static final int LONGEST_SUFFIX = "_truncate".length();
    private static final int DIGEST_DIGITS = 16;

    private final String events;
    private final boolean forEachRow;
    private final int type;

    FenceTrigger(String events, boolean forEachRow, int type) {
        this.events = events;
        this.forEachRow = forEachRow;
        this.type = type;
    }

    /// `pg_trigger.tgtype`.
    int type() {
        return type;
    }

    /// Differs for each stream, so that two migrations can fence one table. A long stream is
    /// shortened and gets a digest.
    String nameFor(String stream) {
        int most = LONGEST_NAME - LONGEST_SUFFIX - "millrace_".length();
        String part = stream;
        if (bytes(stream) > most) {
            String end = "_" + Fingerprint.of(List.of(stream)).substring(0, DIGEST_DIGITS);
            while (bytes(part) > most - end.length()) {
                part = part.substring(0, part.offsetByCodePoints(part.length(), -1));
            }
            part += end;
        }
        return "millrace_" + part + "_" + name().toLowerCase(Locale.ROOT);
    }

    private static int bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8).length;
    }

    /// The condition as PostgreSQL 14 to 18 print it; empty without one.
    ///
    /// @param holder the role whose writes pass: its rows must not pay for a call of the function
    String condition(String holder) {
        String others = "(SESSION_USER <> " + Identifier.literal(holder).stripLeading() + "::name)";
        return switch (this) {
            case WRITE, TRUNCATE -> "";
            case ROWS -> others;
            case REPLICA ->
                    "("
                            + others
                            + " AND (current_setting('session_replication_role'::text) = 'replica'::text))";
        };
    }

    /// What follows CREATE.
    String definition(String table, String stream, String holder) {
        String condition = condition(holder);
        return "TRIGGER %s %s ON %s FOR EACH %s %sEXECUTE FUNCTION millrace.refuse_write(%s)"
                .formatted(
                        Identifier.quote(nameFor(stream)),
                        events,
                        table,
                        forEachRow ? "ROW" : "STATEMENT",
                        condition.isEmpty() ? "" : "WHEN " + condition + " ",
                        Identifier.literal(stream));
    }

    /// ONLY: each partition enables its triggers separately.
    String enableOn(String table, String stream) {
        return "ALTER TABLE ONLY %s ENABLE ALWAYS TRIGGER %s"
                .formatted(table, Identifier.quote(nameFor(stream)));
    }

    String disableOn(String table, String stream) {
        return "ALTER TABLE ONLY %s DISABLE TRIGGER %s"
                .formatted(table, Identifier.quote(nameFor(stream)));
    }
}
