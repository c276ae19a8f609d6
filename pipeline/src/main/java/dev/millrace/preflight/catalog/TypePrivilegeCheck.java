package dev.millrace.preflight.catalog;

import dev.millrace.change.TableId;
import dev.millrace.grants.GrantSql;
import dev.millrace.mapping.Mapping;
import dev.millrace.mapping.WayBack;
import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.Session;
import dev.millrace.preflight.compile.SpecCompiler.Compilation;
import dev.millrace.preflight.plan.CheckName;
import dev.millrace.preflight.plan.Finding;
import dev.millrace.preflight.plan.Findings;
import dev.millrace.preflight.plan.Remedy;
import dev.millrace.preflight.plan.Remedy.Place;
import dev.millrace.sql.Relation;
import dev.millrace.sql.ValueType;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// Checks that the roles may use the schemas of the types that Millrace names in a cast: those of
/// each column that it writes, and those of the keys by which it finds a row. Only reads.
public final class TypePrivilegeCheck {

    private static final int NAMED = 3;

    private final Session session;
    private final String role;

    private TypePrivilegeCheck(Session session) {
        this.session = session;
        this.role = String.valueOf(session.texts("SELECT current_user").getFirst().getFirst());
    }

    public static List<Finding> judge(Session source, Session target, Compilation compiled) {
        Columns keys = new Columns();
        Columns written = new Columns();
        Columns back = new Columns();
        compiled.tables().forEach(table -> keys.key(table.source(), table.source().key()));
        compiled.tables()
                .forEach(
                        table ->
                                table.mapping()
                                        .ifPresent(
                                                mapping ->
                                                        written.written(mapping, table.target())));
        for (WayBack way : compiled.back()) {
            if (way instanceof WayBack.Whole(Mapping mapping, _, _)) {
                compiled.tables().stream()
                        .map(table -> table.source())
                        .filter(relation -> relation.id().equals(way.source()))
                        .findFirst()
                        .ifPresent(relation -> back.written(mapping, relation));
            }
        }
        TypePrivilegeCheck ofSource = new TypePrivilegeCheck(source);
        TypePrivilegeCheck ofTarget = new TypePrivilegeCheck(target);
        List<Finding> findings = new ArrayList<>();
        findings.addAll(ofSource.keys(keys));
        findings.addAll(ofTarget.written(written));
        findings.addAll(ofSource.back(back));
        return findings;
    }

    private List<Finding> keys(Columns columns) {
        Findings findings = new Findings(CheckName.SOURCE_TYPE_PRIVILEGE);
        report(
                columns,
                Place.SOURCE,
                "the role has no USAGE privilege, so no row can be read by its key",
                findings::refuse);
        return findings.orOk("source keys", "the role may use the schemas of their types");
    }

    private List<Finding> written(Columns columns) {
        Findings findings = new Findings(CheckName.TARGET_TYPE_PRIVILEGE);
        report(
                columns,
                Place.TARGET,
                "the role has no USAGE privilege, so no row can be written or found by its key",
                findings::refuse);
        return findings.orOk("target columns", "the role may use the schemas of their types");
    }

    /// Only warns: a migration may run without a switchover.
    private List<Finding> back(Columns columns) {
        Findings findings = new Findings(CheckName.SWITCHOVER_TYPE_PRIVILEGE);
        report(
                columns,
                Place.SOURCE,
                "the role has no USAGE privilege on the source, so the reverse stream could not"
                        + " write rows",
                findings::warn);
        return findings.orOk("source columns", "the role may use the schemas of their types");
    }

    /// How a finding is reported.
    private interface Severity {
        void report(String object, String message, Remedy remedy);
    }

    private void report(Columns columns, Place place, String consequence, Severity severity) {
        missing(columns)
                .forEach(
                        (schema, names) ->
                                severity.report(
                                        "schema " + schema,
                                        "%s: the types of %s are in this schema"
                                                .formatted(consequence, named(names)),
                                        new Remedy(place, GrantSql.usage(schema, role))));
    }

    private static String named(Collection<String> columns) {
        String first = columns.stream().limit(NAMED).collect(Collectors.joining(", "));
        return columns.size() <= NAMED
                ? first
                : first + " and " + (columns.size() - NAMED) + " more columns";
    }

    /// The schemas that the role may not use, with the columns that need them.
    private SortedMap<String, SortedSet<String>> missing(Columns columns) {
        SortedMap<String, SortedSet<String>> missing = new TreeMap<>(columns.bySchema);
        if (!missing.isEmpty()) {
            String schemas =
                    missing.keySet().stream()
                            .map(Identifier::literal)
                            .collect(Collectors.joining(", "));
            missing.keySet()
                    .retainAll(
                            session
                                    .texts(
                                            """
                                            SELECT n.nspname FROM pg_catalog.pg_namespace n
                                            WHERE n.nspname IN (%s) AND NOT pg_catalog.has_schema_privilege(n.oid, 'USAGE')
                                            """
                                                    .formatted(schemas))
                                    .stream()
                                    .map(row -> String.valueOf(row.getFirst()))
                                    .toList());
        }
        return missing;
    }

    /// The columns that need a schema, by its name. Built-in types need none.
    private static final class Columns {

        private final SortedMap<String, SortedSet<String>> bySchema = new TreeMap<>();

        /// A key with a length or a precision is also cast to the declared type, which prints it.
        void key(Relation table, List<String> names) {
            columns(table, names)
                    .forEach(
                            column -> {
                                Relation.SqlType type = column.type();
                                Stream<Relation.SqlType> declared =
                                        type.isModified() ? Stream.of(type) : Stream.empty();
                                add(
                                        table.id(),
                                        column,
                                        Stream.concat(Stream.of(type.compared()), declared));
                            });
        }

        /// A text is cast to the base type of a domain. Keys are also read, page by page.
        void written(Mapping mapping, Relation table) {
            columns(table, mapping.target().columns())
                    .forEach(
                            column ->
                                    add(
                                            table.id(),
                                            column,
                                            Stream.of(ValueType.base(column.type()))));
            key(table, mapping.target().keyColumns());
        }

        private static Stream<Relation.Column> columns(Relation table, List<String> names) {
            return names.stream().flatMap(name -> table.column(name).stream());
        }

        private void add(TableId table, Relation.Column column, Stream<Relation.SqlType> types) {
            types.map(Relation.SqlType::schema)
                    .filter(schema -> !schema.equals("pg_catalog"))
                    .forEach(
                            schema ->
                                    bySchema.computeIfAbsent(schema, _ -> new TreeSet<>())
                                            .add(table + "." + column.name()));
        }
    }
}
