package dev.millrace.capture.position;

import dev.millrace.capture.position.SourcePosition.SourceLostException;
import dev.millrace.change.TableId;
import dev.millrace.postgres.Publication;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Optional;
import java.util.SortedSet;

/// Creates the migration's publication and requires that it carries every change. It contains
/// exactly the tables that the mappings read, and publishes partitions through their root. A table
/// without a usable replica identity is never added: publishing it would make the application's
/// updates fail. Stateless; uses the calling thread's connection.
public final class PublicationGuard {

    private PublicationGuard() {}

    /// Creates the publication if it does not exist.
    ///
    /// @return its identity, for [#requireUnaltered]
    /// @throws SourceLostException if it exists and does not carry every change of exactly these
    ///   tables
    public static String ensure(Connection connection, String name, SortedSet<TableId> tables)
            throws SQLException {
        if (Publication.identity(connection, name).isEmpty()) {
            Publication.create(connection, name, tables);
        }
        // Read the identity before the definition: an ALTER after the definition was read then
        // yields another identity at the next check.
        String identity = Publication.identity(connection, name).orElseThrow(() -> altered(name));
        Publication found = Publication.find(connection, name).orElseThrow(() -> altered(name));
        Optional<Publication.Defect> defect = found.defect(tables);
        if (defect.isPresent()) {
            throw new SourceLostException(
                    "Publication "
                            + name
                            + " "
                            + describe(defect.get(), found, tables)
                            + ". Changes may be missing from the stream.");
        }
        return identity;
    }

    /// Creates the publication again if it does not carry every change, for a log that begins.
    public static String renew(Connection connection, String name, SortedSet<TableId> tables)
            throws SQLException {
        if (Publication.find(connection, name).flatMap(it -> it.defect(tables)).isPresent()) {
            Publication.drop(connection, name);
        }
        return ensure(connection, name, tables);
    }

    /// @param known the identity at the start of the log, or empty if the log does not contain it
    /// @throws SourceLostException if the publication has another identity
    public static void requireUnaltered(Connection connection, String name, String known) {
        if (!known.isEmpty()
                && !Publication.identity(connection, name).equals(Optional.of(known))) {
            throw altered(name);
        }
    }

    private static SourceLostException altered(String name) {
        return new SourceLostException(
                "Publication "
                        + name
                        + " was altered or recreated. Changes since then may be missing from the"
                        + " stream.");
    }

    private static String describe(
            Publication.Defect defect, Publication found, SortedSet<TableId> tables) {
        return switch (defect) {
            case TABLES ->
                    "publishes "
                            + (found.allTables() ? "all tables" : found.tables())
                            + ", but the mappings read "
                            + tables;
            case NARROWED -> "has a row filter or a column list, or publishes a schema";
            case OPERATIONS -> "does not publish every operation";
            case PARTITION_NAMES -> "does not publish partitions through their root";
        };
    }
}
