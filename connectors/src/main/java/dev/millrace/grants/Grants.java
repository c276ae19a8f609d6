package dev.millrace.grants;

import dev.millrace.capture.CaptureSettings;
import dev.millrace.change.TableId;
import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.Publication;
import dev.millrace.postgres.ReplicationOrigins;
import dev.millrace.postgres.SessionFactory;
import dev.millrace.postgres.TableFacts;
import dev.millrace.spec.MigrationSpec;
import dev.millrace.spec.MigrationSpec.Backfill;
import dev.millrace.spec.MigrationSpec.Endpoint;
import dev.millrace.spec.MigrationSpec.Indexes;
import dev.millrace.spec.MigrationSpec.Login;
import dev.millrace.spec.MigrationSpec.TableEntry;
import dev.millrace.spec.flow.StopCondition;
import dev.millrace.spec.flow.StopCondition.Measure;
import dev.millrace.spec.flow.StopCondition.Metric;
import dev.millrace.spec.queries.QueryPair;
import dev.millrace.spec.switchover.Switchover;
import dev.millrace.spec.switchover.Switchover.Fence;
import dev.millrace.spec.switchover.Switchover.Route;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/// What each login of a file needs, as SQL for an administrator of each side. Asks no server: what
/// depends on it, such as the owners of tables, is a block that reads the catalog when it runs. No
/// statement contains a password. A statement can be run again. Thread-safe.
public final class Grants {

    private static final String VERSION = "current_setting('server_version_num')::int";

    private static final String OWNERS =
            "SELECT DISTINCT o.rolname, o.rolsuper FROM %s c"
                    + " JOIN pg_catalog.pg_roles o ON o.oid = c.relowner WHERE o.rolname <> %s";

    private static final String SUPERUSER =
            "IF r.rolsuper THEN RAISE EXCEPTION 'Tables of the migration belong to the superuser %, and"
                    + " a member of it may do everything. Give the tables to a role that owns nothing else:"
                    + " ALTER TABLE ... OWNER TO ...', r.rolname; END IF;";

    /// Sequences that belong to a column or supply its default or that of its domain.
    private static final String SEQUENCES =
            """
            SELECT DISTINCT s.oid::regclass AS name, s.relnamespace::regnamespace AS schema FROM %1$s c
                    JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_class'::regclass
                        AND d.refobjid = c.oid AND d.deptype IN ('a', 'i')
                    LEFT JOIN pg_catalog.pg_depend u ON d.classid = 'pg_catalog.pg_attrdef'::regclass
                        AND u.classid = d.classid AND u.objid = d.objid
                        AND u.refclassid = 'pg_catalog.pg_class'::regclass
                    JOIN pg_catalog.pg_class s ON s.relkind = 'S'
                        AND (s.oid = d.objid AND d.classid = 'pg_catalog.pg_class'::regclass OR s.oid = u.refobjid)
                    UNION SELECT s.oid::regclass, s.relnamespace::regnamespace FROM %1$s c
                    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                    JOIN pg_catalog.pg_depend u ON u.classid = 'pg_catalog.pg_type'::regclass AND u.objid = a.atttypid
                        AND u.refclassid = 'pg_catalog.pg_class'::regclass
                    JOIN pg_catalog.pg_class s ON s.relkind = 'S' AND s.oid = u.refobjid""";

    /// Those that no column and no extension owns: of a wildcard's schemas, the switchover advances
    /// those that both sides have.
    private static final String FREE_STANDING =
            """

                    UNION SELECT s.oid::regclass, s.relnamespace::regnamespace FROM pg_catalog.pg_class s
                    WHERE s.relkind = 'S' AND s.relpersistence <> 't' AND s.relnamespace IN (%s)
                        AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                            WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = s.oid
                                AND d.deptype IN ('a', 'i', 'e'))""";

    private final MigrationSpec spec;
    private final GrantedTables sources;
    private final GrantedTables targets;
    private final List<RoleGrants> granted = new ArrayList<>();

    private Grants(MigrationSpec spec) {
        this.spec = spec;
        this.sources = GrantedTables.ofSource(spec);
        this.targets = GrantedTables.ofTarget(spec);
    }

    /// One of the two databases.
    public enum Side {
        SOURCE,
        TARGET;

        public String word() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /// What a login is used for. One login can have several uses.
    public enum Use {
        CAPTURE("reads the WAL and the rows"),
        APPLY("writes the rows and the state of the migration"),
        RECONCILE("compares, and only reads"),
        SWITCHOVER("moves the applications: fences, and the replication back"),
        DDL("drops indexes and foreign keys, and creates them again");

        private final String purpose;

        Use(String purpose) {
            this.purpose = purpose;
        }

        public String word() {
            return name().toLowerCase(Locale.ROOT);
        }

        public String purpose() {
            return purpose;
        }
    }

    /// @param database in which the statements are run
    /// @param notes what SQL cannot say, for the administrator
    public record RoleGrants(
            Side side,
            Use use,
            String login,
            String database,
            List<String> statements,
            List<String> notes) {

        public RoleGrants {
            statements = List.copyOf(statements);
            notes = List.copyOf(notes);
        }
    }

    /// In the order in which they have to be run: a later use relies on the earlier ones.
    public static List<RoleGrants> of(MigrationSpec spec) {
        Grants grants = new Grants(spec);
        grants.capture();
        grants.apply();
        grants.reconcile(Side.SOURCE, spec.source(), grants.sources);
        grants.reconcile(Side.TARGET, spec.target(), grants.targets);
        grants.switchover(Side.SOURCE, spec.source(), grants.sources);
        grants.switchover(Side.TARGET, spec.target(), grants.targets);
        grants.ddl();
        return List.copyOf(grants.granted);
    }

    private void capture() {
        String role = spec.source().username();
        List<String> statements = new ArrayList<>(login(role));
        statements.add(GrantSql.replication(role));
        statements.add(GrantSql.onDatabase("CONNECT", database(spec.source()), role));
        statements.addAll(sources.grants("SELECT", role));
        if (spec.backfill() == Backfill.WINDOWS) {
            statements.add(partitions(role));
        }
        statements.add(rowSecurity(sources, role));
        List<String> notes = new ArrayList<>(sources.notes());
        sources.listed(spec)
                .ifPresentOrElse(
                        tables -> statements.add(publication(tables, role)),
                        () ->
                                notes.add(
                                        "The file does not name every table with its schema, so the publication is not created here. With the rights of role switchover, the login creates it; otherwise the check source.publication of 'millrace plan' prints the CREATE PUBLICATION."));
        notes.addAll(conditions(StopCondition.Side.SOURCE));
        if (watchesOthers(StopCondition.Side.SOURCE)) {
            statements.add(GrantSql.activity(role));
        }
        add(Side.SOURCE, Use.CAPTURE, role, spec.source(), statements, notes);
    }

    private void apply() {
        String role = spec.target().username();
        List<String> statements = new ArrayList<>(login(role));
        statements.add(GrantSql.onDatabase("CONNECT, TEMPORARY", database(spec.target()), role));
        statements.add(schema(role));
        statements.addAll(targets.grants(GrantSql.WRITE, role));
        statements.add(rowSecurity(targets, role));
        statements.add(replicaRole(targets, role));
        if (watchesOthers(StopCondition.Side.TARGET)) {
            statements.add(GrantSql.activity(role));
        }
        add(
                Side.TARGET,
                Use.APPLY,
                role,
                spec.target(),
                statements,
                conditions(StopCondition.Side.TARGET));
    }

    /// Whether a stop condition is about sessions or standbys, whose state only a member of
    /// `pg_read_all_stats` sees.
    private boolean watchesOthers(StopCondition.Side side) {
        return spec.flow().stopWhen().stream()
                .map(StopCondition::measure)
                .anyMatch(
                        measure ->
                                measure instanceof Measure.BuiltIn(Metric metric)
                                        && switch (metric) {
                                            case SOURCE_ACTIVE_SESSIONS, SOURCE_REPLICATION_LAG ->
                                                    side == StopCondition.Side.SOURCE;
                                            case TARGET_ACTIVE_SESSIONS, TARGET_REPLICATION_LAG ->
                                                    side == StopCondition.Side.TARGET;
                                            case TARGET_COMMIT_P95,
                                                    TARGET_LOCK_WAITS,
                                                    SOURCE_WAL_RETAINED ->
                                                    false;
                                        });
    }

    private List<String> conditions(StopCondition.Side side) {
        return spec.flow().stopWhen().stream()
                .filter(
                        condition ->
                                condition.measure()
                                                instanceof
                                                Measure.Scalar(StopCondition.Side on, String _)
                                        && on == side)
                .map(
                        condition ->
                                "Stop condition %s: grant the login what its SELECT reads."
                                        .formatted(condition.name()))
                .toList();
    }

    /// Without its own login, comparisons have what the other login has.
    private void reconcile(Side side, Endpoint endpoint, GrantedTables tables) {
        String role = endpoint.reconcile().map(Login::username).orElse(endpoint.username());
        List<String> statements = new ArrayList<>();
        List<String> notes = new ArrayList<>();
        if (endpoint.reconcile().isPresent()) {
            notes.addAll(tables.notes());
            statements.addAll(login(role));
            statements.add(GrantSql.onDatabase("CONNECT", database(endpoint), role));
            statements.addAll(tables.grants("SELECT", role));
            statements.add(rowSecurity(tables, role));
            statements.add(schema(endpoint.username()));
            statements.add(GrantSql.usage("millrace", role));
            statements.add(GrantSql.readControl(role));
            statements.add(GrantSql.readControlLater(endpoint.username(), role));
        }
        spec.queries().stream()
                .map(QueryPair::role)
                .flatMap(Optional::stream)
                .distinct()
                .forEach(group -> statements.add(GrantSql.member(group, role)));
        spec.queries().stream()
                .filter(query -> query.role().isEmpty())
                .map(
                        query ->
                                "Query %s has no role: grant the login what its statements read, or declare a role."
                                        .formatted(query.name()))
                .forEach(notes::add);
        add(side, Use.RECONCILE, role, endpoint, statements, notes);
    }

    private void switchover(Side side, Endpoint endpoint, GrantedTables tables) {
        String role = endpoint.username();
        boolean isSource = side == Side.SOURCE;
        List<String> statements = new ArrayList<>();
        List<String> notes = new ArrayList<>();
        notes.add("What the statement of a route needs is not known here.");
        if (isSource) {
            notes.add("'complete --rename-old' also needs CREATE on the schemas of the tables.");
            statements.add(GrantSql.onDatabase("TEMPORARY", database(endpoint), role));
            statements.add(schema(role));
            statements.add(replicaRole(tables, role));
        } else {
            statements.add(GrantSql.replication(role));
            statements.add(GrantSql.onDatabase("CREATE", database(endpoint), role));
        }
        if (!isSource || spec.switchover().fence() == Fence.LEASE) {
            statements.add(owners(tables, role));
            if (isSource && sources.listed(spec).isEmpty()) {
                // An owner may publish its tables; the publication itself is an object of the
                // database.
                statements.add(GrantSql.onDatabase("CREATE", database(endpoint), role));
            }
        } else {
            statements.addAll(tables.grants("INSERT, UPDATE, DELETE", role));
        }
        statements.add(GrantSql.activity(role));
        statements.add(ReplicationOrigins.grant(ReplicationOrigins.FUNCTIONS, role));
        statements.add(sequences(tables, "SELECT, UPDATE", role));
        for (Route route : spec.switchover().route()) {
            if (route instanceof Route.Flag flag
                    && (flag.side() == Switchover.Side.SOURCE) == isSource) {
                statements.add(GrantSql.usage(flag.table().schema(), role));
                statements.add(GrantSql.onTable("SELECT, UPDATE", flag.table(), role));
            }
        }
        add(side, Use.SWITCHOVER, role, endpoint, statements, notes);
    }

    private void ddl() {
        String role = spec.target().username();
        List<TableId> tables =
                spec.tables().stream()
                        .filter(TableEntry.Select.class::isInstance)
                        .map(entry -> ((TableEntry.Select) entry).target())
                        .filter(table -> spec.indexes().of(table) == Indexes.AFTER_BACKFILL)
                        .toList();
        GrantedTables chosen =
                GrantedTables.of(
                        tables,
                        spec.indexes().standard() == Indexes.AFTER_BACKFILL
                                ? targets.whole()
                                : Set.of());
        if (!chosen.isEmpty()) {
            List<String> statements = new ArrayList<>(List.of(owners(chosen, role)));
            chosen.schemas().forEach(name -> statements.add(GrantSql.createIn(name, role)));
            add(Side.TARGET, Use.DDL, role, spec.target(), statements, List.of());
        }
    }

    private void add(
            Side side,
            Use use,
            String login,
            Endpoint endpoint,
            List<String> statements,
            List<String> notes) {
        if (!statements.isEmpty() || !notes.isEmpty()) {
            granted.add(new RoleGrants(side, use, login, database(endpoint), statements, notes));
        }
    }

    private static String database(Endpoint endpoint) {
        return new SessionFactory("grants", endpoint.url(), endpoint.username(), "").database();
    }

    private static List<String> login(String role) {
        return List.of(
                GrantSql.onlyIf(
                        "NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = "
                                + Identifier.literal(role)
                                + ")",
                        "CREATE ROLE " + Identifier.quote(role) + " LOGIN;"));
    }

    private static String schema(String owner) {
        return GrantSql.onlyIf(
                "to_regnamespace('millrace') IS NULL", GrantSql.controlSchema(owner));
    }

    private static String rowSecurity(GrantedTables tables, String role) {
        return GrantSql.onlyIf(
                "EXISTS (SELECT FROM " + tables.tree() + " c WHERE c.relrowsecurity)",
                GrantSql.seesAllRows(role));
    }

    /// Before version 15, only a superuser may set the parameter. Rows that exchange unique values
    /// are taken out of the table and put back, which Millrace does under the replica role only.
    private static String replicaRole(GrantedTables tables, String role) {
        return GrantSql.onlyIf(
                VERSION
                        + " >= "
                        + GrantSql.PARAMETER_GRANTS * 10_000
                        + " AND EXISTS (SELECT FROM "
                        + tables.tree()
                        + " c WHERE EXISTS (SELECT FROM pg_catalog.pg_trigger g WHERE g.tgrelid = c.oid)"
                        + " OR EXISTS (SELECT FROM pg_catalog.pg_index x WHERE x.indrelid = c.oid"
                        + " AND "
                        + TableFacts.UNIQUE_BESIDES_KEY
                        + "))",
                GrantSql.execute(GrantSql.replicaRole(role, GrantSql.PARAMETER_GRANTS)));
    }

    /// Windows read each partition under its own name.
    private String partitions(String role) {
        return GrantSql.forEach(
                "SELECT c.oid::regclass AS name, n.nspname FROM "
                        + sources.tree()
                        + " c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
                        + " WHERE c.relispartition",
                List.of(
                        GrantSql.format("GRANT USAGE ON SCHEMA %I TO %I", "r.nspname", role),
                        GrantSql.format("GRANT SELECT ON %s TO %I", "r.name", role)));
    }

    private static String owners(GrantedTables tables, String role) {
        return GrantSql.forEach(
                OWNERS.formatted(tables.tree(), Identifier.literal(role)),
                List.of(SUPERUSER, GrantSql.format("GRANT %I TO %I", "r.rolname", role)));
    }

    private static String sequences(GrantedTables tables, String privileges, String role) {
        return GrantSql.forEach(
                SEQUENCES.formatted(tables.tree()) + freeStanding(tables.whole()),
                List.of(
                        GrantSql.format("GRANT USAGE ON SCHEMA %s TO %I", "r.schema", role),
                        GrantSql.format(
                                "GRANT " + privileges + " ON SEQUENCE %s TO %I", "r.name", role)));
    }

    private static String freeStanding(Set<String> schemas) {
        return schemas.isEmpty()
                ? ""
                : FREE_STANDING.formatted(
                        schemas.stream()
                                .map(
                                        schema ->
                                                Identifier.literal(Identifier.quote(schema))
                                                        + "::regnamespace")
                                .collect(Collectors.joining(", ")));
    }

    /// Only the owner of a publication can drop it, which the end of a migration does. An
    /// administrator that is no superuser may be unable to give it away.
    private String publication(List<TableId> tables, String role) {
        String name = CaptureSettings.publication(spec.migration());
        return GrantSql.onlyIf(
                "NOT EXISTS (SELECT FROM pg_catalog.pg_publication WHERE pubname = "
                        + Identifier.literal(name)
                        + ")",
                "EXECUTE CASE WHEN "
                        + VERSION
                        + " >= 180000 THEN "
                        + Identifier.literal(Publication.creation(name, tables, 18))
                        + " ELSE "
                        + Identifier.literal(Publication.creation(name, tables, 14))
                        + " END;\n        BEGIN\n            ALTER PUBLICATION "
                        + Identifier.quote(name)
                        + " OWNER TO "
                        + Identifier.quote(role)
                        + ";\n        EXCEPTION WHEN insufficient_privilege THEN\n            RAISE WARNING"
                        + " 'Publication % belongs to %: drop it yourself when the migration ends.', "
                        + Identifier.literal(name)
                        + ", current_user;\n        END;");
    }
}
