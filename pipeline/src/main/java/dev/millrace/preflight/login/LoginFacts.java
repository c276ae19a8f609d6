package dev.millrace.preflight.login;

import dev.millrace.change.TableId;
import dev.millrace.digest.StoredState;
import dev.millrace.postgres.Catalog;
import dev.millrace.postgres.ConnectionLimit;
import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.Server;
import dev.millrace.postgres.Session;
import dev.millrace.postgres.TableFacts;
import dev.millrace.preflight.compile.SpecCompiler.CompiledTable;
import dev.millrace.preflight.login.ReconcileLogin.Place;
import dev.millrace.sql.SelectStatement;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// What one side says about the login of comparisons. Immutable.
///
/// @param path the schemas in which the other login finds names, as SQL
/// @param hidden whether a function of another schema can hide one of PostgreSQL's from this login
///   alone
/// @param tables of the migration on this side, as this login sees them, ordered by name
/// @param unlike SELECTs that mean something else to this login, each with what they mean
record LoginFacts(
        ReconcileLogin login,
        Server.Role role,
        String database,
        String path,
        boolean hidden,
        List<ConnectionLimit> limits,
        List<TableFacts> tables,
        Control control,
        List<Write> writes,
        Map<TableId, String> unlike) {

    LoginFacts {
        limits = List.copyOf(limits);
        tables = List.copyOf(tables);
        writes = List.copyOf(writes);
        unlike = Collections.unmodifiableSortedMap(new TreeMap<>(unlike));
    }

    /// What the login may read of the control schema.
    ///
    /// @param exists whether there is such a schema
    /// @param usage whether it may use the schema
    /// @param select whether it may read the tables in it that a comparison reads
    /// @param later whether it may read those that Millrace's other role creates later
    record Control(boolean exists, boolean usage, boolean select, boolean later) {}

    /// A privilege to write that the login has.
    ///
    /// @param table empty for every table
    /// @param privileges as SQL lists them
    /// @param grantee who has it, as SQL names the role
    /// @param direct whether that is the login's own role
    /// @param through the roles that it is a member of and has it from, as SQL lists them
    record Write(
            Optional<TableId> table,
            String privileges,
            String grantee,
            boolean direct,
            String through) {}

    private static final String CONTROL =
            """
            SELECT n.oid IS NOT NULL,
                coalesce(pg_catalog.has_schema_privilege(n.oid, 'USAGE'), false),
                NOT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.relnamespace = n.oid
                    AND c.relname IN (%1$s) AND NOT pg_catalog.has_table_privilege(c.oid, 'SELECT')),
                pg_catalog.pg_has_role('pg_read_all_data', 'USAGE') OR EXISTS (
                    SELECT FROM pg_catalog.pg_default_acl d, pg_catalog.aclexplode(d.defaclacl) a
                    WHERE d.defaclrole = (SELECT o.oid FROM pg_catalog.pg_roles o WHERE o.rolname = %2$s)
                    AND d.defaclnamespace IN (0, n.oid) AND d.defaclobjtype = 'r'
                    AND a.privilege_type = 'SELECT'
                    AND CASE a.grantee WHEN 0 THEN true ELSE pg_catalog.pg_has_role(a.grantee, 'USAGE') END)
            FROM (VALUES (1)) AS one
            LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = 'millrace'
            """;

    private static final String WRITES =
            """
            WITH me AS (SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = current_user),
            wanted AS (SELECT w.schema, w.name, c.oid, c.relacl, c.relowner
                FROM unnest(ARRAY[%1$s]::text[], ARRAY[%2$s]::text[]) AS w(schema, name)
                JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema
                JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.name),
            granted AS (SELECT w.schema, w.name, a.privilege_type, a.grantee
                FROM wanted w,
                    pg_catalog.aclexplode(coalesce(w.relacl, pg_catalog.acldefault('r', w.relowner))) a
                UNION SELECT w.schema, w.name, a.privilege_type, a.grantee
                FROM wanted w JOIN pg_catalog.pg_attribute t ON t.attrelid = w.oid AND t.attacl IS NOT NULL,
                    pg_catalog.aclexplode(t.attacl) a
                UNION SELECT '', '', 'INSERT', r.oid
                FROM pg_catalog.pg_roles r WHERE r.rolname = 'pg_write_all_data')
            SELECT g.schema, g.name, string_agg(g.privilege_type, ', ' ORDER BY g.privilege_type),
                CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_catalog.pg_get_userbyid(g.grantee)) END,
                g.grantee = me.oid,
                coalesce((SELECT string_agg(quote_ident(pg_catalog.pg_get_userbyid(m.roleid)), ', ' ORDER BY m.roleid)
                    FROM (SELECT DISTINCT m.roleid FROM pg_catalog.pg_auth_members m WHERE m.member = me.oid) m
                    WHERE g.grantee <> 0 AND pg_catalog.pg_has_role(m.roleid, g.grantee, 'USAGE')), '')
            FROM granted g, me
            WHERE g.privilege_type IN ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE')
                AND CASE g.grantee WHEN 0 THEN true ELSE pg_catalog.pg_has_role(g.grantee, 'USAGE') END
            GROUP BY g.schema, g.name, g.grantee, me.oid
            ORDER BY g.schema, g.name, g.grantee
            """;

    private static final String PATH =
            """
            SELECT coalesce(string_agg(quote_ident(s.name), ', ' ORDER BY s.n), quote_literal('')),
                pg_catalog.current_schemas(true)::text,
                coalesce((pg_catalog.current_schemas(true))[1] = 'pg_catalog', false)
            FROM unnest(pg_catalog.current_schemas(false)) WITH ORDINALITY s (name, n)
            """;

    /// @param session of the login that is checked
    static LoginFacts read(ReconcileLogin login, Session session, List<CompiledTable> compiled) {
        Catalog catalog =
                switch (login.place()) {
                    case SOURCE -> session.sourceCatalog();
                    case TARGET -> session.targetCatalog();
                };
        Server.Facts server = session.server().facts();
        List<@Nullable String> others = login.main().texts(PATH).getFirst();
        List<@Nullable String> own = session.texts(PATH).getFirst();
        Map<TableId, TableFacts> tables =
                new TreeMap<>(
                        catalog.facts(compiled.stream().map(each -> id(login, each)).toList()));
        return new LoginFacts(
                login,
                server.role(),
                server.database(),
                text(others, 0),
                !isTrue(own, 2) && !text(own, 1).equals(text(others, 1)),
                server.connections(),
                List.copyOf(tables.values()),
                control(session, login.owner()),
                server.role().superuser() || tables.isEmpty()
                        ? List.of()
                        : writes(session, List.copyOf(tables.keySet())),
                unlike(login, catalog, tables, compiled));
    }

    private static TableId id(ReconcileLogin login, CompiledTable table) {
        return switch (login.place()) {
            case SOURCE -> table.source().id();
            case TARGET -> table.target().id();
        };
    }

    private static Control control(Session session, String owner) {
        List<@Nullable String> row =
                session.texts(
                                CONTROL.formatted(
                                        literals(StoredState.TABLES), Identifier.literal(owner)))
                        .getFirst();
        return new Control(isTrue(row, 0), isTrue(row, 1), isTrue(row, 2), isTrue(row, 3));
    }

    private static List<Write> writes(Session session, List<TableId> tables) {
        List<Write> writes = new ArrayList<>();
        for (List<@Nullable String> row :
                session.texts(
                        WRITES.formatted(
                                literals(tables.stream().map(TableId::schema).toList()),
                                literals(tables.stream().map(TableId::name).toList())))) {
            writes.add(
                    new Write(
                            text(row, 1).isEmpty()
                                    ? Optional.empty()
                                    : Optional.of(new TableId(text(row, 0), text(row, 1))),
                            text(row, 2),
                            text(row, 3),
                            isTrue(row, 4),
                            text(row, 5)));
        }
        return writes;
    }

    /// A name without a schema is looked up on the search path of the role.
    private static Map<TableId, String> unlike(
            ReconcileLogin login,
            Catalog catalog,
            Map<TableId, TableFacts> known,
            List<CompiledTable> compiled) {
        Map<TableId, String> unlike = new TreeMap<>();
        for (CompiledTable table : compiled) {
            TableId id = id(login, table);
            TableFacts facts = known.get(id);
            if (facts == null || !facts.access().schemaUsage() || !facts.access().select()) {
                // Another check reports it.
                continue;
            }
            for (SelectStatement statement : statements(login.place(), table)) {
                Optional<TableId> found = catalog.resolve(statement.schema(), statement.table());
                if (!found.equals(Optional.of(id))) {
                    unlike.put(
                            id,
                            found.map(other -> statement.table() + " names " + other)
                                    .orElse(statement.table() + " names no table"));
                }
            }
        }
        return unlike;
    }

    private static List<SelectStatement> statements(Place place, CompiledTable table) {
        return switch (place) {
            case SOURCE -> List.of(table.declared().statement());
            case TARGET -> table.declared().reverse();
        };
    }

    private static String literals(List<String> texts) {
        return texts.stream().map(Identifier::literal).collect(Collectors.joining(", "));
    }

    private static boolean isTrue(List<@Nullable String> row, int column) {
        return "t".equals(row.get(column));
    }

    private static String text(List<@Nullable String> row, int column) {
        return String.valueOf(row.get(column));
    }
}
