package dev.millrace.control;

import dev.millrace.change.TableId;
import dev.millrace.control.SessionSource.TargetSessions;
import dev.millrace.postgres.Identifier;
import java.sql.Connection;
import java.sql.SQLException;
import org.flywaydb.core.Flyway;

/// The control schema: journal, generations, stored offsets, stopped tables, reports. Numbered
/// scripts create and update it; each is applied once, and several processes may run them
/// concurrently. It contains the rows of all migrations of the database. Thread-safe.
public final class ControlSchema {

    /// The name of the schema.
    public static final String NAME = "millrace";

    /// How the name of a table of [#incompleteRows] begins, as a regular expression.
    static final String BEFORE_STREAM = "^parts_[0-9]+_";

    private static final String PRIVILEGES =
            """
            SELECT current_database(), current_user,
                has_database_privilege(current_database(), 'CREATE'),
                CASE WHEN to_regnamespace('millrace') IS NULL THEN NULL
                    ELSE has_schema_privilege('millrace', 'CREATE')
                        AND has_schema_privilege('millrace', 'USAGE') END
            """;

    /// The result of [#migrate].
    public sealed interface Outcome {

        /// The schema exists and is current.
        record Ready() implements Outcome {}

        /// The role lacks a privilege. The reason says what to grant.
        record Refused(String reason) implements Outcome {}
    }

    private ControlSchema() {}

    /// The table for incomplete rows of a table that the stream writes in parts. It has the columns
    /// of that table, which a user chose.
    ///
    /// @param number of the table among those of the stream
    public static TableId incompleteRows(int number, String stream) {
        return new TableId(NAME, "parts_" + number + "_" + stream);
    }

    /// Creates the schema or updates it to this version.
    ///
    /// @throws SQLException when the database does not answer
    public static Outcome migrate(TargetSessions sessions) throws SQLException {
        Outcome outcome = checkPrivileges(sessions);
        if (outcome instanceof Outcome.Ready) {
            Flyway.configure(ControlSchema.class.getClassLoader())
                    .dataSource(new SessionSource(sessions))
                    .schemas(NAME)
                    .defaultSchema(NAME)
                    .createSchemas(true)
                    .table("schema_version")
                    .locations("classpath:dev/millrace/control")
                    .load()
                    .migrate();
        }
        return outcome;
    }

    private static Outcome checkPrivileges(TargetSessions sessions) throws SQLException {
        try (Connection connection = sessions.open();
                var statement = connection.createStatement();
                var row = statement.executeQuery(PRIVILEGES)) {
            row.next();
            String database = Identifier.quote(row.getString(1));
            String role = Identifier.quote(row.getString(2));
            boolean mayCreate = row.getBoolean(3);
            boolean mayUse = row.getBoolean(4);
            boolean exists = !row.wasNull();
            if (exists && !mayUse) {
                return new Outcome.Refused(
                        "The schema millrace exists in database %s, but role %s cannot create objects in it. Run: GRANT CREATE, USAGE ON SCHEMA millrace TO %s; or drop the schema if it does not belong to Millrace."
                                .formatted(database, role, role));
            }
            if (!exists && !mayCreate) {
                return new Outcome.Refused(
                        "Role %s cannot create the schema millrace in database %s. Run: GRANT CREATE ON DATABASE %s TO %s"
                                .formatted(role, database, database, role));
            }
            return new Outcome.Ready();
        }
    }
}
