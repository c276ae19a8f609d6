package dev.millrace.ending;

import dev.millrace.change.TableId;
import dev.millrace.postgres.Database;
import dev.millrace.postgres.Database.DatabaseFailure;
import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.Session;
import dev.millrace.replication.ReverseStream;
import dev.millrace.switchover.Gate;
import dev.millrace.usage.UseGate;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// Whether others still use the source after the switchover: what passed the fence, the sessions
/// that exist, and the statistics since the switchover. Thread-safe.
///
/// @param tables of the mappings; their partitions belong to them
/// @param comparing the role of comparisons, which are no use by others
record OldSide(Database source, Collection<TableId> tables, String comparing) {

    /// How recently a session must have been active to count.
    static final Duration QUIET = Duration.ofMinutes(10);

    private static final String SEES =
            "SELECT pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE')";

    private static final String OTHERS =
            """
            FROM pg_catalog.pg_stat_activity a
            WHERE a.datname = current_database() AND (a.usename IN (session_user, %3$s)) IS NOT TRUE
                AND a.backend_type IN ('client backend', 'background worker', 'parallel worker')
            """;

    private static final String NAME =
            "SELECT format('session %s of %s (%s)', a.pid, a.usename, coalesce(nullif(a.application_name, ''), 'without a name')) ";

    private static final String USING =
            NAME
                    + OTHERS
                    + """
                    AND EXISTS (SELECT FROM pg_catalog.pg_locks l
                        WHERE l.pid = a.pid AND l.locktype = 'relation' AND l.relation = ANY(ARRAY[%1$s]::oid[])
                        AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()))
                    ORDER BY a.pid
                    """;

    private static final String ACTIVE =
            NAME
                    + OTHERS
                    + """
                    AND greatest(a.state_change, a.query_start) > clock_timestamp() - interval '%2$d seconds'
                    AND EXISTS (SELECT FROM unnest(ARRAY[%1$s]::oid[]) t
                        WHERE pg_catalog.has_any_column_privilege(a.usesysid, t, 'SELECT, INSERT, UPDATE')
                        OR pg_catalog.has_table_privilege(a.usesysid, t, 'DELETE'))
                    ORDER BY a.pid
                    """;

    /// A table that was dropped is not used.
    private static final String TREE =
            """
            SELECT p.relid::oid::text
            FROM unnest(ARRAY[%s]::text[]) n, LATERAL (SELECT pg_catalog.to_regclass(n) AS t) r,
                LATERAL (SELECT relid FROM pg_catalog.pg_partition_tree(r.t) UNION SELECT r.t) p
            WHERE r.t IS NOT NULL
            """;

    /// What is known about the use of the source.
    ///
    /// @param passedFence the last write of others that passed the fence, in words
    /// @param capturing whether such a write would be known now
    /// @param sees whether the activity of other roles' sessions can be read
    /// @param using sessions that have the tables locked
    /// @param active sessions that may use the tables and were active recently
    record Facts(
            Optional<String> passedFence,
            boolean capturing,
            boolean sees,
            List<String> using,
            List<String> active) {}

    /// Judges what is known now.
    ///
    /// @param back the stream that carries the target's changes back
    /// @param capturing whether a write to the source would be known now
    /// @throws DatabaseFailure if the source does not answer
    List<Gate> gates(Optional<ReverseStream> back, boolean capturing) {
        Optional<String> passedFence =
                back.flatMap(ReverseStream::breach)
                        .map(
                                change ->
                                        "table %s, committed at %s"
                                                .formatted(change.table(), change.committedAt()));
        List<Gate> gates = new ArrayList<>(judge(read(passedFence, capturing)));
        gates.add(back.map(OldSide::statistics).orElseGet(UseGate::unread));
        return List.copyOf(gates);
    }

    private static Gate statistics(ReverseStream back) {
        try {
            return UseGate.judge(back.useBefore(), back.useNow());
        } catch (SQLException e) {
            throw new DatabaseFailure("The control schema of the source cannot be read", e);
        }
    }

    Facts read(Optional<String> passedFence, boolean capturing) {
        try (Session session = source.session()) {
            String named =
                    tables.stream()
                            .map(table -> Identifier.literal(Identifier.quote(table)))
                            .collect(Collectors.joining(", "));
            String oids = String.join(", ", first(session, TREE.formatted(named)));
            return new Facts(
                    passedFence,
                    capturing,
                    first(session, SEES).equals(List.of("t")),
                    first(session, query(USING, oids)),
                    first(session, query(ACTIVE, oids)));
        }
    }

    /// The placeholders of SQL's own `format` stay as they are.
    private String query(String sql, String oids) {
        return sql.replace("%s", "%%s")
                .formatted(oids, QUIET.toSeconds(), Identifier.literal(comparing));
    }

    private static List<String> first(Session session, String sql) {
        return session.texts(sql).stream().map(row -> String.valueOf(row.getFirst())).toList();
    }

    static List<Gate> judge(Facts facts) {
        return List.of(writes(facts), reads(facts));
    }

    private static Gate writes(Facts facts) {
        String limit = "no write of others since the switchover";
        if (facts.passedFence().isPresent()) {
            return closed(
                    "source-writes",
                    facts.passedFence().get(),
                    limit,
                    "Another program writes to the source. Stop it, and compare both sides.");
        }
        return facts.capturing()
                ? new Gate("source-writes", "none", limit, true, false, "")
                : closed(
                        "source-writes",
                        "unknown",
                        limit,
                        "The capture of the source does not run, so writes of others are not known. Remove what keeps it from running, see 'millrace status'.");
    }

    private static Gate reads(Facts facts) {
        String limit = "no session of others was active within %d min".formatted(QUIET.toMinutes());
        String name = "source-unused";
        if (!facts.sees()) {
            return closed(
                    name,
                    "unknown",
                    limit,
                    "The role may not see the activity of other roles. Run on the source: GRANT pg_read_all_stats TO the role of source.username.");
        }
        List<String> sessions =
                Stream.concat(facts.using().stream(), facts.active().stream()).distinct().toList();
        return sessions.isEmpty()
                ? new Gate(
                        name,
                        "no session; those that have ended are unknown",
                        limit,
                        true,
                        false,
                        "")
                : closed(
                        name,
                        String.join(", ", sessions),
                        limit,
                        "These sessions may read the old tables. End them, or make sure that they do not use the tables.");
    }

    private static Gate closed(String name, String value, String limit, String reason) {
        return new Gate(name, value, limit, false, true, reason);
    }
}
