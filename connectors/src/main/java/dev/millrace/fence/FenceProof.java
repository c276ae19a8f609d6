package dev.millrace.fence;

import dev.millrace.change.TableId;
import dev.millrace.fence.WriteFence.Proof;
import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.SqlFailure;
import dev.millrace.postgres.SqlState;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

/// Proves that a closed fence refuses: the catalog has every trigger on every relation, always
/// enabled, and a write that would change no row is refused for each role that Millrace may become.
///
/// The fence exempts by `session_user`, which SET ROLE does not change. The probe therefore sets
/// `millrace.probe`, which ends the exemption in this session, and takes the role of the
/// application only for its privileges. It runs in a transaction that is rolled back. Not
/// thread-safe.
final class FenceProof {

    /// Login roles that may write to a relation of the fence, with what a probe needs: a column,
    /// because UPDATE needs one. The database's `pg_has_role` knows the option SET since version
    /// 16.
    private static final String ROLES =
            """
            SELECT r.rolname::text, n.nspname::text, c.relname::text,
                pg_catalog.pg_has_role(r.oid, CASE WHEN current_setting('server_version_num')::int >= 160000
                    THEN 'SET' ELSE 'MEMBER' END),
                (SELECT a.attname::text FROM pg_catalog.pg_attribute a
                    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                        AND pg_catalog.has_column_privilege(r.oid, c.oid, a.attnum, 'UPDATE')
                    ORDER BY a.attnum LIMIT 1),
                pg_catalog.has_any_column_privilege(r.oid, c.oid, 'INSERT'),
                pg_catalog.has_table_privilege(r.oid, c.oid, 'DELETE')
            FROM unnest(?::text[], ?::text[]) w (schema, name)
            JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema
            JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.name
            CROSS JOIN pg_catalog.pg_roles r
            WHERE r.rolcanlogin AND r.rolname <> session_user
                AND (pg_catalog.has_any_column_privilege(r.oid, c.oid, 'INSERT, UPDATE')
                    OR pg_catalog.has_table_privilege(r.oid, c.oid, 'DELETE, TRUNCATE'))
            ORDER BY 1, 2, 3
            """;

    private record Writer(
            String role,
            TableId table,
            boolean reachable,
            @Nullable String updated,
            boolean inserts,
            boolean deletes) {

        /// By the name of the operation. None of them reads or changes a row.
        Map<String, String> statements() {
            String name = Identifier.quote(table);
            Map<String, String> statements = new LinkedHashMap<>();
            if (inserts) {
                statements.put("insert into", "INSERT INTO " + name + " SELECT WHERE false");
            }
            if (updated != null) {
                statements.put(
                        "update",
                        "UPDATE %s SET %s = DEFAULT WHERE false"
                                .formatted(name, Identifier.quote(updated)));
            }
            if (deletes) {
                statements.put("delete from", "DELETE FROM " + name + " WHERE false");
            }
            return statements;
        }
    }

    private final FenceSession session;
    private final String stream;
    private final List<TableId> tables;

    FenceProof(FenceSession session, String stream, List<TableId> tables) {
        this.session = session;
        this.stream = stream;
        this.tables = tables;
    }

    /// @param holder the role whose writes pass
    /// @param lease the lease at this moment
    Proof prove(String holder, Lease lease) throws SQLException {
        List<FencedRelation> relations = FencedRelation.read(session, tables, stream);
        List<String> problems = new ArrayList<>();
        if (!lease.isClosed()) {
            problems.add("The fence is open.");
        }
        for (TableId table : tables) {
            if (relations.stream().noneMatch(relation -> relation.table().equals(table))) {
                problems.add("Table %s does not exist.".formatted(Identifier.quote(table)));
            }
        }
        for (FencedRelation relation : relations) {
            for (FenceTrigger trigger : relation.needed()) {
                problem(relation, trigger, holder, problems);
            }
        }
        return probe(writers(relations.stream().map(FencedRelation::table).toList()), problems);
    }

    private void problem(
            FencedRelation relation, FenceTrigger trigger, String holder, List<String> problems) {
        String what =
                switch (relation.status(trigger, stream, holder)) {
                    case COMPLETE -> "";
                    case MISSING -> "is missing";
                    case TAKEN -> "does not belong to this migration";
                    case NOT_ALWAYS -> "is not always enabled";
                    case DIFFERENT -> "has another definition";
                };
        if (!what.isEmpty()) {
            problems.add(
                    "Trigger %s of table %s %s, so writes can pass the fence."
                            .formatted(
                                    Identifier.quote(trigger.nameFor(stream)),
                                    relation.sqlName(),
                                    what));
        }
    }

    private List<Writer> writers(List<TableId> relations) throws SQLException {
        return session.list(
                ROLES,
                row ->
                        new Writer(
                                row.getString(1),
                                new TableId(row.getString(2), row.getString(3)),
                                row.getBoolean(4),
                                row.getString(5),
                                row.getBoolean(6),
                                row.getBoolean(7)),
                relations.stream().map(TableId::schema).toArray(String[]::new),
                relations.stream().map(TableId::name).toArray(String[]::new));
    }

    /// Probes the tables of the mappings. Partitions and children have the same function by the
    /// catalog; there can be thousands.
    private Proof probe(List<Writer> writers, List<String> problems) throws SQLException {
        SortedSet<String> all = new TreeSet<>();
        writers.forEach(writer -> all.add(writer.role()));
        SortedSet<String> probed = new TreeSet<>();
        session.run(
                connection -> {
                    connection.setAutoCommit(false);
                    try {
                        FenceSession.execute(connection, "SET LOCAL millrace.probe = 'on'");
                        FenceSession.execute(connection, "SET LOCAL row_security = on");
                        for (Writer writer : writers) {
                            if (writer.reachable() && tables.contains(writer.table())) {
                                probe(connection, writer, probed, problems);
                            }
                        }
                        return true;
                    } finally {
                        if (!connection.isClosed()) {
                            connection.rollback();
                            connection.setAutoCommit(true);
                        }
                    }
                });
        all.removeAll(probed);
        return new Proof(probed, all, problems);
    }

    private void probe(
            Connection connection, Writer writer, SortedSet<String> probed, List<String> problems)
            throws SQLException {
        for (Map.Entry<String, String> statement : writer.statements().entrySet()) {
            FenceSession.execute(connection, "SAVEPOINT probe");
            try {
                FenceSession.execute(
                        connection, "SET LOCAL ROLE " + Identifier.quote(writer.role()));
                FenceSession.execute(connection, statement.getValue());
                problems.add(
                        "Role %s can %s table %s although the fence is installed."
                                .formatted(
                                        writer.role(),
                                        statement.getKey(),
                                        Identifier.quote(writer.table())));
            } catch (SQLException e) {
                if (SqlFailure.of(e) == SqlFailure.UNREACHABLE) {
                    throw e;
                }
                judge(e, writer, probed, problems);
            }
            FenceSession.execute(connection, "ROLLBACK TO SAVEPOINT probe");
        }
    }

    private void judge(
            SQLException failure, Writer writer, SortedSet<String> probed, List<String> problems) {
        if (isOurs(failure)) {
            probed.add(writer.role());
        } else if (SqlFailure.of(failure) != SqlFailure.NO_PRIVILEGE) {
            problems.add(
                    "The probe of table %s as role %s failed with SQLSTATE %s. Repeat it."
                            .formatted(
                                    Identifier.quote(writer.table()),
                                    writer.role(),
                                    failure.getSQLState()));
        }
    }

    /// Our error names the trigger. A read-only session has the same SQLSTATE, but no trigger.
    private boolean isOurs(SQLException failure) {
        ServerErrorMessage message =
                failure instanceof PSQLException server ? server.getServerErrorMessage() : null;
        return SqlState.READ_ONLY_TRANSACTION.matches(failure)
                && message != null
                && FenceTrigger.WRITE.nameFor(stream).equals(message.getConstraint());
    }
}
