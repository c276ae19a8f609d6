package dev.millrace.grants;

import dev.millrace.grants.Grants.RoleGrants;
import dev.millrace.grants.Grants.Side;
import dev.millrace.grants.Grants.Use;
import dev.millrace.postgres.Database;
import dev.millrace.postgres.Identifier;
import dev.millrace.spec.MigrationSpec;
import dev.millrace.spec.MigrationSpec.Endpoint;
import dev.millrace.spec.Secret;
import dev.millrace.spec.SpecReader;
import dev.millrace.spec.SpecResult;
import dev.millrace.testing.CutProxy;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/// Gives the logins of a file what `millrace grants` prints for it, as the administrator of a test,
/// and nothing else.
public final class GrantedLogins {

    /// Of each login.
    public static final String PASSWORD = "pw";

    /// Gives what the administrator has created to a role that owns nothing else. A control schema
    /// that was prepared to save time becomes the login's, which would have created it.
    private static final String OWNERS =
            """
            DO $$ DECLARE r record; BEGIN
                IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = %1$s) THEN CREATE ROLE %2$s; END IF;
                FOR r IN SELECT c.oid::regclass AS name FROM pg_class c JOIN pg_roles o ON o.oid = c.relowner
                    WHERE o.rolsuper AND c.relkind IN ('r', 'p') AND (SELECT nspname FROM pg_namespace WHERE oid = c.relnamespace) = ANY (ARRAY[%3$s])
                LOOP EXECUTE format('ALTER TABLE %%s OWNER TO %2$s', r.name); END LOOP;
            END $$""";

    private static final String CONTROL_SCHEMA =
            """
            DO $$ BEGIN
                IF (SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = 'millrace') = %1$s THEN
                    REASSIGN OWNED BY %2$s TO %3$s;
                END IF;
            END $$""";

    private static final String PASSWORDS =
            """
            DO $$ DECLARE r record; BEGIN
                FOR r IN SELECT rolname FROM pg_authid WHERE rolpassword IS NULL AND rolname = ANY (ARRAY[%s])
                LOOP EXECUTE format('ALTER ROLE %%I PASSWORD %%L', r.rolname, %s); END LOOP;
            END $$""";

    private static final String NO_SUPERUSERS =
            """
            DO $$ BEGIN
                IF EXISTS (SELECT FROM pg_roles l, pg_roles s WHERE l.rolname = ANY (ARRAY[%s]) AND s.rolsuper
                    AND pg_has_role(l.oid, s.oid, 'MEMBER'))
                THEN RAISE EXCEPTION 'A login is a superuser.'; END IF;
            END $$""";

    private GrantedLogins() {}

    /// A login that is no superuser.
    ///
    /// @param database as this login opens it
    public record Login(TestDatabase database) {

        public String name() {
            return database.username();
        }

        public Endpoint endpoint() {
            return new Endpoint(database.url(), name(), Secret.of(database.password()));
        }

        /// @param stream whose sessions these are
        public Database database(String stream) {
            return new Database(stream, database.url(), name(), database.password());
        }

        public Connection session(String purpose) throws SQLException {
            return database.session(purpose);
        }

        public Connection connect() {
            return database.connect();
        }

        public Login through(CutProxy proxy) {
            return new Login(proxy.through(database));
        }
    }

    /// Can be called again when there are other tables.
    ///
    /// @throws IllegalStateException if a login has the rights of a superuser, or a statement fails
    public static void grant(
            MigrationSpec spec, Set<Use> uses, TestDatabase source, TestDatabase target) {
        List<RoleGrants> grants =
                Grants.of(spec).stream().filter(each -> uses.contains(each.use())).toList();
        grant(
                source,
                spec.source().username(),
                schemas(GrantedTables.ofSource(spec)),
                of(Side.SOURCE, grants));
        grant(
                target,
                spec.target().username(),
                schemas(GrantedTables.ofTarget(spec)),
                of(Side.TARGET, grants));
    }

    /// A database of a test as one of its logins opens it.
    public static Login as(String login, TestDatabase database) {
        return new Login(new TestDatabase(database.url(), login, PASSWORD));
    }

    /// Makes the logins of a file that has every use.
    public static MigrationSpec granted(
            MigrationSpec spec, TestDatabase source, TestDatabase target) {
        grant(spec, EnumSet.allOf(Use.class), source, target);
        return spec;
    }

    /// Makes the logins of a file that has every use.
    public static void granted(Path file, TestDatabase source, TestDatabase target)
            throws IOException {
        granted(Files.readString(file), source, target);
    }

    /// Makes the logins of a file that has every use.
    ///
    /// @param file its text
    public static void granted(String file, TestDatabase source, TestDatabase target) {
        granted(spec(file), source, target);
    }

    private static MigrationSpec spec(String text) {
        return switch (SpecReader.read("millrace.yaml", text, Map.of())) {
            case SpecResult.Valid valid -> valid.spec();
            case SpecResult.Invalid invalid ->
                    throw new IllegalArgumentException(invalid.problems().toString());
        };
    }

    /// The source as the login that captures, with what a switchover needs.
    ///
    /// @param tables with their schemas, as SQL names them, also `schema.*`; none means `public.*`
    public static Login source(TestDatabase database, String... tables) {
        return only("m", Side.SOURCE, EnumSet.allOf(Use.class), false, database, tables);
    }

    /// The source as the login that captures, without what a switchover needs. If every table is
    /// named, the migration's publication exists afterwards.
    ///
    /// @param tables with their schemas, as SQL names them, also `schema.*`; none means `public.*`
    public static Login capture(String migration, TestDatabase database, String... tables) {
        return only(migration, Side.SOURCE, EnumSet.of(Use.CAPTURE), false, database, tables);
    }

    /// The target as the login that applies, without what a switchover and DDL need.
    ///
    /// @param tables with their schemas, as SQL names them, also `schema.*`; none means `public.*`
    public static Login apply(TestDatabase database, String... tables) {
        return only("m", Side.TARGET, EnumSet.of(Use.APPLY), false, database, tables);
    }

    /// The target as the login that applies, with what a switchover and DDL need.
    ///
    /// @param tables with their schemas, as SQL names them, also `schema.*`; none means `public.*`
    public static Login target(TestDatabase database, String... tables) {
        return only("m", Side.TARGET, EnumSet.allOf(Use.class), false, database, tables);
    }

    /// One side as the login that only compares. The other login of the side has no rights of a
    /// switchover.
    ///
    /// @param tables with their schemas, as SQL names them, also `schema.*`; none means `public.*`
    public static Login reader(Side side, TestDatabase database, String... tables) {
        return only(
                "m",
                side,
                EnumSet.of(Use.CAPTURE, Use.APPLY, Use.RECONCILE),
                true,
                database,
                tables);
    }

    private static Login only(
            String migration,
            Side side,
            Set<Use> uses,
            boolean compares,
            TestDatabase database,
            String... tables) {
        boolean isSource = side == Side.SOURCE;
        String login = side.word() + "_" + database.name();
        String reader = login + "_reader";
        String comparing = compares ? ", reconcile: {username: " + reader + "}" : "";
        StringBuilder text =
                new StringBuilder(
                        """
                        migration: %1$s
                        source: %2$s
                        target: %2$s
                        indexes: after-backfill
                        tables:
                        """
                                .formatted(
                                        migration,
                                        "{url: '%s', username: %s%s}"
                                                .formatted(database.url(), login, comparing)));
        if (tables.length == 0) {
            text.append("  public.*: SELECT * FROM public.*\n");
        }
        for (int i = 0; i < tables.length; i++) {
            String other = tables[i].endsWith(".*") ? "public.*" : "public.t" + i;
            text.append(
                    "  %s: SELECT * FROM %s%n"
                            .formatted(isSource ? other : tables[i], isSource ? tables[i] : other));
        }
        MigrationSpec spec = spec(text.toString());
        grant(
                database,
                login,
                schemas(isSource ? GrantedTables.ofSource(spec) : GrantedTables.ofTarget(spec)),
                of(side, Grants.of(spec)).stream()
                        .filter(each -> uses.contains(each.use()))
                        .toList());
        return as(compares ? reader : login, database);
    }

    private static List<RoleGrants> of(Side side, List<RoleGrants> grants) {
        return grants.stream().filter(each -> each.side() == side).toList();
    }

    private static Set<String> schemas(GrantedTables tables) {
        Set<String> schemas = new TreeSet<>(tables.schemas());
        schemas.add("public");
        return schemas;
    }

    /// @param login that owns the control schema
    private static void grant(
            TestDatabase database, String login, Set<String> schemas, List<RoleGrants> grants) {
        String owner = "owner_" + database.name();
        List<String> statements = new ArrayList<>();
        // A test that holds locks fails instead of waiting for itself.
        statements.add("SET lock_timeout = '30s'");
        statements.add(
                OWNERS.formatted(
                        Identifier.literal(owner), Identifier.quote(owner), literals(schemas)));
        grants.forEach(each -> statements.addAll(each.statements()));
        Set<String> logins = grants.stream().map(RoleGrants::login).collect(Collectors.toSet());
        statements.add(
                CONTROL_SCHEMA.formatted(
                        Identifier.literal(PostgresServer.CONTROL_OWNER),
                        PostgresServer.CONTROL_OWNER,
                        Identifier.quote(login)));
        statements.add(PASSWORDS.formatted(literals(logins), Identifier.literal(PASSWORD)));
        statements.add(NO_SUPERUSERS.formatted(literals(logins)));
        // In one transaction, as `psql -1` runs what is printed.
        database.execute(String.join(";\n", statements));
    }

    private static String literals(Set<String> names) {
        return names.stream().map(Identifier::literal).collect(Collectors.joining(", "));
    }
}
