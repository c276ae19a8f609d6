package dev.millrace.capture;

import dev.millrace.capture.position.SourcePosition.SourceLostException;
import dev.millrace.change.TableId;
import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.Server;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.Collectors;

/// The migration's publication: exactly the tables that the mappings read, never all tables,
/// partitions published through their root. A table without a usable replica identity never comes
/// here: adding it would make the application's own updates fail.
final class Publication {

    /// Which publication it is: another one after any ALTER of itself, of a table in it or of which
    /// tables are, even one that was taken back. A schema added takes nothing away.
    private static final String IDENTITY =
            """
            SELECT encode(sha256(convert_to(p.oid::text || ' ' || p.xmin::text || ' ' || coalesce(
                (SELECT string_agg(r.oid::text || ' ' || r.xmin::text, ',' ORDER BY r.oid)
                FROM pg_catalog.pg_publication_rel r WHERE r.prpubid = p.oid), ''), 'UTF8')), 'hex')
            FROM pg_catalog.pg_publication p WHERE p.pubname = ?
            """;

    private Publication() {}

    /// Creates the publication if it isn't there.
    ///
    /// @return its identity, for [#requireUnaltered]
    /// @throws SourceLostException when it is there and doesn't publish all of exactly these tables
    static String ensure(Connection connection, String name, SortedSet<TableId> tables)
            throws SQLException {
        if (identity(connection, name).isEmpty()) {
            create(connection, name, tables);
        }
        // Before it is judged: what is altered behind that is another identity at the next look.
        String identity = identity(connection, name).orElseThrow(() -> altered(name));
        requireWhole(
                name,
                new Server(connection).publication(name).orElseThrow(() -> altered(name)),
                tables);
        return identity;
    }

    /// @param known the identity that the log was begun with, or empty when the log doesn't say
    static void requireUnaltered(Connection connection, String name, String known)
            throws SQLException {
        if (!known.isEmpty() && !identity(connection, name).equals(Optional.of(known))) {
            throw altered(name);
        }
    }

    private static SourceLostException altered(String name) {
        return new SourceLostException(
                "publication "
                        + name
                        + " was altered or made anew by somebody else; changes since may be missing from the stream");
    }

    private static void requireWhole(
            String name, Server.Publication found, SortedSet<TableId> tables) {
        TreeSet<TableId> published = new TreeSet<>(found.tables());
        String what;
        if (found.allTables() || !published.equals(tables)) {
            what =
                    "publishes "
                            + (found.allTables() ? "all tables" : published)
                            + ", the mappings read "
                            + tables;
        } else if (found.narrowed()) {
            what = "has a row filter or a column list, or publishes a schema";
        } else if (!found.everyOperation()) {
            what = "doesn't publish every operation";
        } else if (!found.viaRoot()) {
            what = "doesn't publish partitions through their root";
        } else {
            return;
        }
        throw new SourceLostException(
                "publication " + name + " " + what + "; changes may be missing from the stream");
    }

    private static void create(Connection connection, String name, SortedSet<TableId> tables)
            throws SQLException {
        String list =
                tables.stream().map(id -> Identifier.quote(id)).collect(Collectors.joining(", "));
        try (Statement statement = connection.createStatement()) {
            statement.execute(
                    "CREATE PUBLICATION "
                            + Identifier.quote(name)
                            + " FOR TABLE "
                            + list
                            + " WITH ("
                            + Server.publicationOptions(
                                    connection.getMetaData().getDatabaseMajorVersion())
                            + ")");
        }
    }

    static void drop(Connection connection, String name) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute("DROP PUBLICATION IF EXISTS " + Identifier.quote(name));
        }
    }

    private static Optional<String> identity(Connection connection, String name)
            throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(IDENTITY)) {
            statement.setString(1, name);
            try (ResultSet row = statement.executeQuery()) {
                return row.next() ? Optional.of(row.getString(1)) : Optional.empty();
            }
        }
    }
}
