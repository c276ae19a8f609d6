package dev.millrace.switchover;

import dev.millrace.change.TableId;
import dev.millrace.parity.RolePrivileges;
import dev.millrace.parity.UnfinishedObjects;
import dev.millrace.postgres.Database;
import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.Session;
import dev.millrace.switchover.GateFacts.Sides;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
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

    /// The type and the age of other roles' sessions are hidden from a role without this privilege.
    private static final String HIDDEN =
            """
            SELECT 'Role ' || quote_ident(current_user) || ' cannot see since when transactions of other roles'
                || ' are open. Run: GRANT pg_read_all_stats TO ' || quote_ident(current_user) || '.'
            WHERE NOT pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE')
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
                    first(from, HIDDEN).stream().findFirst(),
                    subscriptions,
                    first(from, STRANGERS),
                    UnfinishedObjects.read(to, allTargets()).stream()
                            .map(UnfinishedObjects::name)
                            .sorted()
                            .toList(),
                    lacking(
                            RolePrivileges.read(from, targets.keySet()),
                            RolePrivileges.read(to, allTargets())));
        }
    }

    private Set<TableId> allTargets() {
        return targets.values().stream()
                .flatMap(Set::stream)
                .collect(Collectors.toCollection(TreeSet::new));
    }

    /// Of the roles that may write a source table.
    private List<String> lacking(RolePrivileges onSource, RolePrivileges onTarget) {
        return RolePrivileges.lacking(onSource, onTarget, targets).stream()
                .filter(RolePrivileges.Lacking::writes)
                .map(each -> each.role() + " lacks " + each.privilege() + " on " + each.object())
                .distinct()
                .sorted()
                .toList();
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
