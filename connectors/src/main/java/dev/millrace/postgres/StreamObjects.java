package dev.millrace.postgres;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;

/// What Millrace has created in one database and on its server for the streams of one migration,
/// apart from the control schema: lists it, and drops its slots, publications and replication
/// origins. Thread-safe.
///
/// @param streams the identifiers of the streams
/// @param slots their slots
/// @param publications their publications
public record StreamObjects(
        Database database, List<String> streams, List<String> slots, List<String> publications) {

    private static final String OBJECTS =
            """
            SELECT 'replication slot ' || slot_name FROM pg_catalog.pg_replication_slots
                WHERE slot_name = ANY(?) AND database = current_database()
            UNION ALL SELECT 'publication ' || pubname FROM pg_catalog.pg_publication WHERE pubname = ANY(?)
            UNION ALL SELECT 'replication origin ' || roname FROM pg_catalog.pg_replication_origin o
                WHERE EXISTS (SELECT FROM unnest(?::text[]) stream
                    WHERE o.roname ~ ('^millrace_' || stream || '_[0-9]+$'))
            UNION ALL SELECT format('trigger %I on %s', g.tgname, g.tgrelid::regclass)
                FROM pg_catalog.pg_trigger g, unnest(?::text[]) stream
                WHERE g.tgfoid = pg_catalog.to_regprocedure('millrace.refuse_write()') AND g.tgparentid = 0
                AND g.tgargs = pg_catalog.convert_to(stream, pg_catalog.getdatabaseencoding()) || '\\x00'::bytea
            UNION ALL SELECT 'schema ' || nspname FROM pg_catalog.pg_namespace
                WHERE nspname = 'millrace' AND to_regclass('millrace.schema_version') IS NOT NULL
            """;

    /// A slot of the same name in another database belongs to another migration.
    private static final String OWN_SLOTS =
            """
            SELECT slot_name::text FROM pg_catalog.pg_replication_slots
            WHERE slot_name = ANY(?) AND database = current_database() AND plugin = 'pgoutput'
            """;

    public StreamObjects {
        streams = List.copyOf(streams);
        slots = List.copyOf(slots);
        publications = List.copyOf(publications);
    }

    /// One description per object, `publication millrace_shop`.
    public List<String> find() throws SQLException {
        try (Connection connection = database.pooled()) {
            return Query.list(
                    connection,
                    OBJECTS,
                    row -> row.getString(1),
                    slots,
                    publications,
                    streams,
                    streams);
        }
    }

    /// Drops the slots and publications that exist. No capture may run; a session that still
    /// streams from a slot is ended.
    public void dropPublished() throws SQLException {
        try (Connection connection = database.connect("cleanup")) {
            for (String slot : Query.list(connection, OWN_SLOTS, row -> row.getString(1), slots)) {
                Optional<ReplicationSlot> found = ReplicationSlot.find(connection, slot);
                if (found.isPresent()) {
                    ReplicationSlot.release(connection, found.get());
                    ReplicationSlot.drop(connection, slot);
                }
            }
            for (String publication : publications) {
                try (PreparedStatement statement =
                        connection.prepareStatement(
                                "DROP PUBLICATION IF EXISTS " + Identifier.quote(publication))) {
                    statement.execute();
                } catch (SQLException e) {
                    throw SqlFailure.of(e) == SqlFailure.NO_PRIVILEGE
                            ? notOwned(publication, e)
                            : e;
                }
            }
        }
    }

    private static SQLException notOwned(String publication, SQLException cause) {
        return new SQLException(
                "Publication "
                        + publication
                        + " has another owner. Let the owner or a superuser run: DROP PUBLICATION "
                        + Identifier.quote(publication)
                        + ";",
                cause.getSQLState(),
                cause);
    }

    /// Drops the replication origins. Call it only after the captures of both directions have ended
    /// for good: see [ReplicationOrigins#drop].
    ///
    /// @return the origins that a session still uses
    public List<String> dropOrigins() throws SQLException {
        try (Connection connection = database.connect("cleanup")) {
            for (String stream : streams) {
                ReplicationOrigins.drop(connection, stream);
            }
            return streams.stream()
                    .flatMap(stream -> ReplicationOrigins.names(connection, stream).stream())
                    .toList();
        }
    }
}
