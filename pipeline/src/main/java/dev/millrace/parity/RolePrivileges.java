package dev.millrace.parity;

import dev.millrace.change.TableId;
import dev.millrace.parity.SchemaFinding.Kind;
import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.Session;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/// What the roles of a database may do with some tables: roles that can log in, except superusers
/// and Millrace. A privilege on a column counts. Immutable.
///
/// @param held the privileges by table and role
/// @param sequences sequences that supply a column by default, with each role that may not use them
public record RolePrivileges(
        Map<TableId, Map<String, Set<String>>> held, List<UnusableSequence> sequences) {

    private static final String READS = "SELECT";

    private static final String HELD =
            """
            SELECT t.n, r.rolname, p.privilege FROM t
            JOIN pg_catalog.pg_class c ON c.oid = t.oid
            CROSS JOIN pg_catalog.pg_roles r
            CROSS JOIN (VALUES ('SELECT'), ('INSERT'), ('UPDATE'), ('DELETE')) p (privilege)
            WHERE r.rolcanlogin AND NOT r.rolsuper AND r.rolname <> session_user
                AND pg_catalog.has_schema_privilege(r.oid, c.relnamespace, 'USAGE')
                AND CASE WHEN p.privilege = 'DELETE'
                    THEN pg_catalog.has_table_privilege(r.oid, t.oid, p.privilege)
                    ELSE pg_catalog.has_any_column_privilege(r.oid, t.oid, p.privilege) END
            ORDER BY 1, 2, 3
            """;

    /// An identity needs no privilege on its sequence; a default does.
    private static final String SEQUENCES =
            """
            SELECT DISTINCT t.n, n.nspname, s.relname, r.rolname FROM t
            JOIN pg_catalog.pg_attrdef d ON d.adrelid = t.oid
            JOIN pg_catalog.pg_depend p ON p.classid = 'pg_catalog.pg_attrdef'::regclass
                AND p.objid = d.oid AND p.refclassid = 'pg_catalog.pg_class'::regclass
            JOIN pg_catalog.pg_class s ON s.oid = p.refobjid AND s.relkind = 'S'
            JOIN pg_catalog.pg_namespace n ON n.oid = s.relnamespace
            CROSS JOIN pg_catalog.pg_roles r
            WHERE r.rolcanlogin AND NOT r.rolsuper AND r.rolname <> session_user
                AND NOT (pg_catalog.has_schema_privilege(r.oid, n.oid, 'USAGE')
                    AND (pg_catalog.has_sequence_privilege(r.oid, s.oid, 'USAGE')
                        OR pg_catalog.has_sequence_privilege(r.oid, s.oid, 'UPDATE')))
            ORDER BY 1, 2, 3, 4
            """;

    public record UnusableSequence(TableId table, TableId sequence, String role) {}

    /// A privilege that a role has on a source table and lacks on a target table of it.
    ///
    /// @param object the target table, or a sequence that supplies it
    /// @param writes the role may write the source table
    public record Lacking(
            TableId source,
            TableId object,
            String role,
            String privilege,
            boolean writes,
            SchemaFinding finding) {}

    public static RolePrivileges read(Session session, Collection<TableId> tables) {
        NamedTables names = NamedTables.of(tables);
        Map<TableId, Map<String, Set<String>>> held = new HashMap<>();
        for (List<@Nullable String> row : session.texts(names.query(HELD))) {
            held.computeIfAbsent(names.table(row), _ -> new TreeMap<>())
                    .computeIfAbsent(text(row, 1), _ -> new TreeSet<>())
                    .add(text(row, 2));
        }
        return new RolePrivileges(
                held,
                session.texts(names.query(SEQUENCES)).stream()
                        .map(
                                row ->
                                        new UnusableSequence(
                                                names.table(row),
                                                new TableId(text(row, 1), text(row, 2)),
                                                text(row, 3)))
                        .toList());
    }

    /// What roles of the source lack on the target, ordered by source table, target table and role.
    ///
    /// @param readers the target tables that read each source table
    public static List<Lacking> lacking(
            RolePrivileges source, RolePrivileges target, Map<TableId, Set<TableId>> readers) {
        List<Lacking> lacking = new ArrayList<>();
        for (var reader : new TreeMap<>(readers).entrySet()) {
            TableId from = reader.getKey();
            source.held()
                    .getOrDefault(from.whole(), Map.of())
                    .forEach(
                            (role, privileges) -> {
                                for (TableId to : new TreeSet<>(reader.getValue())) {
                                    lacking.addAll(
                                            target.lacks(from, to.whole(), role, privileges));
                                }
                            });
        }
        return List.copyOf(lacking);
    }

    private List<Lacking> lacks(TableId from, TableId to, String role, Set<String> privileges) {
        boolean writes = !Set.of(READS).containsAll(privileges);
        Set<String> missing = new TreeSet<>(privileges);
        missing.removeAll(held.getOrDefault(to, Map.of()).getOrDefault(role, Set.of()));
        List<Lacking> lacking = new ArrayList<>();
        for (String privilege : missing) {
            lacking.add(
                    lacking(
                            new Missing(from, to, role, privilege, writes),
                            to.toString(),
                            "GRANT USAGE ON SCHEMA %1$s TO %2$s; GRANT %3$s ON %4$s TO %2$s;"
                                    .formatted(
                                            Identifier.quote(to.schema()),
                                            Identifier.quote(role),
                                            privilege,
                                            Identifier.quote(to))));
        }
        if (privileges.contains("INSERT")) {
            for (UnusableSequence each : sequences) {
                if (each.table().equals(to) && each.role().equals(role)) {
                    lacking.add(
                            lacking(
                                    new Missing(from, each.sequence(), role, "USAGE", writes),
                                    "sequence " + each.sequence(),
                                    "GRANT USAGE ON SCHEMA %1$s TO %2$s; GRANT USAGE ON SEQUENCE %3$s TO %2$s;"
                                            .formatted(
                                                    Identifier.quote(each.sequence().schema()),
                                                    Identifier.quote(role),
                                                    Identifier.quote(each.sequence()))));
                }
            }
        }
        return lacking;
    }

    private record Missing(
            TableId source, TableId object, String role, String privilege, boolean writes) {}

    private static Lacking lacking(Missing missing, String object, String remedy) {
        String message =
                "does not give the role %s the privilege %s, which its statements on %s of the source need"
                        .formatted(missing.role(), missing.privilege(), missing.source());
        String full =
                remedy
                        + " Create the role first if it is missing, or ignore this if the"
                        + " application uses another role there.";
        return new Lacking(
                missing.source(),
                missing.object(),
                missing.role(),
                missing.privilege(),
                missing.writes(),
                missing.writes()
                        ? SchemaFinding.blocks(Kind.PRIVILEGE, object, message, full)
                        : SchemaFinding.warning(Kind.PRIVILEGE, object, message, full));
    }

    private static String text(List<@Nullable String> row, int column) {
        return String.valueOf(row.get(column));
    }
}
