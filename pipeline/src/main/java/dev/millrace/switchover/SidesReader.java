package dev.millrace.switchover;

import dev.millrace.change.TableId;
import dev.millrace.postgres.Database;
import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.Session;
import dev.millrace.switchover.GateFacts.Sides;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

/// Reads from both catalogs what the gates need. Changes nothing. Thread-safe; each call takes its
/// sessions from the pools.
///
/// @param targets the target tables that read each source table
/// @param old how old a transaction on the source may be
public record SidesReader(
        Database source, Database target, Map<TableId, Set<TableId>> targets, Duration old) {

    private static final String PREPARED =
            """
            SELECT 'prepared transaction ' || quote_literal(gid) FROM pg_catalog.pg_prepared_xacts
            WHERE database = current_database()
            """;

    private static final String OLD =
            """
            SELECT 'session ' || pid || ' of ' || coalesce(usename, 'an unknown role') || ' ('
                || extract(epoch FROM clock_timestamp() - xact_start)::int8 || ' s)'
            FROM pg_catalog.pg_stat_activity
            WHERE datname = current_database() AND backend_type IN ('client backend', 'background worker')
                AND xact_start < clock_timestamp() - interval '%d milliseconds'
                AND usename IS DISTINCT FROM session_user
            ORDER BY xact_start
            """;

    private static final String SUBSCRIPTIONS =
            """
            SELECT s.subname || ' (' || r.srrelid::regclass || ')'
            FROM pg_catalog.pg_subscription_rel r
            JOIN pg_catalog.pg_subscription s ON s.oid = r.srsubid
            WHERE s.subenabled AND (r.srrelid IN (%1$s) OR r.srrelid IN (
                SELECT p.relid FROM unnest(ARRAY[%1$s]) t, pg_catalog.pg_partition_tree(t) p))
            ORDER BY 1
            """;

    /// Sessions of Millrace are named after it.
    private static final String STRANGERS =
            """
            SELECT 'session ' || pid || ' (' || coalesce(nullif(application_name, ''), 'without a name') || ')'
            FROM pg_catalog.pg_stat_activity
            WHERE usename = session_user AND datname = current_database()
                AND application_name NOT LIKE 'millrace %'
            ORDER BY pid
            """;

    private static final String UNREADY =
            """
            SELECT conrelid::regclass || '.' || quote_ident(conname) FROM pg_catalog.pg_constraint
            WHERE NOT convalidated AND conrelid IN (%1$s)
            UNION ALL
            SELECT indexrelid::regclass::text FROM pg_catalog.pg_index
            WHERE NOT (indisvalid AND indisready) AND indrelid IN (%1$s) ORDER BY 1
            """;

    /// The privileges of the roles that may write the table: roles that can log in, except
    /// superusers and Millrace.
    private static final String PRIVILEGES =
            """
            WITH held AS (
                SELECT r.rolname, p.privilege FROM pg_catalog.pg_roles r,
                    (VALUES ('SELECT'), ('INSERT'), ('UPDATE'), ('DELETE')) p (privilege),
                    (SELECT %s::regclass::oid AS oid) t
                WHERE r.rolcanlogin AND NOT r.rolsuper AND r.rolname <> session_user
                    AND pg_catalog.has_schema_privilege(r.oid,
                        (SELECT c.relnamespace FROM pg_catalog.pg_class c WHERE c.oid = t.oid), 'USAGE')
                    AND CASE WHEN p.privilege = 'DELETE'
                        THEN pg_catalog.has_table_privilege(r.oid, t.oid, p.privilege)
                        ELSE pg_catalog.has_any_column_privilege(r.oid, t.oid, p.privilege) END)
            SELECT quote_ident(rolname) || ' lacks ' || privilege FROM held
            WHERE rolname IN (SELECT rolname FROM held WHERE privilege <> 'SELECT') ORDER BY 1
            """;

    public Sides read() {
        try (Session from = source.session();
                Session to = target.session()) {
            List<String> transactions = new ArrayList<>(first(from, PREPARED));
            transactions.addAll(first(from, OLD.formatted(old.toMillis())));
            List<String> subscriptions = new ArrayList<>();
            first(from, SUBSCRIPTIONS.formatted(oids(targets.keySet())))
                    .forEach(name -> subscriptions.add(name + " on the source"));
            first(to, SUBSCRIPTIONS.formatted(oids(allTargets())))
                    .forEach(name -> subscriptions.add(name + " on the target"));
            return new Sides(
                    transactions,
                    subscriptions,
                    first(from, STRANGERS),
                    first(to, UNREADY.formatted(oids(allTargets()))),
                    lacking(privileges(from, targets.keySet()), privileges(to, allTargets())));
        }
    }

    private Set<TableId> allTargets() {
        return targets.values().stream()
                .flatMap(Set::stream)
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private List<String> lacking(
            Map<TableId, Set<String>> onSource, Map<TableId, Set<String>> onTarget) {
        Set<String> lacking = new TreeSet<>();
        new TreeMap<>(targets)
                .forEach(
                        (from, readers) -> {
                            for (TableId to : readers) {
                                Set<String> held = new TreeSet<>(onSource.get(from));
                                held.removeAll(onTarget.get(to));
                                held.forEach(privilege -> lacking.add(privilege + " on " + to));
                            }
                        });
        return List.copyOf(lacking);
    }

    private static Map<TableId, Set<String>> privileges(Session session, Set<TableId> tables) {
        Map<TableId, Set<String>> privileges = new HashMap<>();
        for (TableId table : tables) {
            privileges.put(table, Set.copyOf(first(session, PRIVILEGES.formatted(literal(table)))));
        }
        return privileges;
    }

    private static String oids(Collection<TableId> tables) {
        return tables.stream()
                .map(table -> literal(table) + "::regclass")
                .collect(Collectors.joining(", "));
    }

    private static String literal(TableId table) {
        return Identifier.literal(Identifier.quote(table));
    }

    private static List<String> first(Session session, String sql) {
        return session.texts(sql).stream().map(row -> String.valueOf(row.getFirst())).toList();
    }
}
