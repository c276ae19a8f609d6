package dev.millrace.control;

import dev.millrace.control.SessionSource.TargetSessions;
import dev.millrace.postgres.Identifier;
import java.sql.Connection;
import java.sql.SQLException;
import org.flywaydb.core.Flyway;

/// The schema `millrace` of the target database: journal, generations, stored offsets, stopped
/// tables, verdicts. Brought up to date by numbered scripts, each applied once; several processes
/// may do so at the same time. Rows of several migrations lie side by side in it.
public final class ControlSchema {

    /// Its name in the target database.
    public static final String NAME = "millrace";

    private static final String RIGHTS =
            """
            SELECT current_database(), current_user,
                has_database_privilege(current_database(), 'CREATE'),
                CASE WHEN to_regnamespace('millrace') IS NULL THEN NULL
                    ELSE has_schema_privilege('millrace', 'CREATE')
                        AND has_schema_privilege('millrace', 'USAGE') END
            """;

    /// What came of bringing the schema up to date.
    public sealed interface Outcome {

        /// The schema is there and current.
        record Ready() implements Outcome {}

        /// The role may not make it; `reason` says what to grant.
        record Refused(String reason) implements Outcome {}
    }

    private ControlSchema() {}

    /// @throws SQLException when the database doesn't answer
    public static Outcome migrate(TargetSessions sessions) throws SQLException {
        Outcome rights = rights(sessions);
        if (rights instanceof Outcome.Ready) {
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
        return rights;
    }

    private static Outcome rights(TargetSessions sessions) throws SQLException {
        try (Connection connection = sessions.open();
                var statement = connection.createStatement();
                var row = statement.executeQuery(RIGHTS)) {
            row.next();
            String database = Identifier.quote(row.getString(1));
            String role = Identifier.quote(row.getString(2));
            boolean mayCreate = row.getBoolean(3);
            boolean mayUse = row.getBoolean(4);
            boolean isThere = !row.wasNull();
            if (isThere && !mayUse) {
                return new Outcome.Refused(
                        "the schema millrace of the target database %s is there, but role %s may not create in it; GRANT CREATE, USAGE ON SCHEMA millrace TO %s, or remove the schema if it is another's"
                                .formatted(database, role, role));
            }
            if (!isThere && !mayCreate) {
                return new Outcome.Refused(
                        "role %s may not create the schema millrace in the target database %s; GRANT CREATE ON DATABASE %s TO %s"
                                .formatted(role, database, database, role));
            }
            return new Outcome.Ready();
        }
    }
}
