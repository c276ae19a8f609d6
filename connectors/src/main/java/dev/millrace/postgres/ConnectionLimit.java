package dev.millrace.postgres;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;

/// A limit on the number of concurrent sessions of a role. Immutable.
///
/// @param name name of the role or database; empty for the server's limit
/// @param limit the number of sessions available to the role
/// @param used sessions in use, without those of this migration, which end when it restarts
/// @param counts whether the limit also counts replication sessions; limits of roles and databases
///   do so before version 18
/// @param reserved sessions of the same limit that the role may not use
public record ConnectionLimit(
        Kind kind, String name, int limit, int used, boolean counts, int reserved) {

    public enum Kind {
        ROLE,
        DATABASE,
        SERVER
    }

    /// Superusers are exempt from the limits of roles and databases. The server may hide the type
    /// of other roles' sessions; such sessions are counted.
    private static final String LIMITS =
            """
            WITH session AS (
                SELECT a.usesysid, a.datid, s.pid IS NOT NULL AS replicates
                FROM pg_catalog.pg_stat_activity a LEFT JOIN pg_catalog.pg_stat_replication s USING (pid)
                WHERE a.datid IS NOT NULL AND a.usesysid IS NOT NULL
                    AND coalesce(a.backend_type, 'client backend') IN ('client backend', 'walsender')
                    AND NOT starts_with(a.application_name, 'millrace '
                        || split_part(current_setting('application_name'), ' ', 2) || ' ')),
            version AS (SELECT current_setting('server_version_num')::int < 180000 AS counts)
            SELECT 'ROLE', r.rolname::text, r.rolconnlimit,
                (SELECT count(*) FROM session s WHERE s.usesysid = r.oid
                    AND (v.counts OR NOT s.replicates)), v.counts, 0
            FROM pg_catalog.pg_roles r, version v
            WHERE r.rolname = current_user AND NOT r.rolsuper AND r.rolconnlimit >= 0
            UNION ALL
            SELECT 'DATABASE', d.datname::text, d.datconnlimit,
                (SELECT count(*) FROM session s WHERE s.datid = d.oid
                    AND (v.counts OR NOT s.replicates)), v.counts, 0
            FROM pg_catalog.pg_database d, pg_catalog.pg_roles r, version v
            WHERE d.datname = current_database() AND r.rolname = current_user AND NOT r.rolsuper
                AND d.datconnlimit >= 0
            UNION ALL
            SELECT 'SERVER', '', current_setting('max_connections')::int - kept.reserved,
                (SELECT count(*) FROM session s WHERE NOT s.replicates), false, kept.reserved
            FROM pg_catalog.pg_roles r, LATERAL (SELECT
                CASE WHEN r.rolsuper THEN 0 ELSE current_setting('superuser_reserved_connections')::int END
                + CASE WHEN r.rolsuper OR EXISTS (SELECT 1 FROM pg_catalog.pg_roles g
                        WHERE g.rolname = 'pg_use_reserved_connections'
                            AND pg_catalog.pg_has_role(g.oid, 'USAGE')) THEN 0
                    ELSE coalesce(current_setting('reserved_connections', true)::int, 0) END
                AS reserved) kept
            WHERE r.rolname = current_user
            """;

    static List<ConnectionLimit> read(Connection connection) {
        return Query.list(connection, LIMITS, ConnectionLimit::of);
    }

    private static ConnectionLimit of(ResultSet row) throws SQLException {
        return new ConnectionLimit(
                Kind.valueOf(row.getString(1)),
                row.getString(2),
                row.getInt(3),
                row.getInt(4),
                row.getBoolean(5),
                row.getInt(6));
    }
}
