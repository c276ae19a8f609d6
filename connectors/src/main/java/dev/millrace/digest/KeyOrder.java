package dev.millrace.digest;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.Optional;

/// What decides the order of the texts of a key. Stateless.
final class KeyOrder {

    /// The order of bytes, which is the same on all servers with one encoding.
    private static final String BYTES = "bytes";

    private static final int FIRST_WITH_VERSION = 15;

    /// The columns have other names in each version of PostgreSQL. A database of version 14 has no
    /// provider but libc.
    private static final String OF_DATABASE =
            """
            SELECT CASE
                WHEN provider = 'b' OR (provider = 'c' AND locale IN ('C', 'POSIX')) THEN '%s'
                ELSE provider || ' ' || locale || ' ' || rules || ' ' || version END
            FROM (SELECT coalesce(d->>'datlocprovider', 'c') AS provider,
                    coalesce(d->>'datlocale', d->>'daticulocale', d->>'datcollate') AS locale,
                    coalesce(d->>'daticurules', '') AS rules, version
                FROM (SELECT to_jsonb(d) AS d, %s AS version
                    FROM pg_catalog.pg_database d WHERE datname = current_database()) AS s) AS c
            """;

    private KeyOrder() {}

    /// Keys of two sides with equal names have the same order.
    ///
    /// @return empty if a column has another collation than the database, or if the version of the
    ///   collation is not known
    static Optional<String> read(Connection open, SideSql sql) throws SQLException {
        if (sql.key().stream().noneMatch(ComparedTable.KeyColumn::collated)) {
            return Optional.of("");
        }
        try (var statement = open.createStatement()) {
            try (var row = statement.executeQuery(sql.hasDefaultCollations())) {
                row.next();
                if (!row.getBoolean(1)) {
                    return Optional.empty();
                }
            }
            boolean hasVersion = open.getMetaData().getDatabaseMajorVersion() >= FIRST_WITH_VERSION;
            String version =
                    hasVersion ? "pg_catalog.pg_database_collation_actual_version(oid)" : "NULL";
            try (var row = statement.executeQuery(OF_DATABASE.formatted(BYTES, version))) {
                row.next();
                return Optional.ofNullable(row.getString(1));
            }
        }
    }
}
