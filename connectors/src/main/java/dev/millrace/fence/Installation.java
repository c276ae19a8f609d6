package dev.millrace.fence;

import dev.millrace.change.TableId;
import dev.millrace.fence.FenceSession.Deadline;
import dev.millrace.fence.FencedRelation.Status;
import dev.millrace.fence.WriteFence.Limits;
import dev.millrace.fence.WriteFence.OpenWork;
import dev.millrace.fence.WriteFence.Outcome;
import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.SqlFailure;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Creates and drops the triggers of a fence, one transaction per table. A statement that waits for
/// a table's lock makes the application's writes queue after it, so it waits for less than a
/// deadlock is searched for, and then lets them pass before it tries again. Not thread-safe.
final class Installation {

    private static final String OURS =
            """
            SELECT n.nspname::text, c.relname::text, g.tgname::text,
                pg_catalog.pg_get_userbyid(c.relowner)::text,
                pg_catalog.pg_has_role(c.relowner, 'USAGE')
            FROM pg_catalog.pg_trigger g
            JOIN pg_catalog.pg_class c ON c.oid = g.tgrelid
            JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            WHERE g.tgfoid = pg_catalog.to_regprocedure('millrace.refuse_write()') AND g.tgparentid = 0
                AND g.tgargs = pg_catalog.convert_to(?, pg_catalog.getdatabaseencoding()) || '\\x00'::bytea
            ORDER BY 1, 2, 3
            """;

    private static final String WRITERS =
            """
            SELECT a.pid, a.usename::text, a.state, a.xact_start, a.application_name
            FROM pg_catalog.pg_locks l
            JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
            WHERE l.relation = pg_catalog.to_regclass(?) AND l.granted AND a.pid <> pg_catalog.pg_backend_pid()
                AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
            ORDER BY a.xact_start NULLS LAST, a.pid
            """;

    /// A table with many partitions is locked one by one; the locks together are held no longer.
    private static final int LOCKS_OF_A_STATEMENT = 10;

    /// Another transaction locks the table, or so many that a statement takes too long.
    private static final Set<SqlFailure> LOCKED = Set.of(SqlFailure.RETRY, SqlFailure.CANCELLED);

    private static final int MOST_REPAIRS = 5;

    private final FenceSession session;
    private final String stream;
    private final List<TableId> tables;
    private final Limits limits;

    Installation(FenceSession session, String stream, List<TableId> tables, Limits limits) {
        this.session = session;
        this.stream = stream;
        this.tables = tables;
        this.limits = limits;
    }

    Outcome install() throws SQLException, InterruptedException {
        Deadline deadline = Deadline.in(limits.installation());
        String holder = holder();
        Map<TableId, Integer> repairs = new HashMap<>();
        while (true) {
            List<FencedRelation> relations = FencedRelation.read(session, tables, stream);
            List<String> obstacles = obstacles(relations, holder);
            if (!obstacles.isEmpty()) {
                return new Outcome.Refused(obstacles);
            }
            Optional<FencedRelation> next =
                    relations.stream()
                            .filter(relation -> !statements(relation, holder).isEmpty())
                            .findFirst();
            if (next.isEmpty()) {
                return new Outcome.Done();
            }
            String name = next.get().sqlName();
            if (repairs.merge(next.get().table(), 1, Integer::sum) > MOST_REPAIRS) {
                return new Outcome.Refused(
                        List.of(
                                "The triggers of table %s change again after they were created. End what changes them."
                                        .formatted(name)));
            }
            if (!execute(statements(next.get(), holder), deadline)) {
                return new Outcome.Busy(name, writers(name));
            }
        }
    }

    /// The role whose writes pass.
    String holder() throws SQLException {
        return session.list("SELECT session_user::text", row -> row.getString(1)).getFirst();
    }

    private List<String> obstacles(List<FencedRelation> relations, String holder) {
        List<String> obstacles = new ArrayList<>();
        for (TableId table : tables) {
            if (relations.stream().noneMatch(relation -> relation.table().equals(table))) {
                obstacles.add(
                        "Table %s does not exist, so it cannot be fenced."
                                .formatted(Identifier.quote(table)));
            }
        }
        for (FencedRelation relation : relations) {
            obstacle(relation, holder).ifPresent(obstacles::add);
        }
        return obstacles;
    }

    private Optional<String> obstacle(FencedRelation relation, String holder) {
        String name = relation.sqlName();
        if (!relation.canBeFenced()) {
            return Optional.of(
                    "%s is not a table that stores its rows in this database, so writes to it cannot be refused here. Remove it from the migration."
                            .formatted(name));
        }
        for (FenceTrigger trigger : FenceTrigger.values()) {
            Status status = relation.status(trigger, stream, holder);
            if (status == Status.TAKEN) {
                return Optional.of(
                        "Table %s has a trigger named %s that does not belong to this migration. Rename or drop that trigger."
                                .formatted(name, Identifier.quote(trigger.nameFor(stream))));
            }
            if (status == Status.DIFFERENT && relation.inherits(trigger)) {
                return Optional.of(
                        "Trigger %s of partition %s differs from the one of its partitioned table. Drop it there."
                                .formatted(Identifier.quote(trigger.nameFor(stream)), name));
            }
        }
        return relation.owned() || statements(relation, holder).isEmpty()
                ? Optional.empty()
                : Optional.of(notOwned(name, relation.owner(), holder));
    }

    private static String notOwned(String table, String owner, String role) {
        return "Table %s belongs to role %s, and only the owner can change triggers that always fire. Run: GRANT %s TO %s; or give the table to a role that %s is a member of."
                .formatted(table, owner, Identifier.quote(owner), Identifier.quote(role), role);
    }

    /// What completes the fence on this relation. A trigger that PostgreSQL creates on a partition
    /// is never created here: it comes with the one of the partitioned table.
    private List<String> statements(FencedRelation relation, String holder) {
        List<String> statements = new ArrayList<>();
        String table = relation.sqlName();
        for (FenceTrigger trigger : relation.needed()) {
            switch (relation.status(trigger, stream, holder)) {
                case COMPLETE, TAKEN -> {}
                case NOT_ALWAYS -> statements.add(trigger.enableOn(table, stream));
                case MISSING -> {
                    if (!relation.inherits(trigger)) {
                        statements.add("CREATE " + trigger.definition(table, stream, holder));
                        statements.add(trigger.enableOn(table, stream));
                    }
                }
                case DIFFERENT -> {
                    // DROP TRIGGER would also make readers wait.
                    statements.add(
                            "CREATE OR REPLACE " + trigger.definition(table, stream, holder));
                    statements.add(trigger.enableOn(table, stream));
                }
            }
        }
        if (relation.paysForEachRow(stream)) {
            statements.add(FenceTrigger.ROWS.disableOn(table, stream));
        }
        return statements;
    }

    private static String drop(String table, String trigger) {
        return "DROP TRIGGER IF EXISTS " + Identifier.quote(trigger) + " ON " + table;
    }

    /// @return false if the table was locked by others until the deadline
    private boolean execute(List<String> statements, Deadline deadline)
            throws SQLException, InterruptedException {
        String longest =
                "SET LOCAL statement_timeout = '"
                        + limits.lock().multipliedBy(LOCKS_OF_A_STATEMENT).toMillis()
                        + "ms'";
        return FenceSession.within(
                        deadline,
                        limits.lock(),
                        LOCKED,
                        () ->
                                session.inTransaction(
                                        connection -> {
                                            FenceSession.execute(connection, longest);
                                            for (String statement : statements) {
                                                FenceSession.execute(connection, statement);
                                            }
                                            return true;
                                        }))
                .isPresent();
    }

    private List<OpenWork> writers(String table) throws SQLException {
        return session.list(WRITERS, OpenWork::of, table);
    }

    private record Own(TableId table, String trigger, String owner, boolean owned) {}

    /// Drops the triggers wherever they are, also on tables that the migration no longer has, and
    /// deletes the lease.
    Outcome remove() throws SQLException, InterruptedException {
        if (!exists("to_regprocedure('millrace.refuse_write()')")) {
            return new Outcome.Done();
        }
        Deadline deadline = Deadline.in(limits.installation());
        List<Own> triggers = triggers();
        String holder = holder();
        List<String> foreign =
                triggers.stream()
                        .filter(trigger -> !trigger.owned())
                        .map(
                                trigger ->
                                        notOwned(
                                                Identifier.quote(trigger.table()),
                                                trigger.owner(),
                                                holder))
                        .distinct()
                        .toList();
        if (!foreign.isEmpty()) {
            return new Outcome.Refused(foreign);
        }
        for (TableId table : triggers.stream().map(Own::table).distinct().toList()) {
            String name = Identifier.quote(table);
            List<String> statements =
                    triggers.stream()
                            .filter(trigger -> trigger.table().equals(table))
                            .map(trigger -> drop(name, trigger.trigger()))
                            .toList();
            if (!execute(statements, deadline)) {
                return new Outcome.Busy(name, writers(name));
            }
        }
        String leases = "millrace.lease";
        return execute(
                        List.of(
                                "DELETE FROM millrace.lease WHERE stream = "
                                        + Identifier.literal(stream)),
                        deadline)
                ? new Outcome.Done()
                : new Outcome.Busy(leases, writers(leases));
    }

    private boolean exists(String expression) throws SQLException {
        return session.list(
                        "SELECT pg_catalog." + expression + " IS NOT NULL",
                        row -> row.getBoolean(1))
                .getFirst();
    }

    private List<Own> triggers() throws SQLException {
        return session.list(
                OURS,
                row ->
                        new Own(
                                new TableId(row.getString(1), row.getString(2)),
                                row.getString(3),
                                row.getString(4),
                                row.getBoolean(5)),
                stream);
    }
}
